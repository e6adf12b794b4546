import numpy as np
import pytest

from mer_core.corpora import imitation, survey
from mer_core.corpora.images import index_frames
from mer_core.corpora.sources.casme2 import CASME2

REPAIRS = ["middle-apex", "gaps", "offset-sub16"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("imitation")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(imitation, "FACE", 48)  # quick to draw
        landmarks = imitation.imitate_casme2(root)
    return root, landmarks


def test_each_accident_costs_its_clip(made):
    found = survey(CASME2(made[0]))
    reasons = {
        (line.clip or line.where).removeprefix("casme2/"): line.reason for line in found.left_out.itertuples()
    }
    assert {name: reason.split(":")[0] for name, reason in reasons.items()} == {
        "sub02/EP02_02f": "apex absent",
        "sub16/EP01_08": "frames missing",
        "sub19/EP04_01f": "offset before onset",
        "sub19/EP04_03": "unreadable image",
        "sub20/EP05_01": "frames missing",
        "sub20/EP05_02": "folder missing",
        "folder sub09/EP02_02f": "no label",
    }
    assert len(found.clips) == 5


def test_repairs_bring_three_of_them_back(made):
    found = survey(CASME2(made[0]), REPAIRS)
    assert len(found.clips) == 8
    assert (found.report["repaired"] != "").sum() == 3


def test_the_only_clip_with_a_name_of_the_corpus_is_one_that_a_repair_needs():
    repaired = [change for repair in CASME2.repairs.values() for change in repair.changes]
    names = [f"sub{subject}/{name}" for subject, name, _ in imitation.CLIPS.values()]
    assert [name for name in names if name in repaired] == ["sub16/EP01_08"]


def test_every_frame_has_its_landmarks_within_the_picture(made):
    root, landmarks = made
    for subject, name, _ in imitation.CLIPS.values():
        for number in index_frames(root / "CASME2-RAW" / f"sub{subject}" / name):
            points = landmarks.of(f"casme2/sub{subject}/{name}", number)
            nose = points[30]
            assert points.shape == (68, 2)
            assert np.all((nose > 0) & (nose < [imitation.LEFT + 48, 48]))
