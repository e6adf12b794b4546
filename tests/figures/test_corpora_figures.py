import pandas as pd

from mer_core.figures.corpora import class_bars
from mer_core.figures.style import CLASS_COLOURS
from mer_core.protocols import published_tables

COUNTS = pd.DataFrame(
    {"disgust": [6, 0], "fear": [0, 0], "surprise": [2, 1], "negative": [0, 3]}, index=["one", "two"]
)


def bars():
    return class_bars(COUNTS, "Clips of two corpora.")


def test_the_figure_says_in_words_what_it_shows_and_is_small():
    assert len(bars().layout.meta["alt"]) > 60
    assert len(bars().to_json()) < 10_000


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


def test_what_the_chapter_draws_has_colours():
    drawn = {"casme2", "samm", "smic", "mmew", "casme3"}
    named = {name for table in published_tables() if table.corpus in drawn for name in table.counts}
    assert {name for name in named if not name.isupper()} <= set(CLASS_COLOURS)
