"""CAS(ME)²: what `mer prepare casme_sq` does."""

import mer_core.pinned

from mer_core.corpora.command import run_script
from mer_core.corpora.sources.casme_sq import CASMESquared

if __name__ == "__main__":
    run_script(CASMESquared)
