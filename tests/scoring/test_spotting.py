"""Spotting is scored as the field scores it."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mer_core.scoring import spotting
from mer_core.scoring.spotting import Counts, match, overlaps

INTERVALS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 6)).map(lambda x: (x[0], sum(x))), max_size=4
)
# The baseline of MEGC 2020: found, predicted for nothing, missed; precision, recall, F1 as published.
PUBLISHED = {
    "CAS(ME)² macro": (109, 1414, 191, 0.0716, 0.3633, 0.1196),
    "CAS(ME)² micro": (21, 5014, 36, 0.0042, 0.3684, 0.0082),
    "CAS(ME)² overall": (130, 6428, 227, 0.0198, 0.3641, 0.0376),
    "SAMM macro": (22, 334, 321, 0.0618, 0.0641, 0.0629),
    "SAMM micro": (29, 1407, 130, 0.0202, 0.1824, 0.0364),
    "SAMM overall": (51, 1741, 451, 0.0285, 0.1016, 0.0445),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_counts_give_the_published_scores(name):
    tp, fp, fn, *expected = PUBLISHED[name]
    assert [round(value, 4) for value in spotting.scores(tp, fp, fn)] == expected


@pytest.mark.parametrize("corpus", ["CAS(ME)²", "SAMM"])
def test_counts_of_both_kinds_are_added_before_they_are_scored(corpus):
    macro, micro, overall = (
        Counts(*PUBLISHED[f"{corpus} {kind}"][:3]) for kind in ("macro", "micro", "overall")
    )
    assert macro + micro == overall


def test_frames_are_inclusive_and_intervals_that_only_touch_share_none():
    assert overlaps([(0, 9)], [(5, 14), (10, 19), (0, 9)]).round(4).tolist() == [[0.3333, 0.0, 1.0]]
    assert match([(0, 9)], [(0, 4)]) == Counts(1, 0, 0)  # a half is enough
    assert match([(0, 9)], [(0, 3)]) == Counts(0, 1, 1)
    assert match([(5, 5)], [(6, 6)], iou=0.01) == Counts(0, 1, 1)  # one frame each, side by side


def test_a_second_interval_in_the_same_place_is_one_for_nothing():
    assert match([(10, 19)], [(10, 19), (11, 20)]) == Counts(1, 1, 0)


def literal(truth, predicted, iou):
    """The most pairs, over all orders in which predictions may be given out."""

    def together(one, two):
        first, second = set(range(one[0], one[1] + 1)), set(range(two[0], two[1] + 1))
        return len(first & second) / len(first | second) >= iou

    padded = [*predicted, *[None] * len(truth)]
    orders = permutations(padded, len(truth))
    return max(
        sum(p is not None and together(t, p) for t, p in zip(truth, order, strict=True)) for order in orders
    )


@given(
    INTERVALS,
    st.lists(st.tuples(st.integers(0, 12), st.integers(12, 18)), max_size=3),
    st.sampled_from([0.2, 0.5, 1.0]),
)
def test_as_many_are_found_as_frame_sets_and_all_orders_allow(truth, predicted, iou):
    counts = match(truth, predicted, iou)
    assert counts.tp == literal(truth, predicted, iou)
    assert (counts.tp + counts.fp, counts.tp + counts.fn) == (len(predicted), len(truth))
    assert match(predicted, truth, iou) == Counts(counts.tp, counts.fn, counts.fp)


def test_nothing_against_nothing_is_no_error():
    assert match([], []) == Counts(0, 0, 0)
    assert spotting.scores(0, 0, 0) == (0.0, 0.0, 0.0)


def test_strs_is_the_product_of_both():
    assert spotting.strs(0.6516, [0, 1, 2], [0, 1, 2], n_classes=3) == pytest.approx(0.6516)
    assert spotting.strs(0.6516, [0, 1], [0, 0], n_classes=3) == pytest.approx(0.6516 * 2 / 9)


def test_recognition_counts_over_all_classes_and_is_no_uf1():
    assert spotting.strs(1.0, [0, 1], [0, 0], n_classes=3) == pytest.approx(0.2222, abs=1e-4)
    assert spotting.strs(1.0, [0], [1], n_classes=3) == 0.0
    assert np.isnan(spotting.strs(0.4, [], [], n_classes=3))


@pytest.mark.parametrize("iou", [0, -0.5, 1.5])
def test_an_overlap_that_means_nothing_is_refused(iou):
    with pytest.raises(ValueError, match="Expected iou above 0"):
        match([(0, 1)], [(0, 1)], iou=iou)


def test_an_interval_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match=r"got \(9, 3\)"):
        match([(0, 1)], [(0, 1), (9, 3)])
