"""The `mer` command: what it prints, and what it says when it can't."""

import socket
import sys

import pytest

from mer_core import cli, corpus_names
from mer_core.methods import method_names
from mer_core.training import Run, parts, provenance, runs
from tests.training.tools import MINI, _cache, cache, mer, mini  # noqa: F401 (fixtures)

EPOCHS = ("--set", "epochs=2")


@pytest.fixture
def command(monkeypatch, capsys):
    """The command in this process: exit code, standard output, and what went to standard error."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["mer", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        message = (
            end.value.code if isinstance(end.value.code, str) else ""
        )  # Python prints it, and exits with 1
        return 1 if message else end.value.code or 0, out, err + message

    return call


@pytest.mark.parametrize("name", ["run", "status", "resume", "show", "compare", "data"])
def test_help_says_what_a_command_does(command, name):
    code, out, _ = command(name, "--help")
    assert code == 0
    assert f"Usage: mer {name}" in out


def test_a_run_is_computed_and_shown(command, tmp_path):
    code, out, _ = command(
        "run", "ststnet", *MINI, *EPOCHS, "--seeds", "0,1", "--workers", 1, "--out", tmp_path / "a"
    )
    assert code == 0
    assert "ststnet (book, epochs=2) on synth-mini, megc2019-3class; 18 clips of 6 subjects" in out
    assert "leave one subject out, seeds 0, 1" in out
    assert all(name in out for name in ("UF1", "UAR", "accuracy", "weighted F1", "95 % low", "seeds ±"))
    assert "INCOMPLETE" not in out
    assert "12 of 12 parts" in command("status", tmp_path / "a")[1]


def test_the_folder_is_named_after_what_is_asked_for(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command("run", "majority", *MINI, "--folds", 3, "--workers", 1)
    assert Run.open("runs/majority-synth-mini-megc2019-3class-book-3").settings == mini("majority", groups=3)


def test_an_incomplete_run_says_so_and_is_resumed(command, tmp_path):
    folder = tmp_path / "run"
    command("run", "majority", *MINI, "--workers", 1, "--out", folder)
    made = Run.open(folder)
    for part in made.parts()[:2]:
        made.file(part).unlink()
    assert "INCOMPLETE: 2 of 6 parts missing" in command("show", folder)[1]
    assert "missing: synth-mini+s01-seed0, synth-mini+s02-seed0" in command("status", folder)[1]
    code, out, _ = command("resume", folder, "--workers", 1)
    assert code == 0
    assert "INCOMPLETE" not in out


def test_a_run_by_other_code_says_so_everywhere_and_is_made_anew(command, tmp_path, monkeypatch):
    folder, said = tmp_path / "run", "6 of 6 parts computed by other code than today's"
    command("run", "majority", *MINI, "--workers", 1, "--out", folder)
    assert "other code" not in "".join(command(name, folder)[1] for name in ("show", "status"))
    for module in (runs, parts, provenance):
        monkeypatch.setattr(module, "code_of", lambda method: "another")
    for words in (["show", folder], ["status", folder], ["compare", folder, folder]):
        assert said in command(*words)[1]
    out = command("run", "majority", *MINI, "--workers", 1, "--out", folder)[1]
    assert f"{said}: made anew" in out
    assert "other code" not in command("show", folder)[1]


def test_a_run_without_any_part_says_what_to_do(command, tmp_path):
    folder = tmp_path / "run"
    command("run", "majority", *MINI, "--workers", 1, "--out", folder)
    [path.unlink() for path in (folder / "predictions").iterdir()]
    assert "0 of 6 parts" in command("status", folder)[1]
    code, _, err = command("show", folder)
    assert code == 1
    assert f"no predictions yet: `mer resume {folder}`" in err


def test_peeking_is_said_wherever_a_number_is(command, tmp_path):
    peek, last, warning = tmp_path / "peek", tmp_path / "last", "EPOCH CHOSEN ON THE TEST CLIPS: not a result"
    assert warning in command(
        "run", "ststnet", *MINI, *EPOCHS, "--selection", "test-peek", "--workers", 1, "--out", peek
    )[1]  # fmt: skip
    command("run", "ststnet", *MINI, *EPOCHS, "--workers", 1, "--out", last)
    assert warning in command("show", peek)[1]
    assert warning in command("status", peek)[1]
    code, out, _ = command("compare", last, peek)
    assert code == 0
    assert warning in out
    assert "difference" in out
    assert warning not in command("show", last)[1]


def test_a_default_folder_never_hides_the_peeking(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command("run", "ststnet", *MINI, *EPOCHS, "--selection", "test-peek", "--workers", 1)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [
        "ststnet-synth-mini-megc2019-3class-book-loso-test-peek"
    ]


def test_corpora_are_listed_with_their_cards(command):
    assert all(name in command("data")[1] for name in corpus_names())
    assert "clips: 24 of 6 subjects" in command("data", "synth-mini")[1]
    both = command("data", "synth-mini+synth-samm")[1]
    assert both.index("corpus: synth-mini") < both.index("corpus: synth-samm")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("mol2",), "There is no method 'mol2'; there are majority, apexframe"),
        (
            ("hoof", "--corpus", "casme9"),
            f"There is no corpus 'casme9'. It can be one of {', '.join(corpus_names())}",
        ),
        (("hoof", "--classes", "seven"), "no class map 'seven'; there are megc2019-3class"),
        (("hoof", "--preset", "huge"), "hoof has no preset 'huge'; it has book, paper"),
        (("ststnet", "--selection", "best"), "'last', 'inner' or 'test-peek'"),
        (("ststnet", "--device", "tpu"), "there is no 'tpu' here; available: auto, cpu"),
        (("ststnet", "--engine", "slurm"), "There is no engine 'slurm'; there are local, ray"),
        (("ststnet", "--set", "epoch=3"), "epochs: int"),
        (("ststnet", "--set", "epochs=many"), "epochs = 'many'"),
        (("ststnet", "--set", "epochs"), "--set takes NAME=VALUE, not 'epochs'"),
        (
            ("ststnet", "--folds", "many"),
            "--folds is loso, corpus, or a number of subject groups from 2 on, not 'many'",
        ),
        (("ststnet", "--folds", "1"), "number of subject groups from 2 on, not '1'"),
        (("ststnet", "--folds", "7"), "Expected 2 to 6 groups of 6 subjects, got k=7"),
        (("ststnet", "--seeds", "a,b"), "--seeds is a number or several with commas between, not 'a,b'"),
        (("ststnet", "--seeds", "0,0"), "Expected different seeds from 0 on, got [0, 0]"),
        (("ststnet", "--limit", "99"), "Expected a limit of 1 to 24 clips, got 99"),
        (("hoof", "--selection", "test-peek"), "hoof is no network"),
        (("hoof", "--keep-weights"), "hoof is no network"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_prepared(command, tmp_path, monkeypatch, words, message):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    words = words if "--corpus" in words else (*words, *MINI)
    code, _, err = command("run", *words, "--out", tmp_path / "run")
    assert code == 1
    assert message in err
    assert err.startswith("mer: ")
    assert not (tmp_path / "cache").exists()
    assert not list((tmp_path / "run").glob("run.json"))


def test_an_error_is_a_message_and_an_exit_code_and_no_stack():
    made = mer("run", "mol2")
    assert made.returncode == 1
    there_are = f"there are {', '.join(method_names())}. Your own is named module:Class."
    assert made.stderr == f"mer: There is no method 'mol2'; {there_are}\n"
    assert not made.stdout


@pytest.mark.parametrize("name", ["status", "resume", "show"])
def test_a_folder_that_is_no_run_is_said(command, tmp_path, name):
    code, _, err = command(name, tmp_path)
    assert code == 1
    assert "is no run: it has no run.json" in err


def test_a_port_that_is_taken_is_said_with_another_one(command, tmp_path, monkeypatch):
    (tmp_path / "_build" / "html").mkdir(parents=True)
    (tmp_path / "_build" / "html" / "index.html").touch()
    monkeypatch.setattr("mer_core.cli.book.find_root", lambda: tmp_path)
    with socket.create_server(("localhost", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = command("serve", "--port", port)
    assert code == 1
    assert f"mer serve --port {port + 1}" in err
