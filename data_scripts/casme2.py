"""CASME II: what `mer prepare casme2` does."""

import mer_core.pinned

from mer_core.corpora.command import run_script
from mer_core.corpora.sources.casme2 import CASME2

if __name__ == "__main__":
    run_script(CASME2)
