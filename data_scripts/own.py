"""Your own clips: what `mer prepare own` does."""

import mer_core.pinned

from mer_core.corpora.command import run_script
from mer_core.corpora.sources.own import Own

if __name__ == "__main__":
    run_script(Own)
