import numpy as np
import pandas as pd
import pytest

from mer_core.scoring.statistics import Interval
from mer_core.studies import curves
from mer_core.studies.rows import by_seed, main_run

CLIPS = np.array([10.0, 20.0, 40.0, 80.0])
REAL = pd.DataFrame({"clips": [25, 60, 90]}, index=["CASME II", "CAS(ME)³", "MEGC 2019"])


def rising(start, step, spread=0.0):
    """A curve that gains `step` with each doubling."""
    values = start + step * np.arange(4)
    return curves.Curve(CLIPS, values, values + np.random.default_rng(0).normal(0, spread, (50, 1)))


def span(value, low, high):
    return Interval(value, low, high, 0.95, 10)


@pytest.mark.parametrize(("size", "where"), [(8, "left end"), (25, "in the middle"), (100, "right end")])
def test_the_leader_at_each_size_is_named_and_where_a_real_corpus_lies(size, where):
    wide = pd.DataFrame({"majority": 0.2, "a": [0.3, 0.4, 0.5, 0.6], "b": [0.4, 0.5, 0.45, 0.5]}, index=CLIPS)
    told = curves.says_leaders(wide, REAL.assign(clips=size))
    assert "*b* (0.40) at 10, *b* (0.50) at 20, *a* (0.50) at 40 and *a* (0.60) at 80" in told
    assert "stays at 0.20" in told
    assert where in told


def steps(*gains):
    rows = [{"from": f, "to": f * 2, "gain": g, "low": g - 0.05, "high": g + 0.05} for f, g in gains]
    return pd.concat({"m": pd.DataFrame(rows)})


def says_test_who_slows_down_and_who_falls_is():
    slow = curves.says_doubling(steps((50, 0.1), (400, 0.02)))
    assert "by +0.100 (m) on the mean, beyond by +0.020 (m). Of the 1 methods with both, 1 slow down" in slow
    assert "falls" not in slow
    fast = curves.says_doubling(steps((50, -0.1), (400, 0.2)))
    assert "0 slow down" in fast
    assert "(*m* from 50 to 100 clips)" in fast


def test_a_forecast_that_fails_is_surer_of_itself_than_it_should_be():
    bent = curves.Curve(CLIPS, np.array([0.2, 0.3, 0.4, 0.41]), np.tile([0.2, 0.3, 0.4, 0.41], (5, 1)))
    table = curves.hindsight({"straight": rising(0.2, 0.1, 0.01), "bent": bent, "short": bent.first(3)})
    assert table.loc[("bent", "logarithm"), "inside"] == "no"
    assert "short" not in table.index.get_level_values("method")
    assert "surer of itself" in curves.says_hindsight(table)
    assert curves.says_hindsight(table.assign(inside="yes")).endswith("not that the law is wrong.")


def test_the_most_hopeful_line_needs_more_or_fewer_clips_than_there_are():
    fitted = curves.fits({"m": rising(0.4, 0.05, 0.01)})
    far, near = (curves.says_target(fitted, target, REAL) for target in (0.9, 0.5))
    assert "times as many clips as the largest real corpus" in far
    assert "with fewer clips than the largest real" in near


def says_test_who_is_ahead_and_who_rises_faster_is():
    both = {"a": rising(0.5, 0.05, 0.001), "b": rising(0.3, 0.1, 0.001)}
    told = curves.says_compared([("a", "b"), ("b", "a")], both, curves.fits(both), "logarithm").splitlines()
    assert "*a* is ahead of *b* beyond doubt at 4 of 4 sizes, behind at 0; it rises more slowly" in told[0]
    assert (
        "beyond doubt at 0 of 4 sizes, behind at 4; it rises faster, and the two lines meet at 160 "
        in told[1]
    )
    assert "meet" not in curves.says_compared([("a", "b")], both, {}, "logarithm")


def test_what_is_saved_is_told_with_its_doubt():
    told = curves.says_saved({("synth", 12.0): span(1.8, 1.1, 2.6), ("large", 700.0): span(0.8, 0.7, 0.9)})
    assert told.startswith("At 1 of 2 sizes")
    assert "worth 1.8 times the clips (synth, 12)" in told
    assert "ahead: large at 700 clips" in told
    nothing = curves.says_saved({("synth", 12.0): span(1.8, 0.9, 2.6)})
    assert "nothing was saved" in nothing
    assert "ahead" not in nothing


def test_an_interval_without_an_end_has_none():
    assert curves.says_times(span(2, 1.5, float("inf"))) == "2.0 times as many [1.5, no end]"


@pytest.mark.parametrize(
    ("half", "words"), [(0.55, "adds little"), (0.4, "a good part of what its curve shows")]
)
def test_whether_steps_explain_a_curve(half, words):
    after = pd.DataFrame({"UF1": [0.3, half, 0.58, 0.6]})
    told = curves.says_steps(rising(0.4, 0.05), rising(0.3, 0.1), after)
    assert "HOOF changes by +0.15, STSTNet by +0.30" in told
    assert words in told


class Stored:
    def __init__(self, seeds):
        self.record = {"settings": {"seeds": seeds}, "method": {"epochs": 3, "batch": 4}}


def test_as_many_trainings_are_told_as_there_are():
    assert "one training, with one choice of clips, stands" in curves.says_seeds({"a": {"all": Stored([0])}})
    assert "at most 3 trainings, each" in curves.says_seeds(
        {"a": {"all": Stored([0, 1, 2]), "half": Stored([0])}}
    )


def test_steps_grow_with_clips_and_a_rule_has_none():
    rule = Stored([0])
    del rule.record["method"]["epochs"]
    sizes = pd.DataFrame({"clips": [4.0, 9.0]}, index=["half", "all"])
    made = curves.steps({"net": {"half": Stored([0]), "all": Stored([0])}, "rule": {"all": rule}}, sizes)
    assert made.loc["net"].to_dict() == {"4": 3, "9": 9}
    assert list(made.index) == ["net"]


def test_two_hundredths_are_so_many_clips_unless_no_curve_rises():
    fitted = curves.fits({"fast": rising(0.2, 0.2), "slow": rising(0.2, 0.02), "down": rising(0.6, -0.1)})
    told = curves.says_hundredths(fitted, REAL)
    assert "25 clips, that is 2 to 25 clips more; of down no number would do" in told
    assert "No curve rises" in curves.says_hundredths({"down": fitted["down"]}, REAL)


def test_a_law_through_its_own_points_misses_none():
    straight = {"m": rising(0.2, 0.1)}
    made = curves.misses(straight, curves.fits(straight))
    assert made.loc["m", "logarithm"] == pytest.approx(0)
    assert made.loc["m", "power"] > 0.005


def test_every_curve_is_of_a_main_row_and_a_parameter_names_one():
    assert list(curves.curve_runs()) == curves.row_names()
    asked = {"law": "power", "target": 0.8}
    assert curves.Chapter(method="MOL", **asked).method == "MOL"
    with pytest.raises(ValueError, match="no curve of 'mol'; there are curves of HOOF"):
        curves.Chapter(method="mol", **asked)


def test_frames_are_seen_by_whoever_is_given_no_flow():
    assert curves.see_frames(["HOOF", "STSTNet", "MOL", "MIACNet"]) == ["MOL", "MIACNet"]


def test_after_all_its_steps_a_network_scores_what_its_run_says():
    after = curves.after_steps("STSTNet")
    assert after["steps"].is_monotonic_increasing
    assert after["UF1"].iloc[-1] == pytest.approx(by_seed(main_run("STSTNet").predictions, 3).mean())
