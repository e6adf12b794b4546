"""A paper's own table on a licensed corpus, from the command line to what is printed, on an imitation."""

import re

import pytest
from typer.testing import CliRunner

from mer_core.cli import app
from mer_core.corpora.sources import source_names
from mer_core.ledger import reported as reported_module
from mer_core.ledger.licensed import Asked, compute_paper, licensed_papers, load_licensed
from mer_core.ledger.papers_table import notes, table, verdict
from mer_core.ledger.reported import reported
from mer_core.methods import create_method
from mer_core.protocols import class_map
from mer_core.scoring.statistics import Interval
from tests.corpora import imitate_casme2
from tests.corpora.points import write_still_landmarks

QUICK = ["--preset", "book", "--set", "epochs=1", "--workers", "1"]


def call(*words):
    return CliRunner().invoke(app, ["table", *map(str, words)])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """FDP on an imitation of CASME II: the folder, the words that asked for it, and what was printed."""
    here = tmp_path_factory.mktemp("licensed")
    write_still_landmarks(here / "points.parquet", imitate_casme2.imitate(here / "CASME2"))
    words = ["fdp", "casme2", *QUICK, "--out", here / "out"]
    first = call(*words, "--root", here / "CASME2", "--landmarks", here / "points.parquet")
    assert first.exit_code == 0, first.exception
    return here, words, first.stdout


def row(printed, name):
    """The cells of a row of the printed table."""
    line = next(line for line in printed.splitlines() if line.startswith(f"{name}  "))
    return re.split(r"  +", line.strip())[1:]


def shown(printed):
    """The table and its notes, without what was said on the way."""
    return printed[printed.index("FDP: fine-grained") :]


def times(folder):
    """When every file that counts was written."""
    kinds = ("run.json", "provenance.json", "*.parquet", "*.npy")
    return {path: path.stat().st_mtime_ns for kind in kinds for path in folder.rglob(kind)}


def test_a_papers_table_has_a_column_a_variant_and_counts_what_was_planted(made):
    _, _, printed = made
    assert "casme2: preparing, once, " in printed
    assert "6 clips of 5 subjects; 6 left out" in printed
    assert row(printed, "clips") == ["not known", "6", "6"]
    assert row(printed, "subjects") == ["25", "5 ≠", "5 ≠"]
    assert all(re.fullmatch(r"\d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\]", cell) for cell in row(printed, "UF1")[1:])
    assert "label table (2019) in these classes: 249 clips of 26 subjects" in printed


def test_what_is_otherwise_than_in_the_paper_is_marked_and_what_is_unknown_is_said(made):
    _, _, printed = made
    assert row(printed, "epoch") == ["test-peek", "last ≠", "last ≠"]
    assert row(printed, "scored") == ["each fold for itself", "all folds pooled ≠", "all folds pooled ≠"]
    assert row(printed, "folds") == ["leave one subject out"] * 3
    assert row(printed, "UF1")[0] == "not known"
    assert row(printed, "F1") == ["4.05 % above the best earlier result", "–", "–"]
    assert "not known: which label table" in printed
    assert "preset book is not the paper's size" in printed


def test_a_second_call_computes_nothing_and_says_the_same(made):
    here, words, printed = made
    before = times(here)
    again = call(*words)  # prepared: no --root
    assert shown(again.stdout) == shown(printed)
    assert times(here) == before
    assert "They lay there: nothing is done." in again.stdout


def test_what_was_mended_since_is_not_passed_over(made):
    here, words, _ = made
    picture = here / "CASME2" / "CASME2-RAW" / "sub01" / "EP02_01f" / "img9.jpg"
    data = picture.read_bytes()
    picture.write_bytes(picture.with_name("img10.jpg").read_bytes())
    said = str(call(*words).exception)
    picture.write_bytes(data)
    assert (
        "holds another preparation than the one that is asked for:\n  casme2/sub01/EP02_01f: frame 9 img9.jpg"
        in said
    )
    assert call(*words).exit_code == 0


def test_without_its_sources_a_preparation_is_taken_as_it_is(made):
    here, words, printed = made
    (here / "CASME2").rename(here / "unplugged")
    again = call(*words).stdout
    (here / "unplugged").rename(here / "CASME2")
    assert "taken as it was prepared, since" in again
    assert shown(again) == shown(printed)


def test_an_interrupted_call_goes_on_where_it_stopped(made):
    here, words, printed = made
    before = times(here)
    lost = next((here / "out").glob("fdp-paper-*")) / "predictions" / "casme2+sub01-seed0.parquet"
    lost.unlink()
    assert shown(call(*words).stdout) == shown(printed)
    after = times(here)
    anew = [path for path in before if before[path] != after[path]]
    assert lost in anew
    assert {path.stem for path in anew} == {lost.stem}  # its history, too


def test_the_audit_stands_in_columns_of_its_own(made):
    _, words, _ = made
    printed = call(*words, "--selection", "last,test-peek").stdout
    assert row(printed, "epoch") == ["test-peek", "last ≠", "test-peek", "last ≠", "test-peek"]
    assert "paper, test-peek: EPOCH CHOSEN ON THE TEST CLIPS: not a result" in printed
    assert "paper, last: EPOCH" not in printed


def test_a_folder_that_a_script_prepared_needs_no_root(made):
    here, words, printed = made
    [folder] = (here / "out" / "prepared").glob("casme2-*/")
    asked = [folder if word == "casme2" else word for word in words[:-1]]
    assert row(call(*asked, here / "other").stdout, "UF1") == row(printed, "UF1")


def test_a_reported_score_stands_beside_what_is_computed(made, tmp_path, monkeypatch):
    here, _, _ = made
    asked = {"paper": "fdp", "corpus": "casme2", "preset": "book", "settings": {"epochs": 1}, "device": "cpu"}
    [computed] = compute_paper(Asked.parse({**asked, "out": str(here / "out"), "workers": 1}))
    figure = '[[figure]]\ncorpus = "CASME II"\nscore = "UF1"\nvalue = 99.5\nunit = "%"\nwhere = "table 9"'
    (tmp_path / "fdp.toml").write_text(figure)
    monkeypatch.setattr(reported_module, "REPORTED", tmp_path)
    assert table(computed).loc["UF1", "the paper"] == "0.9950"
    expected = "UF1 (table 9): above the interval of paper, last, above the interval of released, last"
    assert expected in notes(computed)


@pytest.mark.parametrize(
    ("share", "where"), [(0.5, "inside"), (0.3, "inside"), (0.71, "above"), (0.29, "below")]
)
def test_a_reported_score_lies_inside_above_or_below(share, where):
    assert verdict(share, Interval(0.5, 0.3, 0.7, 0.95, 2000)) == where


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fpd", "casme2"], "There is no paper 'fpd' to run on a licensed corpus; there are fa"),
        (["fdp", "casme9"], "There is no licensed corpus 'casme9'; there are casme2, samm"),
        (["fdp", "casme2"], "casme2 is not prepared yet (expected "),
        (["fdp", "casme2", "--root", "nowhere"], "casme2: There is no folder nowhere."),
        (["fdp", "casme2", "--root", "tests"], "Expected one label table CASME2-coding-*.xlsx"),
        (["fdp", "casme2", "--root", "tests"], "prepare it by hand, then call this again"),
        (["famnet", "casme2+samm", "--root", "a"], "Expected 2 times --root, once for each of"),
        (["fdp", "casme2", "--selection", "best"], "'last', 'inner' or 'test-peek'"),
        (["fdp", "casme2", "--preset", "huge"], "fdp has no preset 'huge'; it has book, paper"),
        (["fdp", "casme2", "--set", "epoch=1"], "epochs: int"),
        (["fdp", "casme2", "--device", "tpu"], "there is no 'tpu' here"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_before_anything_is_written(tmp_path, words, message):
    made = call(*words, "--out", tmp_path / "out")
    assert message in str(made.exception)
    assert not list(tmp_path.rglob("*.parquet"))


def test_the_old_form_gives_the_same_table_and_names_the_new_one(made):
    _, words, printed = made
    old = CliRunner().invoke(app, ["reproduce", "--paper", "fdp", "--corpus", *map(str, words[1:])])
    assert shown(old.stdout) == shown(printed)
    assert "say `mer table fdp casme2 …` instead" in old.stderr
    for words in (["--paper", "fdp"], ["--corpus", "casme2", "--root", "CASME2"]):
        assert "needs both --paper and --corpus" in str(
            CliRunner().invoke(app, ["reproduce", *words]).exception
        )
    words = ["reproduce", "--paper", "fdp", "--corpus", "casme2", "--only", "fdp"]
    assert "takes no --only" in str(CliRunner().invoke(app, words).exception)


def test_a_corpus_prepared_from_elsewhere_is_not_taken_for_this_one(made, tmp_path):
    _, words, _ = made
    assert "was prepared from" in str(call(*words, "--root", tmp_path).exception)


# The data


def test_a_corpus_that_the_paper_lacks_is_run_with_classes_that_all_corpora_have():
    [protocol] = load_licensed("mol").on("mmew")
    assert protocol.classes == "megc2019-3class"
    assert protocol.epoch is None
    assert "the paper has no such corpus" in protocol.unknown


def test_the_order_of_a_composite_does_not_matter():
    [protocol] = load_licensed("famnet").on("casme2+samm+mmew")
    assert protocol.named == "SAMM, CASME II and MMEW"


@pytest.mark.parametrize("name", licensed_papers())
def test_every_protocol_names_classes_corpora_and_settings_that_exist(name):
    paper = load_licensed(name)
    for protocol in paper.protocols:
        assert set(protocol.corpus.split("+")) <= set(source_names())
        assert protocol.n_classes in (None, len(class_map(protocol.classes).classes))
    for variant in paper.variants.values():
        for preset in ("book", "paper"):
            view = create_method(paper.method, preset, **paper.settings, **variant.settings).view
            assert view.flow in (None, "tvl1")  # exact motion is known of synthetic faces only


@pytest.mark.parametrize("name", ["fdp", "famnet"])
def test_every_reported_figure_has_its_table_and_no_rival(name):
    figures, paper = reported(name), load_licensed(name)
    assert {figure.corpus for figure in figures} <= {protocol.named for protocol in paper.protocols}
    assert len({(figure.corpus, figure.score) for figure in figures}) == len(figures)
