import pytest

from mer_core.ledger import experiments
from mer_core.ledger.experiments import load_paper

TOY = """
title = "toy"
[defaults]
corpus = "synth-mini"
groups = 2
[experiments.flow]
about = "histograms of motion"
method = "hoof"
[experiments.guess]
about = "the most frequent class"
method = "majority"
[claims.motion]
says = "motion helps"
where = "here"
better = "flow"
worse = "guess"
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A folder, and a list of two experiments as the only paper."""
    (tmp_path / "toy.toml").write_text(TOY)
    monkeypatch.setattr(experiments, "PAPERS", tmp_path)
    load_paper.cache_clear()
    yield tmp_path
    load_paper.cache_clear()
