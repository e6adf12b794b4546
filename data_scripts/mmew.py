"""MMEW: what `mer prepare mmew` does."""

import mer_core.pinned

from mer_core.corpora.command import run_script
from mer_core.corpora.sources.mmew import MMEW

if __name__ == "__main__":
    run_script(MMEW)
