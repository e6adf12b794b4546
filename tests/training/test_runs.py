import ast
import errno
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

import mer_core
from mer_core import atomic, open_corpus
from mer_core.methods import create_method
from mer_core.protocols import class_map, leave_one_subject_out
from mer_core.training import (
    Run,
    RunError,
    engines,
    examples,
    load_network,
    predict,
    predict_folds,
    run,
)
from mer_core.training.parts import Part, RunSettings, material, some_of_each
from tests.training.tools import MER, MINI, mer, mini, pooled, times

COLUMNS = ["clip", "subject", "fold", "seed", "truth", "predicted", "p_negative", "p_positive", "p_surprise"]
LONG = ("run", "ststnet", *MINI, "--set", "epochs=20", "--seeds", "0,1,2")  # eighteen parts


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    """A run with one worker, all its outputs kept; others are compared with it."""
    return run(mini(every_epoch=True, keep_weights=True), tmp_path_factory.mktemp("runs") / "serial")


def test_every_clip_is_predicted_once_by_a_fold_that_did_not_train_on_it(serial):
    table = serial.predictions
    assert table.columns.tolist() == COLUMNS
    assert not table["clip"].duplicated().any()
    assert len(table) == 18  # six others belong to no class
    assert (table["fold"] == table["subject"]).all()
    chances = table[COLUMNS[6:]]
    np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=1e-5)
    assert (chances.to_numpy().argmax(axis=1) == table["predicted"]).all()


def test_truth_is_the_class_of_the_label(serial):
    clips = open_corpus("synth-mini").clips.set_index("clip")
    expected = class_map("megc2019-3class").label(clips)[serial.predictions["clip"]]
    assert serial.predictions["truth"].tolist() == expected.tolist()


def test_two_workers_predict_what_one_does(serial, tmp_path):
    two = run(mini(every_epoch=True, keep_weights=True), tmp_path / "two", workers=2)
    pd.testing.assert_frame_equal(serial.predictions, two.predictions, check_exact=True)
    assert _bytes(serial.folder, "weights") == _bytes(two.folder, "weights")
    assert _bytes(serial.folder, "epochs") == _bytes(two.folder, "epochs")


def _bytes(folder, kind):
    return {path.name: path.read_bytes() for path in (folder / kind).iterdir()}


def test_a_chapter_predicts_what_the_run_does(serial):
    method = create_method("ststnet", epochs=2)
    clips = open_corpus("synth-mini").clipset(method.view)
    labels = class_map("megc2019-3class").label(clips.clips)
    clips, labels = clips.select(labels.notna()), labels.dropna().to_numpy(int)
    data = examples(method, clips, labels, 3)
    table = serial.predictions.set_index("clip").loc[clips.clips["clip"]]
    made = predict_folds(method, data, leave_one_subject_out(data.subjects), seed=0)
    np.testing.assert_array_equal(table[COLUMNS[6:]].astype(float), made)


@pytest.mark.parametrize("method", ["majority", "hoof"])
def test_an_estimator_runs_through_the_same_door(method, tmp_path):
    one, two = run(mini(method), tmp_path / "one"), run(mini(method, groups=3), tmp_path / "two")
    assert len(one.parts()) == 6
    assert [part.fold for part in two.parts()] == ["group1", "group2", "group3"]
    assert sorted(one.predictions["clip"]) == sorted(two.predictions["clip"])


# What a run says about itself


def test_the_record_says_what_was_computed_on_what_by_what(serial):
    record = serial.record
    assert record["settings"]["method"] == "ststnet"
    assert record["method"]["epochs"] == 2  # the whole of the method's settings
    assert record["method"]["batch"] == 16
    assert record["folds"] == [f"synth-mini/s0{i}" for i in range(1, 7)]
    assert record["data"]["clips"] == 18
    assert record["data"]["left out, in no class"] == {"others": 6}
    assert set(record["data"]["sha256"]) == {"clips.parquet", "frames.npy", "flow.npy"}
    assert {"torch", "numpy", "python"} <= set(record["environment"])
    assert record["hardware"]["cores"] == os.cpu_count()
    assert {"code", "numerics", "started"} <= set(record)
    assert Path.home().as_posix() not in json.dumps(record)


def test_every_part_says_how_long_it_took_and_what_computed_it(serial):
    notes = serial.notes()
    assert len(notes) == 6
    assert (notes["seconds"] > 0).all()
    assert set(notes["code"]) == {serial.record["code"]["sha256"]}
    assert set(notes["numerics"]) == {serial.record["numerics"]}


def test_peeking_is_marked_in_every_part(tmp_path):
    peeked = run(mini(selection="test-peek"), tmp_path / "run")
    assert set(peeked.notes()["selection"]) == {"test-peek"}


def test_looking_at_a_run_needs_no_corpus(serial, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("mer_core.training.parts.open_corpus", None)
    again = Run.open(serial.folder)
    assert not again.missing()
    assert len(again.predictions) == 18


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"no run\.json"):
        Run.open(tmp_path)
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RunError, match=r"holds other files \(thesis\.tex"):
        run(mini(), tmp_path)


def test_another_run_in_the_folder_is_refused_and_what_differs_is_named(serial):
    before = times(serial.folder)
    with pytest.raises(RunError) as error:
        run(mini(settings={"epochs": 3}, seeds=(0, 1), every_epoch=True, keep_weights=True), serial.folder)
    assert "settings.seeds is [0], asked for is [0, 1]" in str(error.value)
    assert "method.epochs is 2, asked for is 3" in str(error.value)
    assert "keep_weights" not in str(error.value)
    assert times(serial.folder) == before


@pytest.mark.parametrize("what", ["data", "numerics", "environment"])
def test_other_data_and_other_kernels_are_another_run(what, tmp_path):
    made = run(mini("majority"), tmp_path / "run")
    record = json.loads((made.folder / "run.json").read_text())
    changed = {"data": {"clips": 24, "sha256": {"frames.npy": "other"}}, "numerics": "z80"}
    changed["environment"] = {**record["environment"], "torch": "0.1"}
    (made.folder / "run.json").write_text(json.dumps({**record, what: changed[what]}))
    with pytest.raises(RunError, match="torch is 0.1, asked" if what == "environment" else what):
        run(mini("majority"), made.folder)


# Interrupted


def test_killed_in_the_middle_it_goes_on_and_repeats_nothing(tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = subprocess.Popen([*MER, *LONG, "--out", str(killed), "--workers", "2"], start_new_session=True)
    _wait_for(lambda: len(times(killed)) >= 2, process)
    process.kill()
    process.wait()
    _wait_for(lambda: not _alive_in_session(process.pid), None)  # its workers end with it
    before = times(killed)
    assert 2 <= len(before) < 18
    run(Run.open(killed).settings, killed)
    assert {name: times(killed)[name] for name in before} == before
    uninterrupted = run(Run.open(killed).settings, whole)
    pd.testing.assert_frame_equal(pooled(killed), uninterrupted.predictions, check_exact=True)
    assert not list(killed.rglob("*.unfinished"))


def _wait_for(happened, process, seconds=300):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        assert process is None or process.poll() is None, "the process ended too early"
        time.sleep(0.005)


def _alive_in_session(session):
    listed = subprocess.run(["ps", "-o", "pid=", "-s", str(session)], capture_output=True, text=True)
    return listed.stdout.split()


def test_a_full_disk_leaves_nothing_half_written_and_the_run_goes_on_later(tmp_path, monkeypatch, serial):
    written = []

    def fill_the_disk(file):
        written.append(file)
        if len(written) > 8:  # what the run is, then histories, checksums and predictions of its parts
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(atomic.os, "fsync", fill_the_disk)
        with pytest.raises(RunError, match=r"No space left on device.*What is finished is kept"):
            run(mini(), tmp_path / "run")
    assert len(Run.open(tmp_path / "run").finished()) == 2
    assert len(list((tmp_path / "run" / "predictions").iterdir())) == 2
    pd.testing.assert_frame_equal(run(mini(), tmp_path / "run").predictions, serial.predictions)


def test_a_limit_on_the_size_of_files_is_met_as_a_full_disk_is(tmp_path):
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)); "
    words = ["run", "ststnet", *MINI, "--set", "epochs=2", "--keep-weights", "--out", str(tmp_path / "run")]
    program = [MER[0], "-c", limited + MER[2], *words, "--workers", "1"]
    material(mini(keep_weights=True).model_dump_json())  # the corpus itself is larger than that
    made = subprocess.run(program, capture_output=True, text=True)
    assert made.returncode == 1
    assert "can't be written" in made.stderr
    assert "Traceback" not in made.stderr
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"lock", "run.json"}
    assert mer("resume", tmp_path / "run", "--workers", 1).returncode == 0


def dies(plain, part):
    """A part that kills its worker, in place of `compute`."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_dead_worker_is_said_and_the_rest_goes_on_afterwards(tmp_path, monkeypatch, serial):
    with monkeypatch.context() as broken:
        broken.setattr(engines, "compute", dies)
        with pytest.raises(RunError, match=r"A worker died. What is finished is kept: `mer resume`"):
            run(mini(), tmp_path / "run", workers=2)
    pd.testing.assert_frame_equal(run(mini(), tmp_path / "run").predictions, serial.predictions)


def fails_or_is_slow(plain, part):
    """The first part fails at once, the others take their time."""
    with Path(os.environ["BEGUN"]).open("a") as begun:
        begun.write("one\n")
    if part.fold.endswith("s01"):
        raise ValueError("part s01 can't be computed")
    time.sleep(1)


def test_an_error_in_a_worker_is_raised_without_computing_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "compute", fails_or_is_slow)
    monkeypatch.setenv("BEGUN", str(tmp_path / "begun"))
    with pytest.raises(ValueError, match="s01"):
        run(mini(seeds=tuple(range(20))), tmp_path / "run", workers=2)
    assert (tmp_path / "begun").read_text().count("one") < 20  # of a hundred and more parts


def test_a_second_run_on_the_folder_says_so_and_stops(tmp_path):
    with FileLock(tmp_path / "lock"):
        made = mer("run", "majority", *MINI, "--out", tmp_path)
    assert made.returncode == 1
    assert "is being computed by another process right now" in made.stderr
    assert "Traceback" not in made.stderr
    assert not (tmp_path / "run.json").exists()


def test_a_machine_with_other_data_is_refused(tmp_path, serial):
    plain = serial.settings.model_dump_json()
    result = engines.compute(plain, serial.parts()[0])
    strange = type(result)(**{**vars(result), "fingerprint": {"frames.npy": "other"}})
    with pytest.raises(RunError, match=r"data differ from this one's \(.*frames\.npy"):
        Run(tmp_path).keep(serial.parts()[0], strange, material(plain))


def test_another_file_of_first_weights_is_another_run(tmp_path):
    file = tmp_path / "weights.pth"
    prints = []
    for content in (b"one", b"other"):
        file.write_bytes(content)
        plain = RunSettings(method="amnet3d", corpus="synth-mini", settings={"weights": str(file)})
        prints.append(material(plain.model_dump_json()).fingerprint["weights"])
        material.cache_clear()
    assert prints[0] != prints[1]


def test_a_file_of_first_weights_that_is_not_there_is_named_before_anything_is_prepared():
    with pytest.raises(RunError, match=r"no file weights=gone\.pth"):
        RunSettings(method="amnet3d", corpus="synth-mini", settings={"weights": "gone.pth"}).checked()


def test_an_epoch_can_not_be_chosen_where_the_last_stage_has_one():
    with pytest.raises(RunError, match="fusion, has one"):
        RunSettings(method="famnet", corpus="synth-mini", selection="inner").checked()


# Threads


def test_more_threads_in_the_environment_change_no_prediction(tmp_path, serial):
    many = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "2")
    words = ("run", "ststnet", *MINI, "--set", "epochs=2", "--every-epoch", "--keep-weights", "--workers", 2)
    made = mer(*words, "--out", tmp_path / "run", **many)
    assert made.returncode == 0, made.stderr
    assert "OMP_NUM_THREADS=2" in Run.open(tmp_path / "run").record["numerics"]
    pd.testing.assert_frame_equal(pooled(tmp_path / "run"), serial.predictions, check_exact=True)


# Weights


def test_a_kept_network_predicts_again_what_its_part_says(serial):
    part = Part("synth-mini/s03", 0)
    shared = material(serial.settings.model_dump_json())
    test = shared.examples.take(shared.folds[part.fold].test)
    made = predict(load_network(serial.weights(part)), test.inputs)
    table = pd.read_parquet(serial.file(part))
    np.testing.assert_array_equal(made, table[COLUMNS[6:]])


def test_the_card_of_a_network_says_what_it_is(serial):
    card = json.loads(serial.weights(Part("synth-mini/s03", 0)).with_suffix(".json").read_text())
    assert (card["method"], card["fold"], card["seed"]) == ("ststnet", "synth-mini/s03", 0)
    assert card["settings"]["epochs"] == 2
    assert card["parameters"] == 1_683
    assert len(card["sha256"]) == 64


def test_a_changed_network_is_refused(serial, tmp_path):
    source = serial.weights(Part("synth-mini/s03", 0))
    file = tmp_path / source.name
    file.write_bytes(source.read_bytes()[:-1] + b"!")
    file.with_suffix(".json").write_text(source.with_suffix(".json").read_text())
    with pytest.raises(ValueError, match="checksum differs"):
        load_network(file)


def test_nothing_is_unpickled_anywhere():
    forbidden = {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "marshal", "shelve"}
    for path in Path(mer_core.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            names |= {node.module} if isinstance(node, ast.ImportFrom) else set()
            assert not names & forbidden, path
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in {"torch.load", "pd.read_pickle", "torch.hub.load"}, path
                assert not any(k.arg == "allow_pickle" and k.value.value for k in node.keywords), path


def test_fewer_labels_keep_every_class_and_are_a_part_of_more_labels():
    labels, rows = np.repeat([0, 1, 2], [20, 10, 1]), np.arange(31)
    tenth, half = (some_of_each(rows, labels, share, seed=3) for share in (0.1, 0.5))
    assert np.bincount(labels[tenth]).tolist() == [2, 1, 1]
    assert np.bincount(labels[half]).tolist() == [10, 5, 1]
    assert set(tenth) < set(half)


def test_all_labels_are_the_training_clips_as_they_were():
    assert some_of_each(np.arange(5, 9), np.zeros(9, int), 1.0, seed=0).tolist() == [5, 6, 7, 8]
