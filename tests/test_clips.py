import errno
import json
import multiprocessing
import os
import shutil
import signal
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mer_core import clips
from mer_core.clips import (
    ArraySpec,
    ClipTableError,
    DamagedError,
    PreparationError,
    View,
    apex_or_middle,
    check_clips,
    open_clipset,
    prepare,
)
from mer_core.settings import SettingsError
from tests.kills import kills

CLIPS = pd.DataFrame(
    {
        "clip": [f"c{i}" for i in range(6)],
        "subject": [f"toy/s{i // 2}" for i in range(6)],
        "emotion": ["happiness", "surprise"] * 3,
        "onset": 0,
        "apex": 4,
        "offset": 9,
        "fps": 200,
    }
)
ARRAYS = {"frames": ArraySpec((2, 3, 3), "uint8"), "flow": ArraySpec((2, 3, 3), "float16")}


def produce(row):
    return {"frames": np.full((2, 3, 3), row), "flow": np.full((2, 3, 3), row / 2)}


def produce_or_die(row):
    if row == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return produce(row)


def produce_and_count(counter, row):
    with Path(counter).open("a") as file:
        file.write(f"{row}\n")
    return produce(row)


def ready(folder, make=produce, workers=1, **options):
    return prepare(Path(folder), CLIPS, ARRAYS, make, {"corpus": "toy"}, workers, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished set, and what it consists of."""
    return ready(tmp_path_factory.mktemp("whole") / "set")


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_was_produced_is_read_back(tmp_path):
    clipset = ready(tmp_path / "set")
    assert clipset.clips.equals(CLIPS)
    assert clipset.frames.dtype == np.uint8
    assert clipset.frames[:, 0, 0, 0].tolist() == list(range(6))
    assert isinstance(clipset.flow, np.memmap)
    assert clipset.provenance["corpus"] == "toy"
    clipset.verify()


def test_workers_do_not_change_a_byte(tmp_path):
    one, two = ready(tmp_path / "one"), ready(tmp_path / "two", workers=2)
    assert one.provenance["sha256"] == two.provenance["sha256"]


def test_killed_in_the_middle_it_goes_on_where_it_stopped(tmp_path):
    killed = multiprocessing.get_context("spawn").Process(
        target=ready, args=(tmp_path / "set", produce_or_die)
    )
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert not (tmp_path / "set").exists()
    finished = ready(tmp_path / "set", partial(produce_and_count, str(tmp_path / "made")))
    assert (tmp_path / "made").read_text().split() == ["4", "5"]
    assert finished.provenance["sha256"] == ready(tmp_path / "other").provenance["sha256"]


def test_killed_before_any_change_of_a_file_it_ends_with_the_same_set(tmp_path, whole):
    (tmp_path / "before").mkdir()
    for kill in kills(tmp_path / "before", tmp_path / "work", lambda folder: ready(folder / "set")):
        assert content(ready(kill.folder / "set").folder) == content(whole.folder), kill
        assert not (kill.folder / "set.partial").exists(), kill


def test_killed_while_it_renews_a_damaged_set_it_ends_with_the_whole_one(tmp_path, whole):
    shutil.copytree(whole.folder, tmp_path / "before" / "set")
    (tmp_path / "before" / "set" / "flow.npy").write_bytes(b"")
    renew = partial(ready, renew=True)
    for kill in kills(tmp_path / "before", tmp_path / "work", lambda folder: renew(folder / "set")):
        assert content(renew(kill.folder / "set").folder) == content(whole.folder), kill


@pytest.mark.parametrize("file", ["done.npy", "frames.npy", "plan"])
@pytest.mark.parametrize("left", [b"", b"\x93NUMPY", None])
def test_a_preparation_with_an_unfinished_file_begins_again(tmp_path, whole, file, left):
    with pytest.raises(ZeroDivisionError):
        ready(tmp_path / "set", lambda row: produce(row) if row < 3 else 1 / 0)
    (tmp_path / "set.partial" / file).unlink()
    if left is not None:
        (tmp_path / "set.partial" / file).write_bytes(left)
    assert content(ready(tmp_path / "set").folder) == content(whole.folder)


def test_a_dead_worker_is_said_and_the_rest_goes_on_afterwards(tmp_path):
    with pytest.raises(RuntimeError, match="What is finished is kept"):
        ready(tmp_path / "set", produce_or_die, workers=2)
    assert len(ready(tmp_path / "set")) == len(CLIPS)


def test_two_processes_at_once_get_the_same_set_made_once(tmp_path):
    make = partial(produce_and_count, str(tmp_path / "made"))
    pair = [
        multiprocessing.get_context("spawn").Process(target=ready, args=(tmp_path / "set", make))
        for _ in "ab"
    ]
    [process.start() for process in pair]
    [process.join() for process in pair]
    assert [process.exitcode for process in pair] == [0, 0]
    assert len((tmp_path / "made").read_text().split()) == len(CLIPS)


def test_selected_rows_and_their_arrays_stay_together(tmp_path):
    chosen = ready(tmp_path / "set").select(np.arange(6) % 2 == 1).select([2, 0])
    assert chosen.clips["clip"].tolist() == ["c5", "c1"]
    assert chosen.frames[:, 0, 0, 0].tolist() == [5, 1]


def test_an_array_that_the_view_lacks_is_an_error_that_says_what_to_ask_for(tmp_path):
    with pytest.raises(AttributeError, match=r"holds \['flow', 'frames'\], not landmarks"):
        _ = ready(tmp_path / "set").landmarks


# Damaged


def flip(path):
    """One bit, in the middle of the data, and the times as they were."""
    times = path.stat()
    data = bytearray(path.read_bytes())
    data[-len(data) // 4] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


DAMAGES = {
    "a bit": flip,
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "gone": Path.unlink,
}
FILES = ["clips.parquet", "frames.npy", "flow.npy"]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", FILES)
def test_what_is_damaged_is_refused_by_file_when_it_is_read(tmp_path, whole, file, damage):
    clipset = open_clipset(shutil.copytree(whole.folder, tmp_path / "set"))
    clipset.verify()  # in this process it was whole
    DAMAGES[damage](clipset.folder / file)
    for read in (clipset.verify, lambda: ready(clipset.folder)):
        with pytest.raises(DamagedError, match=rf"set/{file} is .*Delete its folder and prepare it again"):
            read()
    with pytest.raises((DamagedError, AttributeError)):
        getattr(open_clipset(clipset.folder), file.partition(".")[0])


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", [*FILES, "provenance.json"])
def test_what_is_damaged_is_made_again_where_nothing_is_lost_and_said(tmp_path, whole, capsys, file, damage):
    folder = shutil.copytree(whole.folder, tmp_path / "set")
    DAMAGES[damage](folder / file)
    assert content(ready(folder, renew=True).folder) == content(whole.folder)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "It is made again." in said


def test_a_file_is_read_for_its_checksum_once_a_process(tmp_path, whole, monkeypatch):
    folder, read = shutil.copytree(whole.folder, tmp_path / "set"), []
    digest = clips._digest
    monkeypatch.setattr(clips, "SAME_MOMENT", 0)  # files that were written just now are read again
    monkeypatch.setattr(clips, "_digest", lambda path: read.append(path.name) or digest(path))
    for _ in range(3):
        ready(folder).frames.sum()
    assert sorted(read) == sorted(FILES)
    flip(folder / "frames.npy")
    with pytest.raises(DamagedError, match=r"frames\.npy is not the file"):
        ready(folder)


# Disks


def test_a_disk_that_is_full_is_told_as_such_and_nothing_is_left_on_it(tmp_path, whole, monkeypatch):
    def full(file, start, size):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(os, "posix_fallocate", full)
        with pytest.raises(
            PreparationError, match=r"No space left on device: .*set takes 324 bytes and [\d,]+ are"
        ):
            ready(tmp_path / "set")
    assert not (tmp_path / "set.partial").exists()
    assert content(ready(tmp_path / "set").folder) == content(whole.folder)


def test_the_place_is_taken_before_the_work(tmp_path):
    large = {"frames": ArraySpec((1, 500, 500), "uint8")}

    def refuse(row):
        blocks = (tmp_path / "set.partial" / "frames.npy").stat().st_blocks
        raise InterruptedError(f"{512 * blocks}")

    with pytest.raises(InterruptedError) as taken:
        prepare(tmp_path / "set", CLIPS, large, refuse, {})
    assert int(str(taken.value)) >= len(CLIPS) * 500 * 500


def test_where_a_file_can_not_be_reserved_it_is_written(tmp_path, whole, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate")
    assert content(ready(tmp_path / "set").folder) == content(whole.folder)


def test_a_finished_set_is_used_without_writing_anything(tmp_path, whole, monkeypatch):
    folder = shutil.copytree(whole.folder, tmp_path / "set")
    monkeypatch.setattr(clips, "locked", None)  # a disk that can't be written knows no lock
    assert ready(folder, renew=True).frames[5, 0, 0, 0] == 5
    assert sorted(tmp_path.iterdir()) == [folder]


# Refusals


def test_a_folder_that_is_no_clipset_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no provenance\.json"):
        open_clipset(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clip": "same"}, "clip must be unique; broken by 6 clips: same"),
        ({"subject": "06"}, "subject must read corpus/subject"),
        ({"onset": 5}, "onset must not be after apex"),
        ({"offset": 3}, "apex must not be after offset"),
        ({"emotion": None}, r"gaps in \['emotion'\]"),
        ({"fps": 0}, "fps must be above 0"),
    ],
)
def test_a_broken_table_is_refused_with_its_rows(change, message):
    with pytest.raises(ClipTableError, match=message):
        check_clips(CLIPS.assign(**change))


def test_missing_times_are_sound_and_missing_columns_are_not():
    check_clips(CLIPS.assign(apex=pd.array([pd.NA] * 6, dtype="Int64")))
    with pytest.raises(ClipTableError, match=r"lacks the columns \['emotion'\]"):
        check_clips(CLIPS.drop(columns="emotion"))


def test_a_view_refuses_what_cannot_be_seen():
    with pytest.raises(SettingsError, match="flow = 'raft'"):
        View(flow="raft")
    with pytest.raises(SettingsError, match="sise"):
        View(sise=64)


def test_provenance_is_plain_json(tmp_path):
    ready(tmp_path / "set")
    assert json.loads((tmp_path / "set" / "provenance.json").read_text())["clips"] == 6


@pytest.mark.parametrize(
    ("span", "apex", "expected"),
    [("onset-offset", [0, 4, 9, None], [0, 3, 7, 4]), ("onset-apex", [0, 4, 9, None], [7, 7, 7, 7])],
)
def test_a_view_has_the_apex_at_the_nearest_of_its_frames_or_in_the_middle(span, apex, expected):
    table = pd.DataFrame({"onset": 0, "apex": pd.array(apex, dtype="Int64"), "offset": 9})
    assert View(frames=4, subclips=2, span=span).apex_moment(table).tolist() == expected


def test_where_no_apex_is_labelled_the_middle_frame_stands_in():
    assert apex_or_middle(10, 12, 20) == 12
    assert apex_or_middle(10, pd.NA, 21) == apex_or_middle(10, None, 21) == 15
