import numpy as np
import pytest
import torch

from mer_core.scoring.statistics import Interval
from mer_core.studies.ma2mi import drawing
from mer_core.studies.ma2mi.drawing import BLURRED, COPY, DRAWN, MOVED, STRANGE, Judged
from mer_core.studies.ma2mi.transfer import likeness, swapped

ABOVE, BELOW, AROUND = (Interval(v, v - 0.1, v + 0.1, 0.95, 10) for v in (0.3, -0.3, 0.0))


@pytest.fixture(scope="module")
def unseen(given):
    return drawing.unseen(given)


@pytest.fixture(scope="module")
def swap(given, drawer, unseen):
    return drawing.exchange(given, drawer, unseen)


def test_nobody_of_whom_was_learnt_is_unseen_and_moments_lie_in_the_video(given, unseen):
    learnt = set(given.learnt_from) - set(unseen.aside)
    assert not learnt & set(unseen.subjects)
    assert len(unseen.pairs) == 3 * len(unseen.clips)
    assert [later - now for _, now, later in unseen.pairs[:3]] == [1, 2, 3]
    assert max(later for _, _, later in unseen.pairs) < given.learner.settings.moments


def test_a_copy_has_a_score_of_zero_in_both_kinds_of_pairs(given, drawer, unseen):
    judged = drawing.judge_both(given, drawer, unseen)
    table = drawing.quality_table(judged)
    assert table.loc[COPY].tolist() == ["+0.00 [+0.00, +0.00]"] * 2
    for made in judged.values():
        lost = made.scores[DRAWN].value - made.scores[STRANGE].value
        assert made.lost.value == pytest.approx(lost, abs=1e-6)


def judged(own=AROUND, strange=AROUND, lost=AROUND, blur=AROUND, oracle=AROUND):
    return Judged({DRAWN: own, STRANGE: strange, BLURRED: blur, MOVED: oracle}, lost)


@pytest.mark.parametrize(
    ("own", "lost", "strange", "says"),
    [
        (
            ABOVE,
            ABOVE,
            BELOW,
            ["R = +0.30: better than a copy", "*used*", "the wrong one is worse than none"],
        ),
        (
            BELOW,
            BELOW,
            ABOVE,
            ["R = -0.30: worse than a copy", "even better", "the wrong one is better than none"],
        ),
        (
            AROUND,
            AROUND,
            AROUND,
            ["no better than a copy", "ignored so far", "the wrong one is as good as none"],
        ),
    ],
)
def test_a_sentence_says_what_a_drawn_frame_is_worth(own, lost, strange, says):
    text = drawing.quality_in_words(judged(own, strange, lost), judged())
    assert all(one in text for one in says)


@pytest.mark.parametrize(("blur", "wins"), [(ABOVE, True), (AROUND, False)])
def test_a_blur_that_does_better_than_knowing_the_motion_is_named(blur, wins):
    text = drawing.quality_in_words(judged(), judged(blur=blur, oracle=AROUND))
    assert ("a little blur" in text) == wins


def test_everybody_is_drawn_with_a_strangers_action_and_with_its_own(swap, drawer):
    assert (swap.subjects != swap.subjects[swap.partner]).all()
    torch.testing.assert_close(swap.drawn, swapped(drawer, swap.takers, swap.givers))
    torch.testing.assert_close(swap.own, swapped(drawer, swap.takers, swap.takers))
    changes = swap.changes()
    torch.testing.assert_close(changes["real"], swap.takers[:, 1] - swap.takers[:, 0])
    alike = drawing.likenesses(swap)
    expected = likeness(changes["drawn"], changes["real"][swap.partner], swap.face)
    np.testing.assert_allclose(alike["giver, at the giver's pixels"], expected)


def test_pictures_of_an_exchange_have_a_step_a_pair_and_a_step_a_strength(swap):
    assert len(drawing.exchange_pictures(swap).frames[0].data) == 6
    assert [frame.name for frame in drawing.strength_pictures(swap).frames] == [
        "-1",
        "0",
        "0.5",
        "1",
        "1.5",
        "2",
        "3",
    ]


def test_differences_of_likeness_by_hand():
    alike = {"exact transfer": np.array([0.5, 0.7]), "taker's own change": np.array([0.1, 0.1]),
             "giver, at the giver's pixels": np.array([0.6, 1.0])}  # fmt: skip
    own, picture = drawing.handed_over(alike, np.array(["a", "b"]))
    assert (own.value, picture.value) == (pytest.approx(0.5), pytest.approx(-0.2))


@pytest.mark.parametrize(
    ("own", "picture", "says", "adds"),
    [
        (ABOVE, ABOVE, ["is more like", "it is the *movement*"], False),
        (BELOW, BELOW, ["is less like", "the giver's *picture* of a change"], True),
        (AROUND, AROUND, ["neither more nor less like", "these pairs cannot tell"], False),
    ],
)
def test_a_sentence_says_whether_a_movement_was_handed_over(own, picture, says, adds):
    text = drawing.exchange_in_words(own, picture)
    assert all(one in text for one in says)
    assert ("not by what they mean" in text) == adds


def test_places_share_the_whole_picture(swap):
    for shares in drawing.where_it_changes(swap).values():
        assert sum(one.value for one in shares.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("wall", "skin", "says"), [(0.5, 0.2, "cut the wall away"), (0.2, 0.5, "learnt first.")]
)
def test_a_sentence_says_what_was_learnt_first(wall, skin, says):
    made = {
        name: Interval(v, v, v, 0.95, 10) for name, v in (("wall and outline", wall), ("moving skin", skin))
    }
    text = drawing.shares_in_words(made, made)
    assert text.startswith(
        f"Of what is drawn, {wall:.0%} lies on the wall and the outline and {skin:.0%} on skin"
    )
    assert says in text
    assert ("the expression that was learnt" in text) == (skin > wall)
