import numpy as np
import pytest

from mer_core.settings import SettingsError
from mer_core.studies.famnet import Chapter, nearest_neighbours, set_otherwise


def test_a_class_map_that_is_none_is_refused(settings):
    with pytest.raises(SettingsError, match="megc2019-3class"):
        Chapter(**{**dict(settings), "classes": "moods"})


def test_the_clips_have_labels_and_some_are_tested(given):
    assert len(given.label) == len(given.clips) == len(given.subjects)
    assert not set(given.subjects[given.tested]) & set(given.subjects[given.folds[0].train])
    assert given.table["peak_pixels"][given.most] == given.table["peak_pixels"][given.tested].max()
    assert given.commonest == np.bincount(given.label[given.folds[0].train]).argmax()


def test_a_neighbour_in_the_apex_frame_is_more_often_the_same_subject_than_any_clip(given):
    alike = nearest_neighbours(given)
    assert alike.loc["apex frame", "same subject"] > 2 * alike.loc["any other clip", "same subject"]
    assert ((alike >= 0) & (alike <= 1)).all(axis=None)


def test_settings_inside_settings_are_compared_too():
    here = {"width": 8, "rate": 0.1, "augment": {"rotate": 0.0, "flip": True}}
    there = {"width": 64, "rate": 0.1, "augment": {"rotate": 5.0, "flip": True}}
    assert set_otherwise(here, there) == {"rotate": (0.0, 5.0), "width": (8, 64)}
