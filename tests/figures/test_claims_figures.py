import pandas as pd

from mer_core.figures.claims import COLOURS, forest, verdict_table

JUDGED = pd.DataFrame(
    {
        "claim": ["one is better", "two is better", "three is better", "four is better"],
        "difference": [0.2, 0.0, -0.3, float("nan")],
        "low": [0.1, -0.1, -0.4, float("nan")],
        "high": [0.4, 0.1, -0.1, float("nan")],
        "verdict": ["supported", "undecided", "not supported", "not computed"],
    },
    index=["a", "b", "c", "d"],
)


def test_a_claim_stands_at_its_difference_in_the_colour_of_its_verdict():
    figure = forest(JUDGED)
    made = {trace.name: (trace.x, trace.y, trace.marker.color) for trace in figure.data}
    assert made["supported"] == ((0.2,), ("a",), COLOURS["supported"])
    assert made["not supported"] == ((-0.3,), ("c",), COLOURS["not supported"])
    assert (figure.data[0].error_x.array, figure.data[0].error_x.arrayminus) == ((0.2,), (0.1,))


def test_what_was_not_computed_is_no_row_and_the_rest_keeps_its_order():
    figure = forest(JUDGED)
    assert figure.layout.yaxis.categoryarray == ("a", "b", "c")
    assert "3 tested: 1 supported, 1 undecided, 1 not supported" in figure.layout.meta["alt"]


def test_a_claim_is_shown_in_full_and_what_was_not_computed_is_a_dash():
    long = JUDGED.assign(
        claim="a claim of more than fifty letters, which pandas would cut somewhere on its way here"
    )
    html = verdict_table(long.assign(p=0.01, corrected=0.02, seeds=1)).data
    assert html.count("somewhere on its way here") == 4
    assert ">–" in html
