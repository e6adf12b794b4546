"""Fit one fold, predict its test clips; devices."""

from mer_core.training.devices import Device, find_device
from mer_core.training.fit import FitSettings, fit, predict, predict_folds

__all__ = ["Device", "FitSettings", "find_device", "fit", "predict", "predict_folds"]
