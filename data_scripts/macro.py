"""Videos of large expressions: what `mer prepare macro` does."""

import mer_core.pinned

from mer_core.corpora.command import run_script
from mer_core.corpora.sources.macro import Macro

if __name__ == "__main__":
    run_script(Macro)
