import numpy as np
import pytest

from mer_core.figures.mol import ARROWS, BOXES, dotted, grids, overview, pairs, progress
from mer_core.figures.style import SEQUENTIAL


def test_every_box_of_the_overview_is_named_and_joined_to_another():
    said = " ".join(note.text for note in overview().layout.annotations)
    assert all(f"<b>{name}</b>" in said for name, *_ in BOXES)
    assert {end for arrow in ARROWS for end in arrow} == set(range(len(BOXES)))


def test_the_slider_has_a_step_for_every_pair_of_neighbours():
    frames, points = np.zeros((3, 8, 8), np.uint8), np.zeros((3, 68, 2))
    figure = pairs(frames, points, np.zeros((2, 2, 8, 8)), largest=1.0)
    assert [frame.name for frame in figure.frames] == ["1 → 2", "2 → 3"]
    assert "2 pairs" in figure.layout.meta["alt"]


def test_a_point_in_the_middle_of_a_pixel_is_drawn_in_the_middle_of_its_square():
    image = dotted(np.zeros((8, 8), np.uint8), [(5, 2)])
    assert image.shape == (24, 24, 3)
    y, x = np.nonzero(image.any(axis=2))
    assert (x.mean(), y.mean()) == (16, 7)  # pixel 5 covers 15, 16 and 17


def test_only_a_matrix_with_a_value_below_0_has_two_colours():
    plain, signed = grids({"a": np.eye(2), "b": -np.eye(2)}, "two matrices").data
    assert [tuple(pair) for pair in plain.colorscale] == [tuple(pair) for pair in SEQUENTIAL]
    assert (plain.zmin, plain.zmax) == (0, 1)
    assert (signed.zmin, signed.zmax) == (-1, 1)


def test_numbers_stand_in_the_cells_only_if_asked_for():
    assert grids({"a": np.eye(2)}, "a matrix").data[0].texttemplate is None
    assert grids({"a": np.eye(2)}, "a matrix", digits=1).data[0].texttemplate == "%{z:.1f}"


def test_a_matrix_of_zeros_can_be_drawn():
    assert grids({"a": np.zeros((2, 2))}, "a matrix").data[0].zmax == 1


def test_each_task_stands_beside_what_it_is_compared_with():
    figure = progress({"flow": ([0.5, 0.25], 0.3, "zero flow"), "faces": ([1.0, 0.5], 0.7, "mean face")})
    assert [trace.y for trace in figure.data] == [(0.5, 0.25), (1.0, 0.5)]
    assert [(shape.y0, shape.yref) for shape in figure.layout.shapes] == [(0.3, "y"), (0.7, "y2")]
    assert "flow: from 0.500 to 0.250, zero flow 0.300" in figure.layout.meta["alt"]


@pytest.mark.parametrize("figure", [overview(), grids({"a": np.eye(2)}, "a matrix of two rows")])
def test_every_figure_says_in_words_what_it_shows(figure):
    assert len(figure.layout.meta["alt"]) > 10
