import numpy as np
import pandas as pd
import pytest

from mer_core.studies.famnet import (
    best_thresholds,
    detection_tables,
    f1_with,
    fewest,
    found_units,
    in_two_steps,
    mean_table,
    precision_table,
    rarity,
    shown_units,
)

SHOWN = np.array([[1.0, 0], [1, 0], [0, 1], [0, 0]])
FOUND = np.array([[0.9, 0.7], [0.8, 0.1], [0.6, 0.9], [0.1, 0.2]])


def test_a_unit_of_few_clips_is_masked_and_a_rare_one_weighs_more(given):
    train = given.examples.take(given.folds[0].train)
    chosen = given.method.settings
    table = rarity(train, chosen)
    assert (table.loc[table["clips"] < chosen.au_fewest, "weight"] == 0).all()
    rest = table[table["clips"] >= chosen.au_fewest].sort_values("clips")
    assert rest["weight"].is_monotonic_decreasing


def test_each_branch_is_scored_on_the_tested_clips(live):
    tables = detection_tables(live)
    n = len(live.given.tested)
    assert shown_units(live).shape == found_units(live, "clip").shape == (n, 12)
    assert tables["clip"]["support"].tolist() == shown_units(live).sum(axis=0).tolist()
    assert list(mean_table(tables).index) == list(tables)


def test_precision_stands_beside_that_of_shuffled_clips(live):
    table = precision_table(live, detection_tables(live))
    assert ((table["low"] <= table["AP above the share"]) | table["low"].isna()).all()
    assert table["p"].between(0, 1).all()


def test_no_more_clips_are_asked_for_than_any_unit_has():
    assert fewest({"clip": pd.DataFrame({"support": [1, 2]})}) == 2
    assert fewest({"clip": pd.DataFrame({"support": [1, 9]})}) == 3


def test_the_best_threshold_separates_if_anything_does():
    first, second = best_thresholds(SHOWN, FOUND)
    assert 0.6 < first <= 0.8
    assert 0.7 < second <= 0.9
    assert f1_with([first, second], SHOWN, FOUND, least=1) == 1
    assert f1_with([0.5, 0.5], SHOWN, FOUND, least=1) == pytest.approx((0.8 + 2 / 3) / 2)
    assert f1_with([0.5, 0.5], SHOWN, FOUND, least=2) == pytest.approx(0.8)


def test_the_route_in_two_steps_answers_the_same_clips(live):
    table = in_two_steps(live, "clip")
    assert table["clip"].tolist() == live.tables["clip"]["clip"].tolist()
    assert set(table["predicted"]) <= {0, 1, 2}
