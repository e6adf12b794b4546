"""Fit one fold; run all folds here or on a cluster; resume; devices."""

from mer_core.training.devices import Device, find_device
from mer_core.training.fit import Examples, examples, fit_and_predict, fit_network, predict, predict_folds
from mer_core.training.parts import Part, RunError, RunSettings
from mer_core.training.runs import Run, run

__all__ = [
    "Device", "Examples", "Part", "Run", "RunError", "RunSettings", "examples", "find_device", "fit_and_predict",
    "fit_network", "predict", "predict_folds", "run",
]  # fmt: skip
