"""The worked example of `mer_core/methods/README.md` works."""

import re
from pathlib import Path

import numpy as np
import pytest

import mer_core
from mer_core import open_corpus
from mer_core.methods import METHODS, create_model
from mer_core.training import fit_network, run
from tests.training.tools import mini

README = Path(mer_core.__file__).parent / "methods" / "README.md"


@pytest.fixture
def linearflow(monkeypatch):
    """The example, registered as the page says."""
    names = {"__name__": "example"}
    exec(re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[1], names)  # noqa: S102 (our own page)
    monkeypatch.setitem(METHODS, "linearflow", names["LinearFlow"])
    return names["LinearFlow"]


def test_the_example_runs_on_every_fold_without_further_work(linearflow, tmp_path):
    assert "linearflow" in METHODS
    assert sum(p.numel() for p in create_model("linearflow", n_classes=3).parameters()) == 387
    table = run(mini("linearflow"), tmp_path / "run").predictions()
    assert len(table) == 18
    assert np.isfinite(table[["p_negative", "p_positive", "p_surprise"]]).all(axis=None)


def test_the_example_learns_what_it_is_trained_on(linearflow):
    from mer_core.training import examples, predict

    method = linearflow(linearflow.Settings(epochs=60, rate=0.01))
    clips = open_corpus("synth-mini").clipset(method.view)
    labels = clips.clips["emotion"].astype("category").cat.codes.to_numpy()
    data = examples(method, clips, labels, 4)
    predicted = predict(fit_network(method, data, seed=0), data.inputs).argmax(dim=1)
    assert (predicted == data.labels).float().mean() > 0.9
