import json
import multiprocessing
import os
import signal
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mer_core.clips import ArraySpec, ClipTableError, View, check_clips, open_clipset, prepare
from mer_core.settings import SettingsError

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


def ready(folder, make=produce, workers=1):
    return prepare(Path(folder), CLIPS, ARRAYS, make, {"corpus": "toy"}, workers)


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


def test_a_changed_file_is_found(tmp_path):
    clipset = ready(tmp_path / "set")
    np.load(clipset.folder / "flow.npy", mmap_mode="r+")[0] = 9
    with pytest.raises(ValueError, match=r"flow\.npy is not the file"):
        clipset.verify()


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
