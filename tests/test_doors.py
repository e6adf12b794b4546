"""Whatever goes wrong leaves a command as one line and an exit code; a stack is in a file, or shown when asked for."""

import ast
import errno
import io
import json
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from mer_core import cli, start
from mer_core.corpora import command
from mer_core.corpora.command import run_script
from mer_core.corpora.sources import find_source
from mer_core.door import mendable, pass_through
from mer_core.settings import Settings
from tests.book.tiny import ROOT
from tests.training.tools import MINI, _cache, cache, mer  # noqa: F401 (fixtures)

DEEP = "[" * 100_000


def own():
    raise ValueError("Expected two frames, got one: add another.")


def nested(depth=0):
    return nested(depth + 1)


def missing():
    import no_such_package  # noqa: F401


class Size(Settings):
    """What a test sets."""

    size: int


@pytest.fixture
def leave(capsys, monkeypatch, tmp_path):
    """Work that goes through the door: its exit code, and what was said on the way."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def call(work, **options):
        with pytest.raises(SystemExit) as end:
            pass_through("mer", work, **options)
        said = capsys.readouterr().err
        return (1, end.value.code) if isinstance(end.value.code, str) else (end.value.code, said)

    return call


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (own, "mer: Expected two frames, got one: add another."),
        (
            lambda: Path("/no/such/file").read_bytes(),
            "mer: /no/such/file: No such file or directory (check its path).",
        ),
        (lambda: Size(size="large"), "mer: Size: these settings can't be used."),
        (
            missing,
            "mer: the package no_such_package is missing: `make` installs it, or `pip install mer-core[book]`.",
        ),
        (lambda: bytearray(1 << 62), "mer: memory is too short for this."),
    ],
)
def test_what_a_user_can_mend_is_said_and_the_exit_code_is_1(leave, tmp_path, work, said):
    code, message = leave(work)
    assert (code, message[: len(said)]) == (1, said)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("work", "kind"),
    [
        (lambda: {}["settings"], "KeyError: 'settings'"),
        (lambda: [].key, "AttributeError"),
        (lambda: json.loads("nothing"), "JSONDecodeError"),
        (lambda: json.loads(DEEP), "RecursionError"),
        (nested, "RecursionError"),
        (lambda: b"\xff".decode(), "UnicodeDecodeError"),
        (lambda: pd.DataFrame({"a": [1]}).loc[:, "b"], "KeyError: 'b'"),
        (lambda: pq.read_table(io.BytesIO(b"no table")), "ArrowInvalid"),
        (lambda: int("many"), "ValueError: invalid literal"),
    ],
)
def test_the_rest_is_one_line_that_says_where_the_report_is_and_the_exit_code_is_2(
    leave, tmp_path, work, kind
):
    code, said = leave(work)
    (report,) = tmp_path.iterdir()
    assert code == 2
    assert said.startswith(f"mer: unexpected {kind}")
    assert said.endswith(f" The report is {report}; --debug shows the stack.\n")
    assert said.count("\n") == 1
    assert "Traceback (most recent call last)" in report.read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "program"), [("mer", start.mer), ("smic", lambda: start.script("smic"))])
def test_ctrl_c_while_modules_are_imported_ends_without_a_stack(monkeypatch, capsys, name, program):
    def interrupted(module):
        raise KeyboardInterrupt

    monkeypatch.setattr(start, "import_module", interrupted)
    with pytest.raises(SystemExit) as end:
        program()
    assert (end.value.code, capsys.readouterr().err) == (130, f"{name}: stopped.\n")


def test_a_stack_is_shown_when_it_is_asked_for(leave, tmp_path):
    code, said = leave(lambda: {}["settings"], debug=True)
    assert code == 2
    assert "Traceback (most recent call last)" in said
    assert said.endswith("mer: unexpected KeyError: 'settings'.\n")
    assert not list(tmp_path.iterdir())


def test_a_folder_where_no_report_can_be_written_is_no_second_error(leave, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    code, said = leave(lambda: {}["settings"])
    assert code == 2
    assert "No report can be written (No such file or directory)" in said


def test_ctrl_c_is_one_line(leave):
    def interrupted():
        raise KeyboardInterrupt

    assert leave(interrupted) == (130, "mer: stopped.\n")


def test_a_full_disk_is_told_as_such():
    assert mendable(OSError(errno.ENOSPC, "No space left on device", "runs/a")) == (
        "runs/a: No space left on device (free some space and give the same command again)."
    )


def test_what_a_worker_said_in_words_is_said_and_what_it_did_not_is_reported():
    with ProcessPoolExecutor(1, get_context("fork")) as pool:
        assert mendable(pool.submit(own).exception()) == "Expected two frames, got one: add another."
        assert mendable(pool.submit(int, "many").exception()) is None


def test_a_terminal_without_signs_costs_no_result(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "ascii"))
    pass_through("mer", lambda: print("UF1 0.5 ± 0.1", flush=True))
    assert raw.getvalue() == b"UF1 0.5 ? 0.1\n"


@pytest.mark.parametrize("folder", ["mer_core", "data_scripts", "tools", "benchmarks"])
def test_no_file_depends_on_the_encoding_of_a_machine(folder):
    for source in (ROOT / folder).rglob("*.py"):
        for call in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and is_text(call):
                names = [keyword.arg for keyword in call.keywords]
                assert "encoding" in names, f"{source}, line {call.lineno}: encoding="


def is_text(call):
    """Whether a call reads or writes text: a file's, or another program's."""
    name = getattr(call.func, "attr", getattr(call.func, "id", None))
    words = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    as_text = any(keyword.arg in ("text", "universal_newlines") for keyword in call.keywords)
    opens = name == "open" and any(word in ("r", "w", "a", "x", "rt", "wt") for word in words)
    return name in ("read_text", "write_text") or opens or (name == "run" and as_text)


def test_a_run_and_its_plus_minus_survive_a_machine_that_knows_ascii_only(tmp_path):
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    words = (
        "run",
        "majority",
        *MINI,
        "--seeds",
        "0,1",
        "--limit",
        6,
        "--workers",
        1,
        "--out",
        tmp_path / "run",
    )
    made = mer(*words, **ascii_only)
    assert made.returncode == 0, made.stderr
    assert "seeds ?" in made.stdout


def test_debug_may_stand_anywhere_and_numbers_out_of_reach_are_a_usage_error(monkeypatch, capsys):
    for words in (["status", "--debug", "nowhere"], ["--debug", "status", "nowhere"]):
        monkeypatch.setattr(sys, "argv", ["mer", *words])
        with pytest.raises(SystemExit, match="There is no run nowhere"):
            cli.main()
        assert "Traceback" in capsys.readouterr().err
    for words in (["run", "hoof", "--workers", "0"], ["book", "--jobs", "0"], ["serve", "--port", "65536"]):
        monkeypatch.setattr(sys, "argv", ["mer", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == 2
        assert words[1 + (words[0] == "run")] in capsys.readouterr().err


def test_a_script_of_a_corpus_has_the_same_door(leave, monkeypatch, capsys, tmp_path):
    script, words = find_source("casme2"), ["--root", "none", "--check"]
    with pytest.raises(SystemExit) as end:
        run_script(script, [*words, "--workers", "0"])
    assert end.value.code == 2
    assert "argument --workers: expected a number of 1 or more, got '0'" in capsys.readouterr().err
    monkeypatch.setattr(command, "survey", lambda *_: {}["column"])
    with pytest.raises(SystemExit) as end:
        run_script(script, words)
    assert end.value.code == 2
    assert "\ncasme2: unexpected KeyError: 'column'. The report is " in f"\n{capsys.readouterr().err}"
