"""Parameters of a chapter: papermill only warns of an unknown one, a chapter stops.

The second code cell of a chapter declares its parameters and takes them from the notebook::

    class Chapter(Parameters):
        folds: int = Field(ge=2, le=26)
        seed: int = Field(ge=0)

    settings = Chapter.from_notebook()
"""

import ast
from typing import Self, get_args

from IPython import get_ipython

from mer_core.settings import Settings

INJECTED = "# Parameters\n"  # papermill opens the cell that it injects with this line


class Parameters(Settings):
    """Base of a chapter's parameters."""

    @classmethod
    def from_notebook(cls) -> Self:
        """The values of the parameters cell and of the cell that papermill injected after it, checked and printed."""
        return cls.from_namespace(get_ipython().user_ns)

    @classmethod
    def from_namespace(cls, namespace: dict) -> Self:
        """The same, of a namespace with the sources of its cells as `In`."""
        names = set(cls.model_fields) | _injected(namespace["In"])
        settings = cls(**{name: cls._declared(name, namespace[name]) for name in names if name in namespace})
        print(settings)
        return settings

    @classmethod
    def _declared(cls, name: str, value: object) -> object:
        """Papermill makes a number of `-p table 2014`; where a text is declared it is one."""
        field = cls.model_fields.get(name)
        takes_text = field and {type(one) for one in get_args(field.annotation)} == {str}
        return str(value) if takes_text and type(value) is int else value


def _injected(cells: list[str]) -> set[str]:
    """Names that papermill's cell sets; looking at that cell alone leaves a live notebook's own variables in peace."""
    trees = [ast.parse(source) for source in cells if source.startswith(INJECTED)]
    assigned = [target for tree in trees for node in tree.body for target in getattr(node, "targets", [])]
    return {target.id for target in assigned if isinstance(target, ast.Name)}
