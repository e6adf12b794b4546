import pytest

from mer_core.book.tolerance import settle


@pytest.mark.parametrize(
    ("computed", "stored", "settled", "moved"),
    [
        ("UF1 0.531", "UF1 0.529", "UF1 0.529", 0),
        ("UF1 0.631", "UF1 0.529", "UF1 0.631", 1),
        ("a 0.50\nb 0.51", "a 0.51\nb 0.51", "a 0.51\nb 0.51", 0),
        ("folds 5", "folds 4", "folds 5", 0),  # a count is exact: left as it is, so the comparison fails
        ("UAR 0.531", "UF1 0.531", "UAR 0.531", 0),  # other words are never settled
        ("x -1.0e-3", "x 0.001", "x 0.001", 0),
        (
            "a  0.470   -0.004  b",
            "a  0.470    0.004  b",
            "a  0.470    0.004  b",
            0,
        ),  # a column moves with the sign
        ("loss nan", "loss 0.1", "loss nan", 0),
    ],
)
def test_numbers_within_the_tolerance_are_settled_and_others_named(computed, stored, settled, moved):
    text, lines = settle(computed, stored, absolute=0.01)
    assert text == settled
    assert len(lines) == moved


def test_a_number_that_moved_is_named_with_both_values():
    _, lines = settle("UF1   0.631", "UF1   0.529", absolute=0.01)
    assert lines == ["UF1 stored 0.529, computed 0.631, tolerance 0.01"]
