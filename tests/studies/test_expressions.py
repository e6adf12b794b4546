import base64
import re

import cv2
import numpy as np
import pandas as pd
import pytest

from mer_core.faces.action_units import peak_displacement, unit_weights
from mer_core.faces.identity import draw_identity
from mer_core.faces.scene import Scene
from mer_core.studies import expressions
from mer_core.studies.expressions import beside, explorer, film, looped, spans, which_moves
from mer_core.studies.known import find_clip

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


# In the chapter


@pytest.fixture(scope="module")
def clip():
    return find_clip("synth-mini/s01/01")


def test_the_game_shows_the_clip_whose_skin_moves_most_nearly_so_far(clip):
    corpus, _ = clip
    html = expressions.guess(corpus, 1.0, 24, seed=0).data
    nearest = corpus.clips.iloc[(corpus.clips["peak_pixels"] - 1.0).abs().argmin()]
    assert f"At its apex the skin moves by {nearest['peak_pixels']:.1f} pixels" in html
    again = expressions.game(corpus, 24, seed=0)(number=1).data
    assert f"shows {corpus.clips['emotion'][1]}" in again


def test_the_expression_is_on_either_side_and_a_seed_says_on_which():
    sides = [expressions.is_first(0, number) for number in range(20)]
    assert set(sides) == {True, False}
    assert sides == [expressions.is_first(0, number) for number in range(20)]


def test_a_filmed_clip_begins_at_rest_and_is_no_larger_than_skin_allows(clip):
    corpus, spec = clip
    filmed = expressions.filmed(corpus, spec, 24)
    assert filmed.louder == min(5, int(spec.largest_magnification))
    assert [line[0] for line in filmed.lines.values()] == pytest.approx([0, 0], abs=1e-9)
    assert max(filmed.lines["the expression"]) <= spec.peak_pixels + 1e-9
    np.testing.assert_array_equal(filmed.recorded, corpus.frames(spec.clip, filmed.times, 24))
    assert expressions.slowly(filmed).frames[0].name == f"{spec.onset:.3f}"
    assert "Play it at its own speed" in expressions.own_speed(filmed).data


def test_a_sentence_says_how_a_clip_goes(clip):
    _, spec = clip
    text = expressions.course_in_words(spec, 3.456)
    assert text.startswith(f"This one rises for {spec.apex - spec.onset:.2f} seconds")
    assert text.endswith("the head has moved by up to 3.5.")


def test_an_intensity_has_its_letter_and_the_face_at_rest_does_not_move():
    pictures, pixels = expressions.at_levels(Scene(draw_identity(1)), 12, 24)
    assert len(pictures) == len(pixels) == len(expressions.WEIGHTS)
    assert pixels[0] == 0
    assert pixels[3] == peak_displacement(0.35 * unit_weights(12))


def test_two_units_move_the_skin_as_far_as_was_asked_for():
    figure = expressions.mixer(24)(1, 2, 1.5)
    assert figure.layout.annotations[1].text == "1.50 pixels"


def test_letters_are_counted_and_the_farthest_and_nearest_units_are_named(clip):
    corpus, _ = clip
    peaks, weak = expressions.letters(corpus)
    shown = "".join(corpus.clips["intensities"])
    counts = [shown.count(letter) for letter in "ABCDE"]
    assert weak == pytest.approx(sum(counts[:2]) / sum(counts))
    text = expressions.letters_in_words({12: 3.0, 1: 0.5, 4: 1.0}, 0.25, "toy")
    assert (
        "at C, AU 12 (lip corner puller) moves the skin by 3.0 pixels, AU 1 (inner brow raiser) by 0.5"
        in text
    )
    assert "the clips of `toy` show, 25% have" in text
    assert max(peaks.values()) == max(peak_displacement(0.35 * unit_weights(n)) for n in peaks)


def test_durations_are_counted_between_frames_and_compared_with_both_limits():
    lasting = expressions.durations()
    assert lasting.loc["SAMM, label table"].tolist() == [29 / 200, 100 / 200]
    rows = pd.DataFrame({"shortest": [0.1] * 3, "longest": [0.2, 0.5, 0.51]})
    assert expressions.within_limits(rows)["all within"].tolist() == [
        "a fifth and a half",
        "a half",
        "neither limit",
    ]


def test_what_does_not_change_is_white(clip):
    corpus, spec = clip
    still = expressions.difference(corpus, spec, 24, {*expressions.OTHERS, "action"})
    assert (still == 255).all()
    assert len(expressions.differences(corpus, spec, 24).data) == 4


def test_the_share_of_the_expression_is_one_where_nothing_else_changes(clip):
    corpus, spec = clip
    first, last = corpus.frames(spec.clip, [spec.onset, spec.apex], 64, colour=False)
    assert expressions.energy(corpus, spec) == np.square(last.astype(float) - first).mean()
    share = expressions.shares_of_energy(corpus, [spec])[0]
    assert share == expressions.energy(corpus, spec, expressions.OTHERS) / expressions.energy(corpus, spec)


def test_a_faster_camera_takes_more_frames_of_a_rise(clip):
    corpus, _ = clip
    frames = expressions.frames_of_rise(corpus)
    seconds = corpus.clips["apex_seconds"] - corpus.clips["onset_seconds"]
    assert frames.loc["100 frames a second", "at least"] == int(seconds.min() * 100) + 1
    assert frames["median"].is_monotonic_increasing
