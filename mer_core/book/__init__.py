"""What makes the chapters a book: checked parameters, execution, pages that need no network, notebook tests.

`build` and `contents` serve the `mer` command, `page` is loaded by Sphinx, `tolerance` by pytest; `results` finds the
stored runs.
"""

from mer_core.book.bound import bound
from mer_core.book.live import controls
from mer_core.book.parameters import Parameters
from mer_core.book.source import source

__all__ = ["Parameters", "bound", "controls", "source"]
