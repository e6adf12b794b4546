"""CAS(ME)³: what `mer prepare casme3` does."""

import mer_core.pinned

from mer_core.corpora.command import run_script
from mer_core.corpora.sources.casme3 import CASMECubed

if __name__ == "__main__":
    run_script(CASMECubed)
