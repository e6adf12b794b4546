"""A class by its name: one of the book's, one that an installed package publishes, or one by where it stands.

`mypkg.mine:Mine` is the class `Mine` of the module `mypkg.mine`, on Python's path or in the working directory. A
package publishes a name of its own by an entry point of the group `mer_core.methods` or `mer_core.corpora`.
"""

import inspect
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from mer_core.code import closure, code_key, homes_of

Kind = TypeVar("Kind")


class NamingError(ValueError):
    """No class has this name; the message says which names there are, or what is wrong with it."""


def names(listed: Mapping[str, object], group: str) -> list[str]:
    """The book's own, then those of installed packages."""
    return list(dict.fromkeys([*listed, *_published(group)]))


def find(name: str, listed: Mapping[str, type[Kind] | str], group: str, kind: type[Kind]) -> type[Kind]:
    """The class of this name: a subclass of `kind` that lacks nothing."""
    place = listed.get(name) or (name if ":" in name else _published(group).get(name))
    if place is None:
        word, known = kind.__name__.lower(), ", ".join(names(listed, group))
        raise NamingError(f"There is no {word} {name!r}; there are {known}. Your own is named module:Class.")
    found = load(place) if isinstance(place, str) else place
    if not (inspect.isclass(found) and issubclass(found, kind)):
        raise NamingError(f"Expected {place} to be a subclass of {kind.__name__}, got {found!r}.")
    if lacking := sorted(found.__abstractmethods__):
        raise NamingError(f"{place} can't be used yet: it lacks {', '.join(lacking)}.")
    return found


def _published(group: str) -> dict[str, str]:
    return {entry.name: entry.value for entry in entry_points(group=group)}


def load(place: str) -> object:
    """What stands at `module:Name`; a module that was edited since it was imported is imported anew."""
    name, _, attribute = place.partition(":")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)  # last, so that nothing here hides a package; workers inherit it
    if name in _imported and _imported[name] != _code(sys.modules[name]):
        for file in _files(sys.modules[name]):
            for old in [old for old, module in sys.modules.items() if _file(module) == file]:
                del sys.modules[old]
    module = _import(name, here)
    _imported[name] = _code(module)
    if not hasattr(module, attribute):
        raise NamingError(f"There is no {attribute!r} in {_file(module) or name}.")
    return getattr(module, attribute)


_imported: dict[
    str, str
] = {}  # what modules were when they were imported, with what they import of their own package


def _import(name: str, here: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):  # one that it needs
            raise
        expected = f"{name.replace('.', '/')}.py"
        raise NamingError(
            f"There is no module {name!r}: expected {expected} in {here}, or an installed package."
        ) from None
    except Exception as error:  # whatever stands in somebody else's file
        raise NamingError(
            f"The module {name!r} can't be imported: {type(error).__name__}: {error}."
        ) from error


def _code(module: ModuleType) -> str:
    return code_key(_files(module))


def _files(module: ModuleType) -> set[Path]:
    """Its file, and those that it imports of its own package; none of one that was typed in."""
    file = _file(module)
    return closure([file], homes_of(module.__name__, file)) if file else set()


def _file(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file) if file and file.endswith(".py") else None
