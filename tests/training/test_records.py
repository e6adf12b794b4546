"""The files of a run may come from somebody else: each is what it must be, or refused by name and reason."""

import copy
import hashlib
import json
import struct
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save as pack

from mer_core import cli
from mer_core.methods import create_model
from mer_core.reading import FileError, read_json, read_parquet
from mer_core.training import Run, load_network, run
from mer_core.training.records import Record, read_predictions
from tests.book.tiny import ROOT
from tests.training.tools import _cache, mini  # noqa: F401 (fixtures)

ODD = (None, 0, -1, 1.5, True, "", "x", [], ["x"], [[]], {}, {"x": 1}, 10**400)


@pytest.fixture(scope="module")
def small(_cache, tmp_path_factory):  # noqa: F811
    """A real run, of a method that learns nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(_cache))
        return run(mini("majority", limit=6), tmp_path_factory.mktemp("small") / "run")


@pytest.fixture
def show(monkeypatch, capsys):
    """`mer show`: its exit code, and what it said instead of scores."""

    def call(folder):
        monkeypatch.setattr(sys, "argv", ["mer", "show", str(folder)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        capsys.readouterr()
        return (1, end.value.code) if isinstance(end.value.code, str) else (end.value.code, "")

    return call


def mutated(record, draw):
    """A copy of plain data with one value, somewhere, taken out or replaced."""
    made = place = copy.deepcopy(record)
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = keys[draw.randint(len(keys))]
        if not (isinstance(place[key], (dict, list)) and place[key]) or draw.randint(3) == 0:
            break
        place = place[key]
    if draw.randint(3) == 0:
        del place[key]
    else:
        place[key] = ODD[draw.randint(len(ODD))]
    return made


@pytest.mark.parametrize("seed", range(40))
def test_a_record_of_another_form_is_shown_or_refused_by_its_name(small, show, tmp_path, seed):
    record = mutated(small.record, np.random.RandomState(seed))
    (tmp_path / "run.json").write_text(json.dumps(record), encoding="utf-8")
    (tmp_path / "predictions").symlink_to(small.folder / "predictions")
    code, said = show(tmp_path)
    assert code in (0, 1), said
    assert code == 0 or str(tmp_path) in said


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{", b"nothing", b"\xff\xfe", b"[" * 100_000, b'{"a": ' * 1000, b"1" * 5000, b"NaN"]
)
def test_a_record_that_is_no_record_is_refused_by_its_name(tmp_path, text):
    (tmp_path / "run.json").write_bytes(text)
    with pytest.raises(FileError, match=rf"^{tmp_path}/run.json: expected the record of a run; "):
        Run.open(tmp_path).settings  # noqa: B018
    with pytest.raises(FileError, match=rf"^{tmp_path}/run.json: expected the record of a run; "):
        Run(tmp_path).record  # noqa: B018


def test_a_class_map_that_nobody_knows_is_refused(small, tmp_path):
    record = copy.deepcopy(small.record)
    record["settings"]["classes"] = "seven"
    (tmp_path / "run.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(FileError, match=rf"^{tmp_path}/run.json: .* no class map 'seven'"):
        Run.open(tmp_path).settings  # noqa: B018


def test_all_that_the_book_stores_is_read_as_before():
    for folder in sorted((ROOT / "results").glob("*/*"))[::10]:
        read_json(folder / "run.json", Record)
        file = folder / "predictions.parquet"
        pd.testing.assert_frame_equal(read_predictions(file), pd.read_parquet(file))


# Predictions


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop(columns="truth"), "but there is no column truth"),
        (lambda t: t[:0], "got 0 rows"),
        (lambda t: t[[name for name in t if not name.startswith("p_")]], "the probabilities of 0 classes"),
        (lambda t: t.assign(truth="happiness"), "the column truth does not hold whole numbers"),
        (lambda t: t.assign(clip=1), "the column clip does not hold text"),
        (lambda t: t.assign(subject=None), "the column subject does not hold text"),
        (lambda t: t.assign(p_negative=np.nan), "the column p_negative does not hold finite numbers"),
        (lambda t: t.assign(p_negative="much"), "the column p_negative does not hold finite numbers"),
        (lambda t: t.assign(predicted=3), "but predicted is not always from 0 to 2"),
        (lambda t: t.assign(truth=-1), "but truth is not always from 0 to 2"),
    ],
)
def test_predictions_of_another_form_are_refused(small, tmp_path, change, said):
    file = tmp_path / "predictions.parquet"
    change(small.predictions).to_parquet(file)
    with pytest.raises(FileError, match=rf"^{file}: expected predictions, .*{said}"):
        read_predictions(file)


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_table_is_read_or_refused(small, tmp_path, seed):
    draw, file = np.random.RandomState(seed), tmp_path / "t.parquet"
    data = bytearray(small.file(small.parts()[0]).read_bytes())
    if seed % 3 == 0:
        data = data[: draw.randint(len(data))]
    for place in draw.randint(max(len(data), 1), size=3):
        data[place : place + 1] = bytes([draw.randint(256)])
    file.write_bytes(data)
    try:
        read_predictions(file)
    except FileError as error:
        assert str(error).startswith(f"{file}: expected ")  # noqa: PT017


def test_a_small_table_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("mer_core.reading.MOST_ROWS", 1000)
    pd.DataFrame({"truth": np.zeros(1001, int)}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(FileError, match="expected at most 1000 rows, got 1001"):
        read_parquet(tmp_path / "t.parquet")


# Networks


def stored(folder, weights, **changes):
    """Weights with a card that describes them, as a run keeps them."""
    about = {"method": "ststnet", "settings": {}, "classes": ["a", "b", "c"]}
    about |= {"sha256": hashlib.sha256(weights).hexdigest(), **changes}
    (folder / "w.json").write_text(json.dumps(about), encoding="utf-8")
    (folder / "w.safetensors").write_bytes(weights)
    return folder / "w.safetensors"


def network():
    return create_model("ststnet", 3).state_dict()


def headed(head, data=b"", length=None):
    """A safetensors file by hand."""
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def test_a_network_comes_back_as_it_was_kept(tmp_path):
    kept = network()
    made = load_network(stored(tmp_path, pack(kept))).state_dict()
    assert all(torch.equal(kept[name], made[name]) for name in kept)


@pytest.mark.parametrize(
    "weights",
    [
        b"",
        b"\x80\x04N.",  # a pickle of None
        headed({}, length=2**63),
        headed({}, length=10**9),
        headed(b"[]"),
        headed(b"{" * 10_000),
        headed(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' * 2, bytes(4)),
        headed({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 400]}}, bytes(4)),
        headed({"a": {"dtype": "F32", "shape": [2**62, 8], "data_offsets": [0, 4]}}, bytes(4)),
        headed({"a": {"dtype": "X9", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
        headed({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, bytes(4)),
        headed({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}, bytes(4)),
        headed(
            {name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for name in "ab"}, bytes(4)
        ),  # two in one place
    ],
)
def test_a_file_with_a_crafted_head_is_refused(tmp_path, weights):
    file = stored(tmp_path, weights)
    with pytest.raises(FileError, match=rf"^{file}: expected safetensors, got something else \(.*\)\.$"):
        load_network(file)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: dict(list(w.items())[1:]), "got nothing: these are weights of another network"),
        (lambda w: w | {"more": torch.zeros(2, 3)}, "for more expected nothing, got 2×3 float32"),
        (lambda w: {name: values.double() for name, values in w.items()}, "float64"),
        (lambda w: {name: values[..., None].contiguous() for name, values in w.items()}, "×1 float32"),
        (lambda w: {name: values * torch.nan for name, values in w.items()}, "not finite"),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path, change, said):
    file = stored(tmp_path, pack(change(network())))
    with pytest.raises(FileError, match=rf"^{file}: .*{said}"):
        load_network(file)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "majority"}, "majority has no network"),
        ({"method": "../evil"}, "no method '../evil'"),
        ({"method": ["ststnet"]}, "method: Input should be a valid string"),
        ({"settings": {"epochs": "many"}}, "epochs = 'many'"),
        ({"settings": []}, "settings: Input should be"),
        ({"classes": ["a"]}, "classes: List should have at least 2 items"),
        ({"classes": 3}, "classes: Input should be a valid array"),
        ({"sha256": None}, "sha256: Input should be a valid string"),
    ],
)
def test_a_card_of_another_form_is_refused(tmp_path, changes, said):
    file = stored(tmp_path, pack(network()), **changes)
    with pytest.raises(FileError, match=rf"(?s)^{file.with_suffix('.json')}: expected the card of .*{said}"):
        load_network(file)
