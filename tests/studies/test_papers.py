from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from torch import nn

from mer_core.ledger.experiments import load_paper, verdicts
from mer_core.ledger.results import RESULTS
from mer_core.methods import create_method
from mer_core.settings import SettingsError
from mer_core.studies import papers
from mer_core.training import predict_clips, predict_folds

CHOSEN = {
    "corpus": "synth", "classes": "megc2019-3class", "preset": "book", "groups": 5, "folds": 1, "epochs": 0,
    "seed": 0, "device": "cpu",
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [("classes", "four"), ("corpus", "casme2"), ("folds", 0)])
def test_what_a_chapter_can_not_be_asked_for_is_refused_by_name(name, value):
    with pytest.raises(SettingsError, match=name):
        papers.PaperChapter(**CHOSEN | {name: value})


def test_a_method_has_as_many_epochs_as_are_asked_for_or_as_the_preset_says():
    usual, fewer = papers.PaperChapter(**CHOSEN), papers.PaperChapter(**CHOSEN | {"epochs": 2})
    assert fewer.method("ststnet").settings.epochs == 2
    assert usual.method("ststnet").settings == create_method("ststnet", "book").settings


@pytest.fixture(scope="module")
def given():
    settings = SimpleNamespace(
        corpus="synth-mini", classes="megc2019-3class", groups=2, folds=1, seed=3, device="cpu"
    )
    return papers.material(settings, create_method("ststnet", "book", epochs=1))


def test_the_clips_of_a_chapter_are_labelled_and_only_some_folds_are_tested(given):
    assert len(given.labels) == len(given.table) == len(given.subjects)
    assert set(given.labels) <= set(range(given.n_classes))
    assert set(given.tested) < set(range(len(given.table)))
    peaks = given.table["peak_pixels"].to_numpy()
    assert peaks[given.most] == peaks[given.tested].max()
    assert "in one fold" in str(given)
    assert given.table["clip"][given.most] in str(given)


def test_a_fold_is_trained_as_a_run_trains_it_and_looked_at_after_each_epoch(given):
    fitted = papers.fit_fold(
        given, given.folds[0], lambda network, *_: predict_clips(network, given.examples)
    )
    as_run = predict_folds(given.method, given.examples, given.folds, seed=3)
    np.testing.assert_allclose(predict_clips(fitted.network, fitted.test), as_run[given.tested], atol=1e-6)
    assert len(fitted.epochs) == 1
    assert not set(fitted.train.subjects) & set(fitted.test.subjects)


def test_multiply_adds_of_a_linear_layer_are_its_weights():
    network = nn.Sequential(nn.Flatten(), nn.Linear(2 * 3 * 3, 5))
    assert papers.multiply_adds(network, 2, 3, 3) == pytest.approx(2 * 3 * 3 * 5 / 1e9)


def test_departures_are_the_settings_that_differ_inside_others_too():
    usual = create_method("mol", "paper").settings
    here = usual.replace(batch=5, augment=usual.augment.replace(flip=True))
    table = papers.departures(here, usual)
    assert table["here"].to_dict() == {"augment.flip": "True", "batch": "5"}
    assert table["paper"].to_dict() == {"augment.flip": "False", "batch": str(usual.batch)}
    assert list(papers.departures(here, usual, without={"batch"}).index) == ["augment.flip"]
    assert (table["meaning"] != "").all()


# Stored runs


def run(given, **changes):
    """A stored run that was asked for the same, but for what is changed."""
    asked = {
        "method": "ststnet", "preset": "book", "settings": {"epochs": 1}, "corpus": "synth-mini",
        "classes": "megc2019-3class", "groups": 2, "seeds": [0, 3],
    }  # fmt: skip
    table = pd.DataFrame({"clip": given.table["clip"], "predicted": 0, "seed": 3})
    return SimpleNamespace(record={"settings": asked | changes}, predictions=table)


@pytest.mark.parametrize(
    "changes", [{"seeds": [0]}, {"groups": 3}, {"settings": {"epochs": 2}}, {"method": "offapex"}]
)
def test_only_a_run_that_was_asked_for_the_same_is_compared(given, changes):
    assert papers.is_same_run(run(given), given)
    assert not papers.is_same_run(run(given, **changes), given)


def test_agreement_is_said_only_where_there_is_something_to_compare_with(given):
    predicted = np.zeros(len(given.tested), int)
    predicted[0] = 1
    share = 1 - 1 / len(predicted)
    assert papers.agreement(run(given), given, predicted) == pytest.approx(share)
    assert f"{share:.0%}" in papers.says_agreement(run(given), given, predicted)
    assert "other settings" in papers.says_agreement(run(given, groups=3), given, predicted)
    assert "No run" in papers.says_agreement(None, given, predicted)


def test_rows_are_held_against_a_baseline_of_the_same_corpus_only():
    table = pd.DataFrame(
        {"truth": [0, 0, 1], "predicted": [0, 1, 1], "seed": 0, "p_a": 0.5, "p_b": 0.5, "clip": list("abc")}
    )
    one, other = (
        SimpleNamespace(record={"settings": {"corpus": name}}, predictions=table)
        for name in ("synth", "synth-easy")
    )
    values = papers.references(one, one)
    assert values["commonest class"] == pytest.approx(0.4)  # F1 of 0.8 and of 0
    assert values["STSTNet"] == pytest.approx(2 / 3)
    assert set(papers.references(one, other)) == {"commonest class"}


# Claims


def test_every_claim_is_in_the_table_with_its_place_and_numbers():
    paper = load_paper("fdp")
    judged = verdicts(paper, RESULTS)
    table = papers.verdict_table(paper, judged)
    assert list(table.index) == list(paper.claims)
    assert table["where"].tolist() == [claim.where for claim in paper.claims.values()]
    assert table["difference"].iloc[0] == f"{judged['difference'].iloc[0]:+.3f}"


def test_a_claim_that_was_not_computed_has_no_numbers(tmp_path):
    paper = load_paper("fdp")
    table = papers.verdict_table(paper, verdicts(paper, tmp_path))
    assert (table[["difference", "low", "high", "p", "corrected"]] == "–").all().all()


def test_claims_are_listed_by_what_follows_and_empty_verdicts_are_left_out():
    judged = pd.DataFrame(
        {"claim": ["a", "b", "c"], "verdict": ["undecided", "supported", "undecided"]}, index=list("xyz")
    )
    assert papers.says_verdicts(judged) == "- supported, 1 of 3: *b*\n- undecided, 2 of 3: *a*; *c*"


def test_what_is_not_computed_yet_is_named_only_if_there_is_something(monkeypatch):
    paper = load_paper("fdp")
    everything = pd.DataFrame(index=list(paper.experiments))
    monkeypatch.setattr(papers, "score_rows", lambda *_: everything)
    assert "Not computed" not in papers.says_rows(paper)
    monkeypatch.setattr(papers, "score_rows", lambda *_: everything.drop("paper"))
    assert papers.says_rows(paper).endswith("Not computed yet: `paper`.")
    assert "`synth`" in papers.says_rows(paper)
