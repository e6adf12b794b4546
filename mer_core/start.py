"""How programs start: the command `mer`, and the scripts of licensed corpora.

What they need is imported behind the last door, so that Ctrl-C ends them as quietly in their first seconds as later.
"""

from importlib import import_module
from types import ModuleType

from mer_core.door import pass_through


def mer() -> None:
    """The command `mer`."""
    _imported("mer", "mer_core.cli").main()


def script(corpus: str) -> None:
    """The script of a licensed corpus."""
    source = _imported(corpus, "mer_core.corpora.sources").SOURCES[corpus]
    module, _, name = source.partition(":")
    kind = getattr(_imported(corpus, module), name)
    _imported(corpus, "mer_core.corpora.command").run_script(kind)


def _imported(program: str, module: str) -> ModuleType:
    modules: list[ModuleType] = []
    pass_through(program, lambda: modules.append(import_module(module)))
    return modules[0]
