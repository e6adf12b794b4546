"""What the processes of a run are told, and how many there are."""

from multiprocessing.reduction import ForkingPickler

from mer_core import clips
from mer_core.methods import METHODS
from mer_core.methods.majority import Majority
from mer_core.training import engines, run
from mer_core.workers import distribute
from tests.training.tools import mini


def knows(plain, part):
    """In the place of `compute`: whether the method of the part is one of the book here."""
    return part in engines.METHODS


def test_a_worker_knows_the_method_that_its_caller_added(monkeypatch):
    travelling = []
    monkeypatch.setattr(engines, "distribute", lambda task, *_: iter([travelling.append(task)]))
    monkeypatch.setattr(engines, "compute", knows)
    monkeypatch.setattr(engines, "METHODS", {**METHODS, "mine": Majority})
    plain = mini("majority").model_dump_json().replace("majority", "mine")
    list(engines.local(plain, [], 2))
    task = ForkingPickler.loads(ForkingPickler.dumps(travelling[0]))
    monkeypatch.setattr(engines, "METHODS", dict(METHODS))
    monkeypatch.setattr(engines, "parent_process", lambda: True)
    monkeypatch.setattr(engines, "take_over", lambda kernels: None)
    assert not knows(plain, "mine")
    assert task("mine")


def test_one_worker_renders_alone_too(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked = []

    def alone(task, items, workers):
        asked.append(workers)
        return distribute(task, items, 1)

    monkeypatch.setattr(clips, "distribute", alone)
    run(mini("majority", limit=5, groups=2), tmp_path / "run", workers=1)
    assert asked == [1]
