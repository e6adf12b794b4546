import numpy as np
import pytest

from mer_core.studies import motion
from mer_core.studies.motion.studio import KINDS, NOTHING
from mer_core.vision.flow import estimate_flow


@pytest.fixture(scope="module")
def specs(studio):
    return studio.first_clips(2)


@pytest.fixture(scope="module")
def shots(studio, specs):
    return studio.shoot(specs)


# The studio


def test_there_is_one_clip_a_subject(studio, specs):
    assert len({spec.subject for spec in specs}) == 2
    assert [spec.clip[-3:] for spec in specs] == ["/01", "/01"]


def test_lengths_are_told_in_pixels_of_128(studio):
    assert studio.px(np.array([3.0, 4.0])[:, None, None]).tolist() == [[20.0]]


def test_pairs_are_onset_and_apex_and_causes_add_up(studio, specs, shots):
    corpus, spec = studio.corpus, specs[1]
    onset_apex = corpus.frames(spec.clip, [spec.onset, spec.apex], 32, colour=False)
    np.testing.assert_array_equal(shots.pairs[1], onset_apex)
    np.testing.assert_allclose(sum(studio.causes(spec).values()), shots.exact[1], atol=1e-9)


def test_errors_equal_their_loops(studio, specs, shots):
    where = studio.masks(specs)
    for kind, error in shots.errors(where).items():
        off = []
        for pair, exact, face in zip(shots.pairs, shots.exact, where, strict=True):
            flow = 0 * exact if kind == NOTHING else estimate_flow(*pair, kind)
            off += [4 * np.hypot(*(flow - exact)[:, y, x]) for y, x in np.argwhere(face)]
        assert error == pytest.approx(np.mean(off), rel=1e-4)


# In the chapter


def test_a_course_begins_at_rest_and_has_its_apex_in_the_seventh_instant(studio, clip):
    course = motion.course(studio, clip)
    assert course.times[[0, 6, 12]].tolist() == [clip.onset, clip.apex, clip.offset]
    assert course.largest["action"].iloc[[0, 12]].tolist() == pytest.approx([0, 0], abs=1e-6)
    assert course.largest["action"].argmax() == 6
    whole = studio.flow(clip) * studio.mask(clip)
    np.testing.assert_allclose(course.flows[6], whole, atol=1e-9)
    film = motion.film(studio, clip, course)
    assert [frame.name for frame in film.frames] == list(course.largest.index)


def test_estimates_stand_beside_the_exact_motion_for_each_size(studio, clip):
    figure = motion.estimates_by_size(studio, clip, (1, 2))
    assert [frame.name for frame in figure.frames] == [f"{f * clip.peak_pixels:.1f}" for f in (1, 2)]
    assert len(figure.frames[0].data) == 1 + len(KINDS)


def test_groups_of_pixels_lie_on_the_face(studio, specs, shots):
    faces = studio.masks(specs)
    smooth, edges, rim, hidden = motion.groups_of_pixels(studio, specs, shots, faces).values()
    assert not (smooth & edges).any()
    assert not (rim & (smooth | edges)).any()
    assert not ((smooth | edges | rim | hidden) & ~faces).any()


def test_only_clips_that_blink_are_asked_about_blinks(studio):
    errors = motion.blink_errors(studio, clips=1)
    blink = studio.corpus.spec(errors.index[0]).blink
    assert blink.start > 0
    assert list(errors) == [NOTHING, *KINDS]


def test_shares_fall_with_the_size_of_a_movement_and_pass_one_where_it_is_worth_it(studio, specs):
    sizes = np.array([0.1, 3.2])
    shares = motion.shares_by_size(studio, specs[:1], sizes, motion.STILL_HEAD)
    assert shares["dis", "face"][0] > shares["dis", "face"][1]
    assert len(motion.share_curves(sizes, shares, shares).data) == 3 * len(KINDS)
    worth = motion.worth_it(
        np.array([0.1, 0.4]), {(k, r): np.array([2, 0.5]) for k in KINDS for r in ("face", "skin")}
    )
    assert worth.loc["face"].tolist() == pytest.approx([0.2] * len(KINDS))
