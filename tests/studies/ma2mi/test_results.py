import pandas as pd
import pytest

from mer_core.ledger.experiments import load_paper, score_rows
from mer_core.ledger.results import RESULTS, find_run
from mer_core.scoring.statistics import Interval
from mer_core.studies.ma2mi import results
from mer_core.studies.ma2mi.chapter import Gaps

GAPS = Gaps(pd.DataFrame({"gap": [1, 2, 3, 5], "motion": [1.0, 2.0, 3.0, 5.0]}), pd.Series([2.0]))


@pytest.fixture
def nothing(monkeypatch):
    """No run is stored."""
    monkeypatch.setattr(results, "stored", lambda experiment: None)


@pytest.fixture(scope="module")
def paper():
    return load_paper("ma2mi")


def judged(**rows):
    columns = ["difference", "low", "high", "p", "corrected", "seeds", "verdict"]
    return pd.DataFrame(rows, index=columns).T


def test_a_difference_is_that_of_the_same_seeds_or_of_first_ones():
    runs = [find_run(f"ma2mi/{name}").predictions for name in ("ma2mi", "scratch")]
    assert [run["seed"].nunique() for run in runs] == [3, 3]
    every, first = results.against("ma2mi", "scratch"), results.against("ma2mi", "scratch", first_seeds=True)
    seeds = results.seed_table()
    assert every.value == pytest.approx(seeds.loc["ma2mi", "mean"] - seeds.loc["scratch", "mean"])
    assert first.value == pytest.approx(seeds.loc["ma2mi", "seed 0"] - seeds.loc["scratch", "seed 0"])
    assert results.differences().loc["ma2mi less scratch", "UF1"] == str(every)


def test_figures_and_tables_have_a_point_for_each_stored_run(paper):
    rows = score_rows(paper, RESULTS)
    table = results.row_table(rows)
    assert table.loc["scratch", "UF1"] == f"{rows['UF1']['scratch']:.3f}"
    assert len(results.row_intervals(rows).data[0].x) == len(rows)
    assert [len(line.x) for line in results.label_curves().data] == [len(results.SHARES)] * 2
    assert list(results.label_table().index) == [f"{share} % of the labels" for share in results.SHARES]


def test_gains_stand_by_the_size_of_the_movements_learnt_from():
    swept = results.sweep(GAPS)
    assert swept["name"].to_dict() == {0.5: "near", 1.0: "ma2mi", 2.5: "far"}
    assert swept["value"][1.0] == results.against("ma2mi", "scratch", first_seeds=True).value
    assert results.sweep_table(swept).loc["far", "gaps"] == "[5]"
    assert len(results.sweep_curve(swept).data) == 1


def swept(*intervals):
    rows = [
        {"name": name, "value": (low + high) / 2, "low": low, "high": high} for name, low, high in intervals
    ]
    return pd.DataFrame(rows, index=[0.5, 1.0][: len(rows)])


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([("near", 0.0, 0.1)], "Too few"),
        (
            [("near", 0.0, 0.1), ("far", 0.1, 0.3)],
            "*far*, at 1.0 times the motion of the test clips. All intervals overlap",
        ),
        (
            [("near", 0.2, 0.4), ("far", 0.0, 0.1)],
            "*near*, at 0.5 times the motion of the test clips. Not all",
        ),
    ],
)
def test_a_sentence_says_which_size_of_movements_teaches_most(rows, says):
    assert says in results.sweep_in_words(swept(*rows))


@pytest.mark.parametrize(
    ("low", "says"), [(0.2, "not clearly above the commonest class; parts"), (0.3, "is clearly above")]
)
def test_a_sentence_says_whether_the_network_recognises_anything(low, says, monkeypatch):
    monkeypatch.setattr(results, "to_compare_with", lambda: {"commonest class": 0.2})
    assert says in results.network_in_words(pd.DataFrame({"low": [low]}, index=["scratch"]))
    assert results.network_in_words(pd.DataFrame({"low": [low]}, index=["other"])) == ""
    claims = pd.DataFrame({"claim": ["it helps"], "verdict": ["supported"]})
    text = results.verdicts_in_words(claims, pd.DataFrame({"low": [low]}, index=["scratch"]))
    assert text.startswith("By the corrected test:\n\n- supported, 1 of 1: *it helps*\n\nThe network")


def test_the_summary_holds_every_claim_of_the_list_and_what_was_measured_live(paper):
    assert set(results.STORED.values()) == set(paper.claims)
    one = [0.1, 0.05, 0.2, 0.01, 0.02, 1, "supported"]
    table = results.summary(
        judged(**dict.fromkeys(paper.claims, one)), {"4 here": Interval(0.5, 0.4, 0.6, 0.95, 9)}
    )
    assert table["what was found"]["1 pre-training helps"] == "0.100 [0.050, 0.200], supported"
    assert table["what was found"]["4 here (live)"] == "0.500 [0.400, 0.600]"


def test_what_is_not_computed_is_said_so(nothing, paper):
    empty = dict.fromkeys(paper.claims, [float("nan")] * 5 + [0, "not computed"])
    claims = judged(**empty)
    assert results.summary(claims, {})["what was found"]["7 weighted loss"] == results.MISSING
    assert (
        set(results.differences()["UF1"])
        == set(results.label_table()["ma2mi less scratch"])
        == {results.MISSING}
    )
    assert results.sweep_in_words(results.sweep(GAPS)).startswith("Too few")
    assert results.row_intervals(pd.DataFrame()) is None
    for made in (
        results.seed_table(),
        results.row_table(pd.DataFrame()),
        results.sweep_table(results.sweep(GAPS)),
    ):
        assert not len(made)


def test_a_probe_is_told_with_its_range_and_chance():
    probed = pd.DataFrame({"value": 0.2, "low": 0.1, "high": 0.3}, index=["action, pre-trained"])
    assert results.probe_in_words(probed, "action", 0.04) == "0.20 [0.10, 0.30], chance 0.04"
