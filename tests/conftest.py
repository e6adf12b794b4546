"""What all tests share."""

import mer_core.pinned

import sys
from pathlib import Path

import pytest
from hypothesis import settings

from mer_core import named

settings.register_profile("book", deadline=None)  # a busy machine is no wrong answer
settings.load_profile("book")


@pytest.fixture
def at_home(tmp_path, monkeypatch):
    """The folder; what was imported from it is forgotten, and so is that it was on Python's path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(named, "_imported", {})
    yield tmp_path
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    for name in [name for name, file in files.items() if file and Path(file).is_relative_to(tmp_path)]:
        del sys.modules[name]
