import base64

import cv2
import numpy as np
import pandas as pd
import pytest

from mer_core import figures
from mer_core.figures.style import CLASS_COLOURS
from mer_core.protocols import CLASS_MAPS
from mer_core.scoring import scores

GREY = np.random.RandomState(0).randint(0, 256, (24, 24)).astype(np.uint8)
CLIPS = pd.DataFrame({"subject": ["a/s1", "a/s1", "a/s2"], "label": ["negative", "positive", "negative"]})

EVERY = {
    "bars": lambda: figures.clips_per_subject(CLIPS, ["negative", "positive", "surprise"]),
    "confusion": lambda: figures.confusion(scores([0, 1, 1], [0, 1, 0], 2), ["negative", "positive"]),
    "pooling": lambda: figures.pooling({"pooled": 0.6, "mean": 0.5}),
    "panels": lambda: figures.panels({"one": GREY, "two": GREY}, alt="Two pictures of noise."),
    "slideshow": lambda: figures.slideshow({"a": [GREY], "b": [GREY]}, ["one"], alt="Noise.", play=True),
}


@pytest.mark.parametrize("name", EVERY)
def test_a_figure_says_in_words_what_it_shows_and_is_small(name):
    figure = EVERY[name]()
    assert figure.layout.meta["alt"]
    assert len(figure.to_json()) < 30_000
    assert figure.layout.template.layout.to_plotly_json() == {}  # the default one would store 7 KB


def test_every_class_has_a_colour_and_no_two_of_a_map_share_it():
    for made in CLASS_MAPS.values():
        colours = [CLASS_COLOURS[name] for name in made.classes]
        assert len(set(colours)) == len(colours)


def test_a_slideshow_holds_the_pictures_that_it_was_given():
    other = 255 - GREY
    figure = figures.slideshow({"a": [GREY], "b": [other]}, ["one"], alt="Noise and its negative.")
    sources = [frame.data[0].source for frame in figure.frames]
    shown = [cv2.imdecode(np.frombuffer(base64.b64decode(s.split(",")[1]), np.uint8), 0) for s in sources]
    assert np.abs(shown[0].astype(int) - GREY).mean() < 12  # WebP loses a little of pure noise
    assert np.abs(shown[1].astype(int) - other).mean() < 12
    assert [step.args[0] for step in figure.layout.sliders[0].steps] == [("a",), ("b",)]


def test_a_picture_of_another_kind_is_refused():
    with pytest.raises(ValueError, match=r"uint8 picture .* got float64 of shape \(24, 24\)"):
        figures.panels({"one": GREY / 255}, alt="")


def test_flow_colours_are_white_where_nothing_moves_and_differ_by_direction():
    flow = np.zeros((2, 3, 3))
    flow[0, 0, 0], flow[0, 0, 1] = 1, -1
    made = figures.flow_colours(flow)
    assert made[2, 2].tolist() == [255, 255, 255]
    assert np.abs(made[0, 0].astype(int) - made[0, 1]).max() > 200


def test_signed_grey_is_mid_grey_at_zero():
    made = figures.signed_grey(np.array([[-2.0, 0.0, 2.0]]), largest=2.0)
    assert made.tolist() == [[0, 128, 255]]


def test_runs_have_intervals_and_references_their_lines():
    rows = pd.DataFrame({"about": ["it"], "UF1": [0.5], "low": [0.4], "high": [0.7]}, index=["paper"])
    figure = figures.intervals(rows, {"chance": 0.3})
    assert (figure.data[0].error_x.array, figure.data[0].error_x.arrayminus) == ((0.2,), (0.1,))
    assert figure.layout.shapes[0].x0 == 0.3
    assert "paper 0.500 [0.400, 0.700], chance 0.300" in figure.layout.meta["alt"]


def test_a_map_that_marks_nothing_leaves_the_face_as_it_is():
    face, nothing = np.full((8, 8), 90, np.uint8), np.zeros((8, 8))
    image = figures.seen_on(face, nothing, nothing > 0, times=2)
    assert image.shape == (16, 16, 3)
    assert (image == 90).all()


def test_what_is_marked_turns_orange_and_the_region_has_an_outline():
    face, marked = np.full((8, 8), 90, np.uint8), np.zeros((8, 8))
    marked[:2] = 1
    region = np.zeros((8, 8), bool)
    region[4:7, 4:7] = True
    image = figures.seen_on(face, marked, region, times=4)
    assert image[2, 16].tolist() == [202, 145, 18]
    assert (image[16, 16:28] == 255).all()
    assert (image[22, 22] == 90).all()
