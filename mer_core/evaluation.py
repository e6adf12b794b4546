"""Where scores used to live: works for one version more, with a warning."""

import warnings
from importlib import import_module


def __getattr__(name: str) -> object:
    scoring = import_module("mer_core.scoring")
    if name.startswith("__") or not hasattr(scoring, name):
        raise AttributeError(f"module 'mer_core.evaluation' has no attribute {name!r}; see mer_core.scoring.")
    warnings.warn(
        f"mer_core.evaluation.{name} is mer_core.scoring.{name} now.", DeprecationWarning, stacklevel=2
    )
    return getattr(scoring, name)
