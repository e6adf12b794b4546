"""What a script begins with: the clips that belong to a class, and the number of it."""

import numpy as np
import pytest

from mer_core import View, labelled, open_corpus
from mer_core.protocols import class_map
from tests.training.tools import _cache, cache  # noqa: F401 (fixtures)

VIEW = View(frames=2, size=16, landmarks=False)


def test_labels_belong_to_the_clips_that_they_stand_beside():
    clips, labels, classes = labelled("synth-mini", VIEW, "casme2-5class")
    emotions = clips.clips["emotion"]
    assert [classes[label] for label in labels] == list(emotions)
    left_out = ~open_corpus("synth-mini").clips["emotion"].isin(classes)
    assert len(clips) == len(labels) == (~left_out).sum()
    assert clips.frames.shape == (len(labels), 2, 16, 16)


def test_a_corpus_may_be_given_itself_and_with_some_clips_only():
    every, some = labelled("synth-mini", VIEW), labelled(open_corpus("synth-mini"), VIEW, limit=6)
    assert 0 < len(some.labels) <= 6
    assert np.isin(some.clips.clips["clip"], every.clips.clips["clip"]).all()


def test_a_corpus_without_any_clip_of_a_class_is_said():
    clips = open_corpus("synth-mini").clips.assign(emotion="pain")
    with pytest.raises(
        ValueError, match="No clip of synth-mini belongs to a class of smic-3class: it has pain"
    ):
        class_map("smic-3class").within(clips)
