import math

import numpy as np
import pandas as pd
import pytest

from mer_core.figures.looks import look
from mer_core.scoring.statistics import Interval
from mer_core.studies.curves import (
    END,
    Curve,
    clips_said,
    clips_until,
    fit,
    law_bands,
    learning_curves,
)

POINTS = {
    "hoof": pd.DataFrame(
        {
            "clips": [44.0, 88.0],
            "subjects": [28.0, 38.0],
            "score": [0.4, 0.5],
            "low": [0.3, 0.4],
            "high": [0.6, 0.6],
        }
    )
}


def span(value, low, high):
    return Interval(value, low, high, 0.95, 10)


def test_a_curve_has_its_points_and_intervals_and_real_corpora_are_marked():
    figure = learning_curves(POINTS, {"SAMM": 133})
    line = figure.data[0]
    assert (line.x, line.y) == ((44, 88), (0.4, 0.5))
    assert (line.error_y.array, line.error_y.arrayminus) == ((0.2, 0.1), (0.1, 0.1))
    assert [
        (mark.x0, note.text)
        for mark, note in zip(figure.layout.shapes, figure.layout.annotations, strict=True)
    ] == [(133, "SAMM")]
    assert figure.layout.annotations[0].x == pytest.approx(math.log10(133))  # the unit of a logarithmic axis
    assert "hoof from 0.40 to 0.50" in figure.layout.meta["alt"]


def test_a_button_counts_subjects_and_hides_what_is_counted_in_clips():
    clips, subjects = learning_curves(POINTS, {"SAMM": 133}).layout.updatemenus[0].buttons
    assert (clips.args[0]["x"], subjects.args[0]["x"]) == ([[44, 88]], [[28, 38]])
    assert (len(clips.args[1]["shapes"]), subjects.args[1]["shapes"]) == (1, [])
    assert subjects.args[1]["xaxis.title.text"] == "subjects who show them"


def test_a_law_is_drawn_with_its_band_and_beyond_the_last_point():
    values = np.array([0.4, 0.5])
    law = fit(Curve(np.array([44.0, 88.0]), values, np.stack([values - 0.1, values + 0.1])))
    band, middle, measured = law_bands(POINTS["hoof"], {"logarithm": law}, [44, 176]).data
    assert middle.y == pytest.approx((0.4, 0.6))
    assert band.y == pytest.approx((0.5, 0.7, 0.5, 0.3))
    assert measured.x == (44, 88)


def test_the_slider_moves_points_and_bars_and_what_has_no_end_ends_at_the_edge():
    wanted = {0.6: {"hoof": span(200, 100, 400)}, 0.9: {"hoof": span(9000, 2000, math.inf)}}
    figure = clips_until(wanted, largest=702)
    bars, dots = figure.data
    assert (bars.x, dots.x, dots.y) == ((100, 400, None), (200,), ("hoof",))
    step = figure.layout.sliders[0].steps[1]
    assert (step.label, step.args[0]["x"]) == ("0.90", [[2000, END, None], [9000]])
    assert step.args[0]["customdata"][1] == ["hoof: 9,000 [2,000, more than 100,000] clips"]


def test_clips_are_said_with_two_digits():
    assert clips_said(span(1288.98, 930.9, 1962.5)) == "1,300 [930, 2,000]"
    assert clips_said(span(49, 0.007, 2e9)) == "49 [fewer than 1, more than 100,000]"


def test_a_curve_has_the_look_of_its_method_everywhere():
    line = learning_curves({"MOL": POINTS["hoof"]}, {}).data[0]
    assert (line.line.color, line.marker.symbol) == look("MOL")
