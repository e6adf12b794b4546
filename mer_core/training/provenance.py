"""What a run says of its origin: the code that computed it, the commit, the packages and the machine."""

import hashlib
import inspect
import os
import platform
import sys
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import torch

from mer_core.code import HOMES, PACKAGE, closure, code_key, commit, homes_of
from mer_core.methods.base import Method

PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "opencv-python", "pandas")
PARTS, STARTS = (PACKAGE / "training" / name for name in ("parts.py", "starts.py"))
# What these make stands in a run's record by content: the method with all its settings, the clips' checksums, kernels.
RECORDED = {
    PACKAGE / name for name in ("methods/registry.py", "corpora/catalogue.py", "numerics.py", "code.py")
}
# What looks on while a network trains, and judges it afterwards: no answer depends on it.
ONLOOKERS = {PACKAGE / name for name in ("training/learnt.py", "training/events.py", "progress.py")}


def code_of(method: Method) -> str:
    """Changes when an answer of this method could: a hash of its own code and of the training that it has."""
    return _key(method, {PARTS} if method.start == "scratch" else {PARTS, STARTS, *_lesson(method)})


def code_of_start(method: Method) -> str:
    """Changes when what the method learns before could."""
    return _key(method, {STARTS, *_lesson(method)})


def _lesson(method: Method) -> set[Path]:
    """Where it is written what the method learns before."""
    spec = find_spec(method.before.partition(":")[0]) if method.before else None
    return {Path(spec.origin)} if spec and spec.origin else set()


def _key(method: Method, training: set[Path]) -> str:
    kinds = [kind for kind in type(method).__mro__ if issubclass(kind, Method)]
    files = {kind: file for kind in kinds if (file := _file(kind))}
    homes = {
        name: place for kind, file in files.items() for name, place in homes_of(kind.__module__, file).items()
    }
    without = RECORDED | ONLOOKERS | {PARTS, STARTS, *_lesson(method)} - training
    key = code_key(closure({*files.values(), *training}, homes | HOMES, without))
    typed = [_functions(kind) for kind in kinds if kind not in files]
    return hashlib.sha256(repr([key, *typed]).encode()).hexdigest() if typed else key


def _file(kind: type) -> Path | None:
    """Where a class is written down; one that was typed into a notebook has no file."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return Path(file) if file else None


def _functions(kind: type) -> list[tuple]:
    codes = [value.__code__ for value in vars(kind).values() if inspect.isfunction(value)]
    return [
        (code.co_code, code.co_names, [c for c in code.co_consts if not inspect.iscode(c)]) for code in codes
    ]


def provenance(method: Method) -> dict[str, object]:
    """By which code, which packages and which machine a run is computed, and when."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    machine = {"machine": platform.machine(), "processor": processor(), "cores": os.cpu_count(), "gpu": gpu}
    return {
        "code": {"mer_core": version("mer-core"), "sha256": code_of(method), **commit()},
        "environment": packages(),
        "hardware": machine,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def packages() -> dict[str, str]:
    """The versions that a result depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def processor() -> str | None:
    """The model of the processor, as Linux names it, or else as Python does."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text(encoding="utf-8").splitlines() if known.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or None
