import numpy as np
import pandas as pd
import pytest

from mer_core.protocols import subject_groups
from mer_core.studies.coding import from_units, unit_matrix


def clips(cells):
    names = [f"toy/s{i % 5}" for i in range(len(cells))]
    return pd.DataFrame({"clip": [f"c{i}" for i in range(len(cells))], "subject": names,
                         "action_units": pd.array(cells, dtype="string")})  # fmt: skip


def test_a_unit_counts_whatever_its_side_and_intensity():
    made = unit_matrix(pd.Series(["L12B+4", "12", ""]))
    assert list(made) == [4, 12]
    assert made.to_numpy().tolist() == [[1, 1], [0, 1], [0, 0]]


@pytest.mark.parametrize("model", ["linear", "trees"])
def test_a_class_that_the_units_name_is_found_in_people_never_seen(model):
    table, labels = clips(["12", "4+7", "1+2"] * 10), np.tile([0, 1, 2], 10)
    made = from_units(table, labels, subject_groups(table["subject"].to_numpy(), 5), model)
    assert made["predicted"].tolist() == made["truth"].tolist() == labels.tolist()


def test_units_that_say_nothing_are_learnt_by_heart_and_of_no_use_elsewhere():
    random = np.random.default_rng(0)
    table = clips(["+".join(map(str, random.choice(np.arange(1, 18), 3, replace=False))) for _ in range(60)])
    labels = random.integers(0, 3, 60)
    own = from_units(table, labels, None, "trees")
    other = from_units(table, labels, subject_groups(table["subject"].to_numpy(), 5), "trees")
    right = [(made["truth"] == made["predicted"]).mean() for made in (own, other)]
    assert right[0] > 0.9
    assert right[1] < 0.6


def test_clips_that_no_fold_tests_have_no_row():
    table, labels = clips(["12", "4"] * 10), np.tile([0, 1], 10)
    folds = subject_groups(table["subject"].to_numpy(), 5)[:2]
    made = from_units(table, labels, folds)
    assert set(made["clip"]) == set(table["clip"].iloc[np.concatenate([fold.test for fold in folds])])


def test_unknown_units_are_refused():
    with pytest.raises(ValueError, match="2 of 3 are unknown"):
        unit_matrix(pd.Series(["4", pd.NA, pd.NA], dtype="string"))
