import numpy as np
import pytest
import torch

from mer_core.studies.famnet import (
    along_shares,
    answers_as_stored,
    best_epochs,
    learned_share,
    loudness,
    missed_apex,
    score_table,
    uf1_of,
)
from mer_core.studies.famnet.live import FUSIONS
from mer_core.studies.famnet.material import BRANCHES, CONTROL, NETWORKS


def test_every_network_and_fusion_answers_each_tested_clip_once(live):
    assert list(live.tables) == [*NETWORKS, *FUSIONS, "commonest class"]
    for table in live.tables.values():
        assert table["clip"].tolist() == live.given.table["clip"].iloc[live.given.tested].tolist()
    assert (live.tables["commonest class"]["predicted"] == live.given.commonest).all()


def test_the_control_sees_what_its_branch_sees_and_learns_otherwise(live):
    one, other = (live.fitted[name][0].network.state_dict() for name in ("change at apex", CONTROL))
    assert one.keys() == other.keys()
    assert any(not torch.equal(one[key], other[key]) for key in one)


def test_a_share_of_all_or_nothing_is_one_branch_alone(live):
    for share, name in ((1.0, "apex frame"), (0.0, "clip")):
        fused = torch.cat(live.fused("apex frame", "clip", share)).argmax(dim=1)
        assert fused.tolist() == live.tables[name]["predicted"].tolist()


def test_the_curve_of_shares_ends_at_the_branches(live):
    curve = along_shares(live)["apex frame + clip"]
    assert (curve.iloc[0], curve.iloc[-1]) == (live.uf1["clip"], live.uf1["apex frame"])
    assert 0 < learned_share(live) < 1


def test_scores_have_an_interval_if_several_subjects_are_tested(live):
    several = len(set(live.given.subjects[live.given.tested])) > 1
    assert score_table(live)["UF1, 95 %"].str.contains("[", regex=False).all() == several
    assert uf1_of(live.tables["clip"], 3) == live.uf1["clip"]


def test_no_epoch_is_better_than_the_best(live):
    table = best_epochs(live)
    assert list(table.index) == list(BRANCHES)
    assert (table["best epoch"] >= table["last epoch"]).all()


def test_only_runs_that_were_asked_for_the_same_are_compared(live):
    assert answers_as_stored(live) == {}  # no stored run is on so few clips


def test_who_shouts_decides_unless_both_speak_on_one_scale():
    table = loudness(seed=0, clips=600)
    assert table["plain mean"].is_monotonic_decreasing
    assert np.ptp(table["one scale"]) == pytest.approx(0, abs=0.01)
    assert (table["one scale"] > table["second alone"]).all()


def test_at_the_apex_nothing_is_lost(live):
    missed = missed_apex(live)
    assert list(missed.index) == [-3, -2, -1, 0, 1, 2, 3]
    assert missed.loc[0, ["less that of the apex", "low", "high"]].tolist() == [0, 0, 0]
    assert missed["mean certainty"].between(1 / 3, 1).all()
