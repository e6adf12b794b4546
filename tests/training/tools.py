"""What the tests of training share: a cache of their own, and runs on the tiny corpus."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mer_core.training import Run, RunSettings

MER = [sys.executable, "-c", "from mer_core.cli import main; main()"]
MINI = ("--corpus", "synth-mini")


@pytest.fixture(scope="session")
def _cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def cache(_cache, monkeypatch):
    """ClipSets are made in a folder of the tests, here and in processes that they start."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(_cache))


def mini(method="ststnet", **settings):
    """Six folds on the tiny corpus."""
    settings = {"corpus": "synth-mini", **settings}
    if method == "ststnet":
        settings.setdefault("settings", {"epochs": 2})
    return RunSettings(method=method, **settings)


def record(settings: RunSettings, folds=("toy/s1",)):
    """The least that a run says of itself."""
    plain = {
        "settings": settings.plain(),
        "method": {},
        "folds": list(folds),
        "numerics": "n",
        "started": "then",
    }
    machine = {"environment": {"python": "3", "torch": "2"}, "hardware": {"machine": "m", "gpu": None}}
    return {**plain, "data": {"clips": 6, "sha256": {}}, "code": {"mer_core": "0", "sha256": "a"}, **machine}


def mer(*words, **environment):
    """The command in a process of its own, as a user starts it."""
    words = [*MER, *map(str, words)]
    return subprocess.run(words, capture_output=True, text=True, env={**os.environ, **environment})


def pooled(folder):
    """The predictions of a run, every bit of them."""
    return Run.open(folder).predictions


def times(folder: Path):
    """When every finished part was written."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "predictions").glob("*.parquet")}
