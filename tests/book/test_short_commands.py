"""The printed commands that take hours, in short: few clips, two folds, a network learns for two epochs.

What makes a command short stands behind it, or the lists of experiments are made short. Where there is no GPU the
processor takes its place; Ray and dlib, which some commands name, are there where they are installed.
"""

import re
import shlex
import shutil
from pathlib import Path

import pytest
import torch

from mer_core import open_corpus
from mer_core.corpora.command import run_script
from mer_core.faces.corpus import CARDS
from mer_core.ledger import experiments
from mer_core.methods import METHODS
from tests.book.printed import SCRIPTS, execute, executed
from tests.corpora import imitate, imitate_casme2, imitate_own
from tests.test_protocols import composite

pytestmark = [pytest.mark.minutes, pytest.mark.timeout(3600)]
QUICK = "--set epochs=2 --set precision=float32"
SHORTER = {  # what a command says, and what is put behind it
    r"mer run": f"{QUICK} --folds 2",
    r"mer table": f"{QUICK} --preset book",
    r"mer run .*--engine ray": "--corpus synth-mini",
}
PATTERN = imitate.picture  # before `brief` puts faces in its place
NEEDED = {"--engine ray": "ray", "--landmarks dlib": "dlib", "--root CASME2": "dlib"}


@pytest.fixture(scope="module")
def brief(book):
    """The small book without results, where every corpus is small and every experiment two folds of one seed."""
    patch = pytest.MonkeyPatch()
    (book / "results").unlink()
    for name, card in CARDS.items():
        few = {emotion: min(count, 4) for emotion, count in card.counts.items()}
        patch.setitem(CARDS, name, card.replace(subjects=6, counts=few))
    patch.setattr(experiments, "_experiment", shortened(experiments._experiment))
    patch.setattr(imitate, "picture", face)
    for name, imitation in {"CASME2": imitate_casme2, "MYCLIPS": imitate_own}.items():
        shutil.rmtree(book / name)
        (book / name).mkdir()
        imitation.imitate(book / name)
    experiments.load_paper.cache_clear()
    yield book
    patch.undo()
    experiments.load_paper.cache_clear()


def shortened(read):
    """A list of experiments is read, and each is made short."""

    def experiment(defaults, listed):
        made = read(defaults, listed)
        run, known = made["run"], METHODS[made["run"]["method"]].Settings.model_fields
        few = {name: 2 for name in ("epochs", "macro_steps") if name in known}
        groups = run["groups"] if run.get("groups") == "corpus" else 2
        return made | {
            "run": run | {"seeds": [0], "groups": groups, "settings": run.get("settings", {}) | few}
        }

    return experiment


def face(seed, number):
    """What an imitation shows, where a detector looks for a face."""
    corpus = open_corpus("synth-mini")
    clip = corpus.clips["clip"][seed % len(corpus.clips)]
    return corpus.frames(clip, [0.02 * (number % 10)], 192)[0][..., ::-1]


def in_short(command):
    behind = [words for pattern, words in SHORTER.items() if re.search(pattern, command)]
    device = [] if torch.cuda.is_available() else ["--device cpu"] * ("--device cuda" in command)
    return " ".join([command, *behind, *device])


def need_extras(command):
    for words, package in NEEDED.items():
        if words in command:
            pytest.importorskip(package, reason="an extra: make commands installs it")


@pytest.mark.parametrize("command", [it for it in executed("mer", takes="hours") if "--official" not in it])
def test_the_command_does_its_work(command, brief):
    need_extras(command)
    assert "UF1" in execute(in_short(command))


@pytest.mark.parametrize("command", executed("python", takes="hours"))
def test_the_script_of_a_corpus_finds_faces(command, brief, capsys):
    need_extras(command)
    shutil.rmtree(brief / shlex.split(command)[-1])  # what was prepared without a detector
    execute(command)
    assert re.search(r"\d clips as (?!.*no-landmarks)", capsys.readouterr().out)


@pytest.fixture
def challenge(brief, monkeypatch):
    """As many clips as the organisers' list has, of the same names, and the list."""
    (brief / "challenge").mkdir()
    monkeypatch.chdir(brief / "challenge")
    monkeypatch.setattr(imitate, "picture", PATTERN)  # thousands of faces take minutes
    clips, lines = composite()
    Path("combined_3class_gt.csv").write_text("\n".join(lines))
    names = clips["clip"].str.split("/", expand=True).set_axis(["Corpus", "Subject", "Clip"], axis=1)
    names = names.assign(Emotion=clips["emotion"], Onset=1, Apex=2, Offset=3)
    for corpus, rows in names.groupby("Corpus"):
        for seed, row in enumerate(rows.itertuples()):
            imitate.write_frames(Path("HANDED", corpus, row.Subject, row.Clip), range(1, 4), "{}.png", seed)
        rows.drop(columns="Corpus").to_csv(Path("HANDED", corpus, "labels.csv"), index=False)
        run_script(
            SCRIPTS["own"],
            ["--root", f"HANDED/{corpus}", "--called", corpus, "--fps", "100", "--out", corpus],
        )


@pytest.mark.usefixtures("challenge")
@pytest.mark.parametrize("command", [it for it in executed("mer", takes="hours") if "--official" in it])
def test_the_organisers_list_chooses_the_clips(command):
    assert "442 clips" in execute(in_short(command))
