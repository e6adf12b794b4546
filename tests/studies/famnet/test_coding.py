import numpy as np
import pandas as pd
import pytest

from mer_core.protocols import subject_groups
from mer_core.studies.famnet.coding import from_units, told_by_units


def clips(cells):
    names = [f"toy/s{i % 5}" for i in range(len(cells))]
    return pd.DataFrame({"clip": [f"c{i}" for i in range(len(cells))], "subject": names,
                         "action_units": pd.array(cells, dtype="string")})  # fmt: skip


@pytest.mark.parametrize("model", ["linear", "trees"])
def test_a_class_that_the_units_name_is_found_in_subjects_never_seen(model):
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


def test_a_corpus_whose_units_name_the_emotion_is_told_by_them(settings):
    table = clips(["12", "4+7", "1+2"] * 10).assign(emotion=["happiness", "disgust", "surprise"] * 10)
    told = told_by_units(table, settings)
    assert set(told) == {
        (kind, who) for kind in ("three classes", "all emotions") for who in ("same clips", "other subjects")
    }
    assert told["three classes", "same clips"] == "1.00"
    assert told["all emotions", "other subjects"] == "1.000 [1.000, 1.000]"
