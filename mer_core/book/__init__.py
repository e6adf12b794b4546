"""What makes the chapters a book: checked parameters, execution, pages that need no network, notebook tests.

`build` and `contents` serve the `mer` command, `page` is loaded by Sphinx, `tolerance` by pytest.
"""

from mer_core.book.bound import bound
from mer_core.book.live import controls
from mer_core.book.source import source
from mer_core.studies.parameters import Parameters

__all__ = ["Parameters", "bound", "controls", "source"]
