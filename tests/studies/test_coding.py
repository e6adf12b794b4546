import pandas as pd
import pytest

from mer_core.studies.coding import unit_matrix


def test_a_unit_counts_whatever_its_side_and_intensity():
    made = unit_matrix(pd.Series(["L12B+4", "12", ""]))
    assert list(made) == [4, 12]
    assert made.to_numpy().tolist() == [[1, 1], [0, 1], [0, 0]]


def test_unknown_units_are_refused():
    with pytest.raises(ValueError, match="2 of 3 are unknown"):
        unit_matrix(pd.Series(["4", pd.NA, pd.NA], dtype="string"))
