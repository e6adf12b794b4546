from mer_core.book import bound


def test_rounding_is_said_as_a_bound_and_anything_more_as_a_number():
    assert bound(-3e-15, 1e-12) == "less than 1e-12"
    assert bound(0.25, 1e-5) == "0.25, not less than 1e-5"
    assert bound(float("nan"), 1e-5) == "nan, not less than 1e-5"
