import pandas as pd
import pytest

from mer_core.figures.corpora import LEFT_OUT, class_bars, class_map_bars
from mer_core.figures.style import CLASS_COLOURS
from mer_core.protocols import published_tables

COUNTS = pd.DataFrame(
    {"disgust": [6, 0], "fear": [0, 0], "surprise": [2, 1], "negative": [0, 3]}, index=["one", "two"]
)
MAPS = {
    "three": {"disgust": "negative", "fear": "negative", "surprise": "surprise", "others": None},
    "all": {name: name for name in ("disgust", "fear", "surprise", "others")},
}
CLIPS = {"disgust": 6, "fear": 1, "surprise": 2, "others": 3}


def bars():
    return class_bars(COUNTS, "Clips of two corpora.")


def maps():
    return class_map_bars(CLIPS, MAPS)


@pytest.mark.parametrize("make", [bars, maps])
def test_a_figure_says_in_words_what_it_shows_and_is_small(make):
    figure = make()
    assert len(figure.layout.meta["alt"]) > 60
    assert len(figure.to_json()) < 10_000


def test_a_bar_has_the_colour_of_its_class_and_a_class_without_clips_has_none():
    assert {bar.name: bar.marker.color for bar in bars().data} == {
        name: CLASS_COLOURS[name] for name in ("disgust", "surprise", "negative")
    }


def test_two_classes_of_one_colour_can_be_told_apart():
    assert CLASS_COLOURS["disgust"] == CLASS_COLOURS["negative"]
    assert {bar.name: bar.marker.pattern.shape for bar in bars().data} == {
        "disgust": "", "surprise": "", "negative": "/",
    }  # fmt: skip


def test_the_buttons_switch_between_clips_and_shares():
    clips, shares = (button.args[0]["x"] for button in bars().layout.updatemenus[0].buttons)
    assert clips == [[6, 0], [2, 1], [0, 3]]
    assert shares == [[0.75, 0], [0.25, 0.25], [0, 0.75]]


def test_the_words_count_every_clip():
    assert "one 8 clips: disgust 6, surprise 2" in bars().layout.meta["alt"]
    assert "three keeps 9 of 12 clips" in maps().layout.meta["alt"]


def visible(figure, number):
    shown = figure.layout.updatemenus[0].buttons[number].args[0]["visible"]
    return [part for part, is_shown in zip(figure.data, shown, strict=True) if is_shown]


@pytest.mark.parametrize("number", range(len(MAPS)))
def test_no_clip_is_lost_on_its_way_to_a_class(number):
    of = list(MAPS.values())[number]
    made = {part.text: (part.y[0], part.x[0]) for part in visible(maps(), number)}
    assert made == {name: (of[name] or LEFT_OUT, n) for name, n in CLIPS.items()}


def test_what_a_map_leaves_out_is_its_last_bar():
    assert [part.y[0] for part in visible(maps(), 0)] == ["negative", "negative", "surprise", LEFT_OUT]


def test_one_map_is_shown_at_first_and_the_menu_shows_one_at_a_time():
    figure = maps()
    assert [part for part in figure.data if part.visible] == visible(figure, 0)
    assert not set(map(id, visible(figure, 0))) & set(map(id, visible(figure, 1)))


def test_what_the_chapter_draws_has_colours():
    drawn = {"casme2", "samm", "smic", "mmew", "casme3"}
    named = {name for table in published_tables() if table.corpus in drawn for name in table.counts}
    assert {name for name in named if not name.isupper()} <= set(CLASS_COLOURS)
