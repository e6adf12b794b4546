import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mer_core.protocols import Fold, class_map, leave_one_subject_out, subject_groups

SUBJECTS = ["synth/s1"] * 5 + ["synth/s2"] * 3 + ["synth/s3"] + ["synth/s4"] * 2


def test_leave_one_subject_out_has_a_fold_for_each_subject():
    assert [len(fold.test) for fold in leave_one_subject_out(SUBJECTS)] == [5, 3, 1, 2]


@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=8, max_size=40).filter(lambda s: len(set(s)) >= 4),
    st.integers(2, 4),
)
def test_every_clip_is_tested_once_by_a_model_that_never_saw_its_subject(subjects, k):
    folds = subject_groups(subjects, k)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(len(subjects)))
    for fold in folds:
        assert not {subjects[i] for i in fold.train} & {subjects[i] for i in fold.test}


def test_groups_have_about_as_many_clips():
    assert sorted(len(fold.test) for fold in subject_groups(SUBJECTS, k=2)) == [5, 6]


def test_a_subject_on_both_sides_cannot_be_constructed():
    with pytest.raises(ValueError, match=r"synth/s1.*both sides"):
        Fold("leaky", np.array([0]), np.array([1]), np.array(SUBJECTS))


@pytest.mark.parametrize("k", [0, 1, 5])
def test_an_impossible_number_of_groups_is_refused(k):
    with pytest.raises(ValueError, match=f"2 to 4 groups of 4 subjects, got k={k}"):
        subject_groups(SUBJECTS, k)


def test_the_three_classes_leave_others_out():
    clips = pd.DataFrame(
        {"subject": ["synth/s1"] * 4, "emotion": ["disgust", "others", "happiness", "surprise"]}
    )
    assert class_map("megc2019-3class").label(clips).tolist() == [0, pd.NA, 1, 2]


def test_labels_that_are_classes_already_stay_what_they_are():
    megc = class_map("megc2019-3class")
    assert [megc("synth-smic", name) for name in megc.classes] == list(megc.classes)


def test_an_unknown_class_map_lists_the_known_ones():
    with pytest.raises(ValueError, match="megc2019-3class"):
        class_map("megc")
