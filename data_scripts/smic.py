"""SMIC: what `mer prepare smic` does."""

import mer_core.pinned

from mer_core.corpora.command import run_script
from mer_core.corpora.sources.smic import SMIC

if __name__ == "__main__":
    run_script(SMIC)
