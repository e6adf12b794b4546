"""The methods of the book by name: a table of contents, of which a method is imported when it is asked for.

So an edit of one method makes no chapter and no run older that does not name it.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any

from torch import nn

from mer_core.methods.base import AnyMethod, FeatureMethod, Method, NetworkMethod
from mer_core.named import find, names

GROUP = "mer_core.methods"  # of entry points

BOOK = {  # from the simplest on
    "majority": "mer_core.methods.majority:Majority",
    "apexframe": "mer_core.methods.apexnet:ApexFrame",
    "lbptop": "mer_core.methods.lbptop:LBPTOP",
    "hoof": "mer_core.methods.hoof:HOOF",
    "offapex": "mer_core.methods.offapex:OffApex",
    "ststnet": "mer_core.methods.ststnet:STSTNet",
    "fdp": "mer_core.methods.fdp:FDP",
    "mol": "mer_core.methods.mol:MOL",
    "amnet2d": "mer_core.methods.famnet:AMNet2D",
    "amnet3d": "mer_core.methods.famnet:AMNet3D",
    "famnet": "mer_core.methods.famnet:FAMNet",
    "miacnet": "mer_core.methods.ma2mi.network:MA2MI",
}


Kind = type[FeatureMethod] | type[NetworkMethod]


class Registry(MutableMapping[str, Kind]):
    """Classes by name; one that is held by its place, `module:Class`, is imported at the first look at it."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._held: dict[str, str | Kind] = dict(places)

    def __getitem__(self, name: str) -> Kind:
        held = self._held[name]
        return load(held) if isinstance(held, str) else held

    def __setitem__(self, name: str, method: Kind) -> None:
        self._held[name] = method

    def __delitem__(self, name: str) -> None:
        del self._held[name]

    def __contains__(self, name: object) -> bool:
        return name in self._held

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


def load(place: str) -> Kind:
    """The class of `module:Class`."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


METHODS = Registry(BOOK)


def method_names() -> list[str]:
    """The methods of the book, from the simplest on, and those of installed packages."""
    return names(METHODS, GROUP)


def find_method(name: str) -> Kind:
    """A method by its name, or by where its class stands: `mypkg.mine:Mine`."""
    kind: Any = Method  # which is abstract, and so no class to be had
    return find(name, METHODS, GROUP, kind)


def create_method(name: str, preset: str = "book", **settings: object) -> AnyMethod:
    """A method with the settings of a preset, some of them changed."""
    method = find_method(name)
    if preset not in method.presets:
        raise ValueError(f"{name} has no preset {preset!r}; it has {', '.join(method.presets)}.")
    return method(method.Settings.parse({**method.presets[preset], **settings}))


def create_model(name: str, n_classes: int, preset: str = "book", **settings: object) -> nn.Module:
    """The network of a method, freshly initialised.

    >>> create_model("ststnet", n_classes=3)  # doctest: +ELLIPSIS
    TripleStream(...
    """
    method = create_method(name, preset, **settings)
    if not isinstance(method, NetworkMethod):
        raise ValueError(f"{name} has no network: it is an estimator on features.")
    if n_classes < 2:
        raise ValueError(f"Expected at least two classes, got n_classes={n_classes}.")
    return method.network(n_classes)
