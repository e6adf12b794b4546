import numpy as np
import pytest

from mer_core.settings import SettingsError
from mer_core.studies.famnet import Chapter, nearest_neighbours


def test_a_class_map_that_is_none_is_refused(settings):
    with pytest.raises(SettingsError, match="megc2019-3class"):
        Chapter(**{**dict(settings), "classes": "moods"})


def test_the_clips_have_labels_and_some_are_tested(given):
    assert len(given.labels) == len(given.clips) == len(given.subjects)
    assert not set(given.subjects[given.tested]) & set(given.subjects[given.folds[0].train])
    assert given.table["peak_pixels"][given.most] == given.table["peak_pixels"][given.tested].max()
    assert given.commonest == np.bincount(given.labels[given.folds[0].train]).argmax()


def test_a_neighbour_in_the_apex_frame_is_more_often_the_same_subject_than_any_clip(given):
    alike = nearest_neighbours(given)
    assert alike.loc["apex frame", "same subject"] > 2 * alike.loc["any other clip", "same subject"]
    assert ((alike >= 0) & (alike <= 1)).all(axis=None)


def test_every_network_sees_the_same_clips_and_only_the_control_has_another_seed(given):
    seeds = {name: seen.settings.seed for name, seen in given.networks.items()}
    assert seeds == {"apex frame": 0, "change at apex": 0, "clip": 0, "change at apex, other seed": 1}
    methods = [seen.method for seen in given.networks.values()]
    assert [method.name for method in methods] == ["amnet2d", "amnet2d", "amnet3d", "amnet2d"]
    assert methods[1].settings == methods[3].settings != methods[0].settings
    assert all(seen.clips is given.clips for seen in given.networks.values())
