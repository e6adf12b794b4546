import base64
import re

import cv2
import numpy as np
import pandas as pd
import pytest

from mer_core.figures.expressions import beside, explorer, film, looped, spans, which_moves

FACE = np.add.outer(np.arange(32) * 3, np.arange(32) * 2)[..., None].repeat(3, 2).astype(np.uint8)
LEVELS = ["rest", "A", "B"]


def changed(*places):
    """The face, brighter at one place by more and more."""
    rows, columns = places
    pictures = [FACE.copy() for _ in LEVELS]
    for k, one in enumerate(pictures):
        one[rows, columns] += np.uint8(20 * k)
    return pictures


UNITS = {
    "AU 1": (changed(slice(2, 10), slice(4, 16)), [0.0, 1.0, 2.0]),
    "AU 12": (changed(slice(20, 28), slice(8, 24)), [0.0, 2.0, 4.0]),
}


def decoded(source):
    data = np.frombuffer(base64.b64decode(source.split(",")[1]), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]


def test_only_what_a_unit_changes_is_stored_and_it_lies_where_it_belongs():
    figure = explorer(UNITS, LEVELS, (0.5, 2.5))
    rest, brow, _, mouth, _ = figure.data
    assert decoded(rest.source).shape == (32, 32, 3)
    assert decoded(brow.source).shape == (8, 12, 3)
    assert (brow.y0, brow.x0, mouth.y0, mouth.x0) == (2, 4, 20, 8)
    expected = UNITS["AU 12"][0][-1][20:28, 8:24].astype(int)
    assert np.abs(decoded(mouth.source) - expected).mean() < 3


def test_the_menu_shows_one_unit_and_the_slider_sets_the_level_of_all():
    figure = explorer(UNITS, LEVELS, (0.5, 2.5))
    assert [trace.visible for trace in figure.data[1:]] == [True, True, False, False]
    assert figure.layout.updatemenus[0].buttons[1].args[1] == (True, False, False, True, True)
    change, traces = figure.layout.sliders[0].steps[1].args
    assert list(traces) == [1, 2, 3, 4]
    assert change["selectedpoints"] == [None, [1], None, [1]]
    assert decoded(change["source"][0]).shape == (8, 12, 3)
    assert "AU 12 4.0" in figure.layout.meta["alt"]


def test_at_rest_nothing_is_laid_over_the_face():
    sources = explorer(UNITS, LEVELS, (0.5, 2.5)).layout.sliders[0].steps[0].args[0]["source"]
    assert decoded(sources[0]).shape == (1, 1, 3)


def test_a_unit_that_moves_nothing_is_refused():
    with pytest.raises(ValueError, match="Expected pictures of a face that moves"):
        explorer({"AU 1": ([FACE] * 3, [0.0, 1.0, 2.0])}, LEVELS, (0.5, 2.5))


def test_a_film_moves_its_marker_and_its_pictures_together():
    other = 255 - FACE
    figure = film(
        [0.1, 0.3], {"head": [0, 1.5]}, {"apex": 0.3}, {"small": [FACE, other], "large": [FACE, other]}
    )
    last = figure.frames[-1]
    assert (last.name, list(last.traces), last.data[0].x) == ("0.300", [1, 2, 3], (0.3, 0.3))
    assert [figure.data[k].type for k in last.traces] == ["scatter", "image", "image"]
    assert [step.args[0] for step in figure.layout.sliders[0].steps] == [("0.100",), ("0.300",)]
    assert "apex at 0.300 s; head up to 1.50 pixels" in figure.layout.meta["alt"]


def test_a_loop_keeps_its_pictures_and_takes_the_clip_s_time():
    pictures = [FACE // 4 * k for k in range(1, 4)]
    html = looped(pictures, 0.4, alt="a <face>", title="Play").data
    data = base64.b64decode(re.search(r"base64,([^\"]+)", html)[1])
    _, animation = cv2.imdecodeanimation(np.frombuffer(data, np.uint8))
    assert (len(animation.frames), animation.durations[1]) == (4, 200)
    assert min(animation.durations[0], animation.durations[2]) > 500  # a rest at both ends
    assert np.ptp(animation.frames[3]) < 3  # and nothing to be seen before it starts again
    assert 'alt="a &lt;face&gt;"' in html


@pytest.mark.parametrize(("first", "letter"), [(True, "A"), (False, "B")])
def test_the_one_that_moves_stands_where_the_answer_says(first, letter):
    moving, still = [FACE * 0, FACE * 0 + 255], [FACE * 0, FACE * 0]
    html = which_moves(moving, still, 0.2, "smiles", first=first).data
    data = base64.b64decode(re.search(r"base64,([^\"]+)", html)[1])
    shown = cv2.imdecodeanimation(np.frombuffer(data, np.uint8))[1].frames[-2]
    left, right = shown[:, :32].mean() > 127, shown[:, -32:].mean() > 127
    assert (left, right) == (first, not first)
    assert f"<strong>{letter}</strong> smiles" in html
    assert html.index("smiles") > html.index("<summary>The answer")  # hidden until it is asked for


def test_pictures_stand_beside_each_other_with_a_gap():
    row = beside(FACE, FACE)
    assert (row[:, :32] == FACE).all()
    assert (row[:, -32:] == FACE).all()
    assert (row[:, 32:-32] == 255).all()


def test_a_bar_goes_from_the_shortest_to_the_longest():
    rows = pd.DataFrame({"shortest": [0.2], "longest": [0.5]}, index=["synth"])
    figure = spans(rows, {"a half": 0.5})
    assert (figure.data[0].base, figure.data[0].x) == ((0.2,), (0.3,))
    assert "synth 0.20 to 0.50 s" in figure.layout.meta["alt"]
