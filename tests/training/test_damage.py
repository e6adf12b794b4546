"""What lies in a run's folder is what was written, or it is made again: damage, kills at every call, names."""

import subprocess
from dataclasses import replace

import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from mer_core.cli import app
from mer_core.methods.base import StartError
from mer_core.training import Run, RunError, engines, provenance, run
from mer_core.training.parts import Part, material
from mer_core.training.starts import keep_start, read_start
from tests.kills import kills
from tests.training.tools import mini

KINDS = {"predictions": ".parquet", "epochs": ".npy", "weights": ".safetensors", "checksums": ".sha256"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, _cache):
    """Two parts of all that a run can keep; a test gives it back as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(_cache))
        asked = mini(groups=2, settings={"epochs": 1}, every_epoch=True, keep_weights=True)
        return run(asked, tmp_path_factory.mktemp("runs") / "whole")


# Damage


def flipped(content, place):
    """One bit of it, somewhere between its begin and its end, is another."""
    bit = int(place * len(content) * 8)
    return content[: bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1 :]


DAMAGE = st.one_of(
    st.floats(0, 1, exclude_max=True).map(lambda place: lambda content: flipped(content, place)),
    st.floats(0, 1, exclude_max=True).map(lambda share: lambda content: content[: int(share * len(content))]),
    st.just(lambda content: content + b"\n"),
)


@pytest.mark.parametrize("suffix", [*KINDS.values(), ".json"])
@settings(max_examples=15)
@given(damage=DAMAGE)
def test_whatever_is_damaged_of_a_part_is_seen(whole, suffix, damage):
    first, other = whole.parts()
    [file] = whole.folder.glob(f"*/{first}{suffix}")
    content = file.read_bytes()
    file.write_bytes(damage(content))
    try:
        assert whole.missing() == whole.damaged() == whole.todo() == [first]
        assert set(whole.predictions()["fold"]) == {other.fold}
    finally:
        file.write_bytes(content)
    assert not whole.todo()


def test_a_part_without_rows_is_told_and_made_again(whole, monkeypatch):
    first, before = whole.parts()[0], whole.predictions()
    pq.write_table(pq.read_table(whole.file(first)).slice(0, 0), whole.file(first))
    told = CliRunner().invoke(app, ["status", str(whole.folder)]).output
    assert "1 of 2 parts" in told
    assert f"damaged: {first}" in told
    shown = CliRunner().invoke(app, ["show", str(whole.folder)])
    assert shown.exit_code == 0
    assert "INCOMPLETE: 1 of 2 parts missing, 1 of them damaged" in shown.output
    assert CliRunner().invoke(app, ["resume", str(whole.folder), "--workers", "1"]).exit_code == 0
    pd.testing.assert_frame_equal(whole.predictions(), before)
    assert not whole.todo()


def test_a_run_all_of_whose_parts_are_damaged_is_no_stack(whole):
    contents = {whole.file(part): whole.file(part).read_bytes() for part in whole.parts()}
    for file in contents:
        file.write_bytes(b"")
    shown = CliRunner().invoke(app, ["show", str(whole.folder)])
    assert isinstance(shown.exception, RunError)
    assert "2 files are there, damaged or of an older version" in str(shown.exception)
    for file, content in contents.items():
        file.write_bytes(content)


def test_checksums_are_those_that_other_programs_read(whole):
    files = [str(whole.checksums(part).relative_to(whole.folder)) for part in whole.parts()]
    made = subprocess.run(["sha256sum", "--check", *files], cwd=whole.folder, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert made.stdout.count("OK") == 8


# Kills


@pytest.mark.parametrize("begun", ["from nothing", "over a part by other code"])
def test_killed_at_any_call_a_part_is_whole_or_made_again(whole, tmp_path, monkeypatch, begun):
    plain, part = whole.settings.model_dump_json(), whole.parts()[0]
    shared, result, older = material(plain), engines.compute(plain, part), None

    def write(folder):
        made = Run(folder / "run")
        with made.locked():
            made.describe(whole.settings, shared)
            if part in made.todo():
                made.keep(part, result, shared)

    (before := tmp_path / "before").mkdir()
    if begun != "from nothing":
        older = replace(
            result, table=result.table.assign(predicted=0), made_by={**result.made_by, "code": "older"}
        )
        with monkeypatch.context() as other:
            other.setattr(provenance, "code_of", lambda method: "older")
            (made := Run(before / "run")).describe(whole.settings, shared)
            made.keep(part, older, shared)
        assert made.stale() == [part]
    for kill in kills(before, tmp_path / "work", write):
        if (kill.folder / "run" / "run.json").exists():
            made = Run.open(kill.folder / "run")
            _is_right(made, {result.made_by["code"]: result, "older": older}, kill)
        write(kill.folder)
        made = Run.open(kill.folder / "run")
        assert made.todo() == made.parts()[1:], kill
        _is_right(made, {result.made_by["code"]: result}, kill)
        assert not [*kill.folder.rglob("*.unfinished")], kill


def _is_right(made, by_code, kill):
    for part, (_, note) in zip(made.finished(), made.notes().iterrows(), strict=True):
        assert pd.read_parquet(made.file(part)).equals(by_code[note["code"]].table), kill
        assert made.weights(part).read_bytes() == by_code[note["code"]].weights, kill


@pytest.mark.parametrize("is_new", [True, False])
def test_killed_at_any_call_kept_weights_are_there_with_their_card_or_neither_is(tmp_path, is_new):
    def keep(folder, value=2.0):
        keep_start(
            folder / "w.safetensors", {"part.x": torch.tensor([value])}, "part", subjects=[], value=value
        )

    (before := tmp_path / "before").mkdir()
    if not is_new:
        keep(before, 1.0)
    for kill in kills(before, tmp_path / "work", keep):
        if is_new and not (kill.folder / "w.json").exists():
            with pytest.raises(StartError, match="has no card"):
                read_start(kill.folder / "w.safetensors")
        else:
            start, about = read_start(kill.folder / "w.safetensors")
            assert start.weights["x"] == about["value"], kill
        keep(kill.folder)
        assert read_start(kill.folder / "w.safetensors")[1]["value"] == 2, kill
        assert {path.name for path in kill.folder.iterdir()} == {"w.safetensors", "w.json"}, kill


# Names


@given(st.lists(st.tuples(st.text(min_size=1, max_size=4), st.integers(0, 20)), min_size=2, unique=True))
def test_no_two_parts_share_a_file(asked):
    names = [str(Part(*one)) for one in asked]
    assert len({*names}) == len(names)
    assert not any({*name} & {*"/\\\0"} for name in names)


@pytest.mark.parametrize(
    ("one", "other"), [("x/y-z", "x-y/z"), ("x/y", "x+y"), ("x/y", "x%2Fy"), ("a-/b", "a/-b")]
)
def test_subjects_that_look_alike_have_files_of_their_own(one, other):
    assert str(Part(one, 0)) != str(Part(other, 0))
