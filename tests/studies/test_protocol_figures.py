import pandas as pd

from mer_core.figures.style import AGAINST, FOR, QUIET
from mer_core.studies.protocol import HONEST, dumbbells, gain_against_score, rank_flips

ROWS = pd.DataFrame({"honest": [0.3, 0.6], "printed": [0.5, 0.7]}, index=["chance", "network"])


def test_a_dumbbell_joins_a_methods_two_scores_and_no_others():
    bars, honest, printed = dumbbells(ROWS, "UF1", "test-peek").data
    assert bars.x == (0.3, 0.5, None, 0.6, 0.7, None)
    assert bars.y == ("chance", "chance", None, "network", "network", None)
    assert (honest.x, printed.x) == ((0.3, 0.6), (0.5, 0.7))
    assert (honest.marker.color, printed.name) == (HONEST, "test-peek")


def test_what_is_printed_is_told_by_its_shape_too():
    _, honest, printed = dumbbells(ROWS, "UF1", "test-peek").data
    assert (honest.marker.symbol, printed.marker.symbol) == ("circle", "diamond-open")


def test_the_dumbbells_say_their_numbers_in_words():
    alt = dumbbells(ROWS, "UF1", "test-peek").layout.meta["alt"]
    assert alt == "UF1, honest and with test-peek: chance 0.300 to 0.500, network 0.600 to 0.700."


def test_a_gain_stands_at_the_honest_score():
    points = pd.DataFrame({"honest": [0.6, 0.5, 0.4], "adds": [0.1, 0.2, 0.3]}, index=["high", "mid", "low"])
    chance = pd.DataFrame({"honest": [0.33], "adds": [0.3]}, index=["20 epochs"])
    figure = gain_against_score(points, chance, "UF1")
    left, random, methods = figure.data
    assert [x + y for x, y in zip(left.x, left.y, strict=True)] == [1, 1]
    assert (methods.x, methods.y) == ((0.6, 0.5, 0.4), (0.1, 0.2, 0.3))
    assert (methods.text, methods.customdata) == (("high", "", "low"), ("high", "mid", "low"))
    assert (random.x, random.y) == ((0.33,), (0.3,))
    assert "low +0.300 at 0.400, 20 epochs +0.300 at 0.330" in figure.layout.meta["alt"]


def test_ranks_go_through_the_protocols_and_say_who_rises():
    scores = pd.DataFrame({"honest": [0.7, 0.6, 0.5], "peek": [0.7, 0.71, 0.6]}, index=["a", "b", "c"])
    figure = rank_flips(scores)
    assert {line.name: line.y for line in figure.data} == {"a": (1, 2), "b": (2, 1), "c": (3, 3)}
    assert [line.line.color for line in figure.data] == [AGAINST, FOR, QUIET]
    assert figure.layout.meta["alt"].endswith("moved: a from 1 to 2, b from 2 to 1.")
