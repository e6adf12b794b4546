"""The one progress bar: on a terminal, and nowhere else.

Books, logs and checked outputs stay clean, and a bar never shares a cell with a number.
"""

import sys
from collections.abc import Iterable

from tqdm import tqdm


def progress(items: Iterable | None = None, **options: object) -> tqdm:
    """A `tqdm` bar on standard error; silent where that is not a terminal."""
    options = {"disable": not sys.stderr.isatty(), **options}
    return tqdm(items, file=sys.stderr, leave=False, dynamic_ncols=True, **options)
