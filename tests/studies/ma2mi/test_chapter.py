import numpy as np
import pandas as pd
import pytest

from mer_core.methods.ma2mi.pretraining import find_pairs
from mer_core.protocols import subject_groups
from mer_core.studies.ma2mi import chapter
from mer_core.studies.ma2mi.chapter import Chapter, Gaps

ASKED = {"corpus": "synth", "classes": "megc2019-3class", "preset": "book", "videos": 120, "steps": 200, "batch": 16,
         "groups": 5, "folds": 1, "epochs": 20, "seed": 0, "device": "cpu"}  # fmt: skip


def test_the_learner_differs_from_the_method_in_its_first_stage_alone():
    settings = Chapter(**ASKED)
    method, learner = settings.miacnet().settings, settings.learner().settings
    changed = {name for name, value in learner if value != getattr(method, name)}
    assert changed == {"start", "macro_limit", "macro_batch", "macro_steps"}
    assert (method.epochs, learner.macro_steps, learner.macro_batch) == (20, 200, 16)


def test_zero_means_what_the_preset_says():
    usual, settings = Chapter(**ASKED), Chapter(**ASKED | {"epochs": 0, "steps": 0})
    assert settings.miacnet().settings.epochs != usual.miacnet().settings.epochs
    assert settings.learner().settings.macro_steps != usual.learner().settings.macro_steps


def test_folds_are_the_first_groups_of_subjects_and_labels_are_known(given):
    folds = subject_groups(given.subjects, k=3)
    assert given.tested.tolist() == [*folds[0].test, *folds[1].test]
    assert len(given.labels) == len(given.table) == len(given.x)
    assert (given.goal == given.labels[given.tested]).all()
    peaks = given.table["peak_pixels"].to_numpy()[given.largest_first]
    assert (np.diff(peaks) <= 0).all()
    assert f"{len(given.clips)} videos of {len(given.learnt_from)} subjects" in str(given)


def test_gaps_are_measured_on_pairs_and_told_as_a_multiple_of_micro_expressions():
    pairs = pd.DataFrame({"gap": [1, 1, 3], "motion": [1.0, 3.0, 6.0]})
    gaps = Gaps(pairs, pd.Series([1.0, 3.0]))
    assert (gaps.motion(1), gaps.ratio(1), gaps.ratio(1, 3)) == (2, 1, pytest.approx(10 / 3 / 2))
    assert gaps.table().loc[3].tolist() == [6, 3]
    assert "mean 2.00 pixels,\n  from 1.00 to 3.00" in str(gaps)


def test_every_gap_of_the_videos_is_measured(given):
    gaps = chapter.measure_gaps(given)
    assert set(gaps.macro["gap"]) == set(chapter.GAPS)
    alone = type(given.learner)(given.learner.settings.replace(gaps=(2,)))
    assert gaps.motion(2) == pytest.approx(find_pairs(given.clips, alone)["motion"].mean())


@pytest.mark.parametrize(
    ("nearest", "says"), [(1.6, "not closed"), (0.9, "as small as those that count later")]
)
def test_a_sentence_says_whether_pairs_reach_down_to_micro_expressions(nearest, says):
    text = chapter.gaps_in_words(nearest)
    assert f"differ by {nearest:.1f} times" in text
    assert text.endswith(f"{says}.")


def test_a_thumbnail_has_so_few_colours(given):
    frame = np.random.RandomState(0).randint(0, 256, (48, 48, 3)).astype(np.uint8)
    small = chapter.thumbnail(frame, 3)
    assert small.shape == frame.shape
    assert len(np.unique(small.reshape(-1, 3), axis=0)) == 9
    assert len(chapter.thumbnails(given).data) == 6


def test_pictures_show_every_gap_and_two_micro_expressions(given):
    names = [frame.name for frame in chapter.pair_pictures(given).frames]
    assert names == [
        *(f"macro, {gap} apart" for gap in chapter.GAPS),
        "micro, typical clip",
        "micro, largest clip",
    ]


def test_the_parts_of_a_network_add_up():
    table = chapter.counted(Chapter(**ASKED))
    parts = table.loc[["action branch", "position branch", "classifier"]].sum()
    pd.testing.assert_series_equal(parts, table.loc["recognition, in all"], check_names=False)
    assert list(table)[-1] == "book"
