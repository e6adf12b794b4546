"""Code of the package, shown where a chapter teaches it."""

import inspect

from IPython.display import Markdown


def source(thing: object) -> Markdown:
    """The source of a function or class as a cell's output; stored with the chapter, so that nbval sees it change."""
    file = inspect.getmodule(thing).__name__.replace(".", "/")
    return Markdown(f"```python\n# {file}.py\n{inspect.getsource(thing).rstrip()}\n```")
