import pandas as pd

from mer_core.figures.methods import cost_against_score, right_by_subject


def test_a_method_stands_at_its_cost_and_its_score():
    rows = pd.DataFrame({"seconds": [2.0], "UF1": [0.5], "low": [0.4], "high": [0.7]}, index=["hoof"])
    figure = cost_against_score(rows)
    assert (figure.data[0].x, figure.data[0].y, figure.data[0].text) == ((2.0,), (0.5,), ("hoof",))
    assert (figure.data[0].error_y.array, figure.data[0].error_y.arrayminus) == ((0.2,), (0.1,))
    assert "hoof 2.0 s, 0.50" in figure.layout.meta["alt"]


def test_the_easiest_subject_comes_first():
    accuracy = pd.DataFrame({"one": [0.2, 1.0], "two": [0.4, 0.8]}, index=["c/s1", "c/s2"])
    figure = right_by_subject(accuracy)
    assert figure.data[0].x == ("s2", "s1")
    assert [list(row) for row in figure.data[0].z] == [[1.0, 0.2], [0.8, 0.4]]
    assert "from 0.90 for the easiest subject down to 0.30" in figure.layout.meta["alt"]
