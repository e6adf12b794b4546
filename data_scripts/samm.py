"""SAMM: what `mer prepare samm` does."""

import mer_core.pinned

from mer_core.corpora.command import run_script
from mer_core.corpora.sources.samm import SAMM

if __name__ == "__main__":
    run_script(SAMM)
