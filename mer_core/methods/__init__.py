"""One method, one file. A method joins the book by its class standing in `METHODS`; others are named `module:Class`."""

from torch import nn

from mer_core.methods.apexnet import ApexFrame
from mer_core.methods.base import (
    Augment,
    FeatureMethod,
    Method,
    NetworkMethod,
    NetworkSettings,
    Stage,
    count_parameters,
)
from mer_core.methods.famnet import AMNet2D, AMNet3D, FAMNet
from mer_core.methods.fdp import FDP
from mer_core.methods.hoof import HOOF
from mer_core.methods.lbptop import LBPTOP
from mer_core.methods.ma2mi import MA2MI
from mer_core.methods.majority import Majority
from mer_core.methods.mol import MOL
from mer_core.methods.offapex import OffApex
from mer_core.methods.ststnet import STSTNet
from mer_core.named import find, names

METHODS: dict[str, type[Method]] = {
    method.name: method
    for method in (
        Majority, ApexFrame, LBPTOP, HOOF, OffApex, STSTNet, FDP, MOL, AMNet2D, AMNet3D, FAMNet, MA2MI,
    )
}  # fmt: skip


GROUP = "mer_core.methods"  # of entry points


def method_names() -> list[str]:
    """The methods of the book, from the simplest on, and those of installed packages."""
    return names(METHODS, GROUP)


def find_method(name: str) -> type[Method]:
    """A method by its name, or by where its class stands: `mypkg.mine:Mine`."""
    return find(name, METHODS, GROUP, Method)


def create_method(name: str, preset: str = "book", **settings: object) -> Method:
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


__all__ = [
    "METHODS", "Augment", "FeatureMethod", "Method", "NetworkMethod", "NetworkSettings", "Stage",
    "count_parameters", "create_method", "create_model", "find_method", "method_names",
]  # fmt: skip
