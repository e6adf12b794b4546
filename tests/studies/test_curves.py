import math

import numpy as np
import pandas as pd
import pytest

from mer_core.scoring.metrics import scores
from mer_core.scoring.statistics import draw_subjects
from mer_core.studies.curves import (
    LAWS,
    Curve,
    ahead,
    crossing,
    curve,
    fit,
    gains,
    learnt_from,
    times_as_many,
)
from mer_core.training import parts
from mer_core.training.parts import Part, RunSettings, compute

CLIPS = np.array([10.0, 20.0, 40.0, 80.0])


def along(law, a, b, spread=0.0, draws=200):
    """A curve that keeps a law exactly, and draws around it."""
    noise = np.random.default_rng(0).normal(0, spread, (draws, 1))
    values = LAWS[law].unbend(a + b * np.log2(CLIPS))
    return Curve(CLIPS, values, values + noise)


def said(right, seed=0):
    """Six subjects, two clips of each class each, that share of which is answered right."""
    draw = np.random.default_rng(seed)
    truth = np.tile(range(3), 12)
    predicted = np.where(draw.random(36) < right, truth, (truth + 1) % 3)
    names = [f"c/s{i // 6}" for i in range(36)]
    return pd.DataFrame(
        {"clip": [f"{i:02d}" for i in range(36)], "subject": names, "truth": truth, "predicted": predicted}
    )


# Points


def test_a_point_is_the_pooled_score_and_points_are_sorted():
    tables = {40: said(0.9), 10: said(0.4)}
    made = curve(tables, 3, draws=50)
    assert made.clips.tolist() == [10, 40]
    for point, clips in enumerate((10, 40)):
        table = tables[clips]
        assert made.scores[point] == pytest.approx(scores(table["truth"], table["predicted"], 3).uf1)


def test_a_draw_is_the_score_of_drawn_persons_at_every_point():
    tables = {10: said(0.4), 40: said(0.9)}
    made = curve(tables, 3, draws=4, seed=7)
    weights = draw_subjects(6, 4, 7)
    for draw in range(4):
        for point, table in enumerate(tables.values()):
            times = weights[draw][table["subject"].str[-1].astype(int)]
            copies = table.loc[table.index.repeat(times)]
            expected = scores(copies["truth"], copies["predicted"], 3).uf1
            assert made.drawn[draw, point] == pytest.approx(expected)


def test_several_trainings_of_a_point_count_by_their_mean_score():
    several = pd.concat([said(0.4, seed).assign(seed=seed) for seed in (0, 1)])
    made = curve({10: several, 40: said(0.9)}, 3, draws=20)
    each = [scores(t["truth"], t["predicted"], 3).uf1 for _, t in several.groupby("seed")]
    assert made.scores[0] == pytest.approx(np.mean(each))
    alone = [curve({10: t, 40: said(0.9)}, 3, draws=20).drawn for _, t in several.groupby("seed")]
    assert made.drawn == pytest.approx(np.mean(alone, axis=0))


def test_points_of_other_clips_make_no_curve():
    with pytest.raises(ValueError, match="same clips"):
        curve({10: said(0.4), 20: said(0.9)[:30]}, 3)


def test_a_gain_is_counted_for_each_doubling():
    made = Curve(np.array([10.0, 40.0]), np.array([0.4, 0.6]), np.array([[0.4, 0.6], [0.5, 0.6]]))
    row = gains(made).iloc[0]
    assert (row["from"], row["to"]) == (10, 40)
    assert (row["gain"], row["low"], row["high"]) == pytest.approx((0.1, 0.05, 0.1))


# Who was learnt from


def test_it_counts_the_very_clips_and_persons_that_a_run_learns_from(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    seen, fitting = [], parts.fit_and_predict

    def spy(method, train, *rest):
        seen.append((len(train.labels), len(set(train.subjects))))
        return fitting(method, train, *rest)

    monkeypatch.setattr(parts, "fit_and_predict", spy)
    settings = RunSettings(method="majority", corpus="synth-mini", groups=2, labelled=0.5, seeds=(4,))
    made = learnt_from(settings)
    for fold in made.index:
        compute(settings.model_dump_json(), Part(fold, 4))
    assert [tuple(row) for row in made.to_numpy()] == seen


# Laws


@pytest.mark.parametrize("law", LAWS)
def test_a_curve_that_keeps_a_law_is_continued_by_it(law):
    made = fit(along(law, 0.1, 0.05).first(3), law)
    wanted = LAWS[law].unbend(0.1 + 0.05 * np.log2(CLIPS[-1]))
    assert made.line == pytest.approx([0.1, 0.05])
    assert made.at(CLIPS[-1]).value == pytest.approx(wanted)
    assert made.until(wanted).value == pytest.approx(CLIPS[-1])
    assert made.doubling(40).value == pytest.approx(made.at(80).value - made.at(40).value)


def test_the_line_is_that_of_least_squares():
    values = np.array([0.3, 0.45, 0.4, 0.6])
    slope, start = np.polyfit(np.log2(CLIPS), values, 1)
    assert fit(Curve(CLIPS, values, values[None])).line == pytest.approx([start, slope])


def test_by_the_power_law_each_doubling_takes_the_same_share_of_what_is_missing():
    made = fit(along("power", 0.1, 0.3), "power")
    missing = [1 - made.at(n).value for n in (10, 20, 40)]
    assert missing[1] / missing[0] == pytest.approx(missing[2] / missing[1])


def test_a_flat_or_falling_curve_reaches_nothing():
    for slope in (0.0, -0.05):
        assert fit(along("logarithm", 0.5, slope)).until(0.9).value == math.inf


def test_an_interval_may_have_no_end():
    values = np.array([[0.5, 0.6], [0.5, 0.5], [0.5, 0.7]])
    made = fit(Curve(np.array([10.0, 20.0]), np.array([0.5, 0.6]), values)).until(0.8)
    assert (made.value, made.low, made.high) == (pytest.approx(80), pytest.approx(28.28, abs=0.01), math.inf)


def test_one_point_makes_no_law():
    with pytest.raises(ValueError, match="at least two points"):
        fit(along("logarithm", 0.1, 0.1).first(1))
    with pytest.raises(ValueError, match="no law 'cubic'; there are logarithm, power"):
        fit(along("logarithm", 0.1, 0.1), "cubic")


# Two curves


def test_on_the_same_persons_a_lead_is_surer_than_either_curve():
    low, high = along("logarithm", 0.1, 0.05, spread=0.1), along("logarithm", 0.2, 0.05, spread=0.1)
    table = ahead(high, low.first(3))
    assert table["clips"].tolist() == CLIPS[:3].tolist()
    assert table["difference"].tolist() == pytest.approx([0.1] * 3)
    assert (table["low"] > 0.09).all()
    assert low.interval(0).low < low.scores[0] - 0.1


def test_lines_meet_where_they_are_equal():
    one, other = along("logarithm", 0.0, 0.1), along("logarithm", 0.3, 0.05)
    assert crossing(fit(one), fit(other)).value == pytest.approx(2**6)


def test_a_curve_that_is_one_doubling_ahead_saves_half_of_the_clips():
    slow, fast = along("logarithm", 0.1, 0.05), along("logarithm", 0.15, 0.05)
    assert times_as_many(fit(slow), fit(fast), 20).value == pytest.approx(2)


def test_two_laws_are_not_compared():
    of = along("logarithm", 0.1, 0.05)
    with pytest.raises(ValueError, match="one law"):
        times_as_many(fit(of), fit(of, "power"), 20)
