"""Every corpus and every method has its card, and a card says what its source says."""

import re

import pytest

from mer_core.book import cards
from mer_core.book.cards import licensed_card, model_card, parameters, synthetic_card, view_in_words
from mer_core.clips import View
from mer_core.corpora.sources import SOURCES, find_source
from mer_core.faces.corpus import CARDS
from mer_core.methods import METHODS, create_method
from mer_core.protocols import published_tables
from tests.book.tiny import ROOT


def asked_for(page, directive):
    return re.findall(rf"{{{directive}}} (\S+)", (ROOT / f"chapters/reference/{page}.md").read_text())


def test_every_corpus_has_a_card():
    assert set(asked_for("data_cards", "corpus-card")) == {*CARDS, *SOURCES} - {"own"}  # yours is your own


def test_every_method_has_a_card():
    assert asked_for("model_cards", "model-card") == list(METHODS)


@pytest.mark.parametrize("name", CARDS)
def test_a_synthetic_card_is_what_the_corpus_says_of_itself(name):
    made = synthetic_card(name)
    assert all(value in made for value in CARDS[name].table()[""])


def test_classes_are_counted_as_the_class_map_has_them():
    assert "156 clips: negative 99, positive 32, surprise 25" in synthetic_card("synth")
    assert "164 clips: negative 70, positive 51, surprise 43" in synthetic_card("synth-smic")  # labelled so


@pytest.mark.parametrize("name", [name for name in SOURCES if name not in ("own", "macro")])
def test_a_licensed_card_names_licence_counts_sources_and_traps(name):
    source = find_source(name)
    made = licensed_card(source)
    assert source.licence in made
    assert source.apply in made.replace("<", "").replace(">", "")
    assert re.search(r"owner\* \| (the|Manchester|Shandong)", made)
    assert all(trap in made for trap in source.traps)
    tables = [table for table in published_tables() if table.corpus == name]
    assert tables
    assert all(f"| {sum(table.counts.values())} |" in made and table.source in made for table in tables)


def test_the_card_of_large_expressions_names_every_corpus_that_its_script_knows():
    assert all(f"`--corpus {name}`" in licensed_card(find_source("macro")) for name in ("ck+", "mug", "dfew"))


def test_parameters_are_counted_and_not_typed():
    assert parameters(create_method("ststnet")) == "1,683"
    assert parameters(create_method("hoof")) == "no network"


def test_a_view_is_said_in_words():
    assert view_in_words(View(size=72, align="frame", flow="exact")) == (
        "8 frames of 72 × 72, grey, onset to offset, each aligned; flow (exact); landmarks"
    )


def test_presets_that_differ_in_nothing_are_one_row():
    assert "`book`, `paper`" in model_card(METHODS["hoof"])
    assert "`book`, `paper`" not in model_card(METHODS["mol"])


def test_a_run_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(cards, "RESULTS", tmp_path)
    made = model_card(METHODS["mol"])
    assert "Not computed yet: mol/paper, mol/released." in made
    assert "Never scored here at preset `book`." in made


def test_ablations_are_no_score_of_the_method():
    assert [name for name, _ in cards.stored_runs(METHODS["mol"])] == ["mol/paper", "mol/released"]


def test_a_reconstruction_is_called_one():
    assert "A reconstruction" in model_card(METHODS["miacnet"])
    assert "No reconstruction" in model_card(METHODS["fdp"])


def test_a_score_that_chance_could_have_is_said(monkeypatch):
    monkeypatch.setattr(cards, "always_the_commonest", lambda table: 1.0)
    assert "reaches down to always naming the commonest class" in model_card(METHODS["ststnet"])
