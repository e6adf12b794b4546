"""Fit one fold; run all folds here or on a cluster; resume; devices; weights."""

from mer_core.devices import Device, find_device
from mer_core.training.fit import (
    Examples,
    Fitted,
    examples,
    fit_and_predict,
    fit_network,
    fold_seed,
    predict,
    predict_clips,
    predict_folds,
    predict_outputs,
)
from mer_core.training.parts import Part, RunError, RunSettings
from mer_core.training.runs import Run, run
from mer_core.training.weights import load_network

__all__ = [
    "Device", "Examples", "Fitted", "Part", "Run", "RunError", "RunSettings", "examples", "find_device",
    "fit_and_predict", "fit_network", "fold_seed", "load_network", "predict", "predict_clips",
    "predict_folds", "predict_outputs", "run",
]  # fmt: skip
