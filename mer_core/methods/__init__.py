"""One method, one file. A method joins the book by a line in `registry.BOOK`; others are named `module:Class`."""

from mer_core.methods.base import (
    Augment,
    FeatureMethod,
    Method,
    NetworkMethod,
    NetworkSettings,
    Stage,
    count_parameters,
)
from mer_core.methods.registry import METHODS, create_method, create_model, find_method, method_names

__all__ = [
    "METHODS", "Augment", "FeatureMethod", "Method", "NetworkMethod", "NetworkSettings", "Stage",
    "count_parameters", "create_method", "create_model", "find_method", "method_names",
]  # fmt: skip
