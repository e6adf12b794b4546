import pytest

from mer_core.ledger import reported as module
from mer_core.ledger.experiments import paper_names
from mer_core.ledger.reported import reported, reported_table
from mer_core.settings import SettingsError


def test_each_figure_of_fdp_has_its_place_and_says_what_is_not_known():
    figures = reported("fdp")
    assert {figure.corpus: figure.value for figure in figures} == {
        "CASME II": 4.05, "SAMM": 2.50, "CAS(ME)²": 7.71, "CAS(ME)³": 2.11,
    }  # fmt: skip
    assert all(figure.where and figure.unknown for figure in figures)


def test_the_table_has_a_row_a_figure():
    assert reported_table("fdp").loc["SAMM", "value"] == 2.5


def test_reported_figures_are_no_list_of_experiments():
    assert "reported" not in paper_names()


def test_a_paper_of_which_nothing_is_known_is_an_error():
    with pytest.raises(ValueError, match=r"they are of .*fdp"):
        reported("fdq")


def test_a_figure_without_a_place_in_the_paper_is_refused(tmp_path, monkeypatch):
    text = '[[figure]]\ncorpus = "SAMM"\nscore = "F1"\nvalue = 1.0\nunit = "%"\n'
    (tmp_path / "mine.toml").write_text(text)
    monkeypatch.setattr(module, "REPORTED", tmp_path)
    with pytest.raises(SettingsError, match="where: is not set"):
        reported("mine")
