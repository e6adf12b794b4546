"""What `results/` holds is what the lists ask for, of the methods as they are today, and consistent in itself."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mer_core import open_corpus
from mer_core.ledger.experiments import listed
from mer_core.ledger.reproduction import differences
from mer_core.ledger.stored import readable, stored_runs
from mer_core.protocols import class_map, split
from mer_core.training import Run, RunSettings

RESULTS = Path(__file__).parents[2] / "results"
LISTED = listed()
STORED = [run.name for run in stored_runs(RESULTS)]


@cache
def asked(corpus, classes, groups):
    """Truth, subject and fold of every clip that belongs to a class."""
    rows = [
        (made.clip, made.subject, one.card.merge.get(made.emotion, made.emotion))
        for one in map(open_corpus, corpus.split("+"))
        for made in one.outline  # the table of labels would plan every clip
    ]
    clips = pd.DataFrame(rows, columns=["clip", "subject", "emotion"]).set_index("clip")
    clips = clips.assign(truth=class_map(classes).label(clips), fold="").dropna(subset="truth")
    for fold in split(clips["subject"].to_numpy(), groups):
        clips.iloc[fold.test, clips.columns.get_loc("fold")] = fold.name
    return clips[["truth", "subject", "fold"]].sort_index()


@cache
def stored(name):
    return Run(RESULTS / name)


def unsaid(method):
    """What a setting that is none says today of the variants that are stored, where it was said then."""
    return {"local": "dense"} if method == "fdp" else {}


def test_what_is_unsaid_is_still_so():
    for name in ("fdp/paper", "fdp/released"):
        assert LISTED[name].run.create_method().settings.convolution == "dense"


def younger_settings_added(stored, today):
    nested = {name: {**today[name], **value} for name, value in stored.items() if isinstance(value, dict)}
    return {**today, **stored, **nested}


@pytest.mark.parametrize("name", [name for name in STORED if name in LISTED])
def test_a_stored_run_is_the_one_that_is_listed_today(name):
    record, run = stored(name).record, LISTED[name].run
    settings = RunSettings.parse(record["settings"])
    assert set(settings.seeds) <= set(
        run.seeds
    )  # more seeds and their epochs may be asked for than are computed yet
    assert differences(run.replace(seeds=settings.seeds, every_epoch=settings.every_epoch), settings) == ()
    today = json.loads(json.dumps(run.create_method().settings.plain()))
    said = {name: value for name, value in record["method"].items() if unsaid(run.method).get(name) != value}
    assert younger_settings_added(said, today) == today  # a preset may have changed since


@pytest.mark.parametrize("name", STORED)
def test_every_clip_is_asked_once_a_seed_in_the_fold_of_its_subject(name):
    settings, table = stored(name).record["settings"], stored(name).predictions
    clips = asked(*(settings[what] for what in ("corpus", "classes", "groups")))
    assert sorted(set(table["seed"])) == settings["seeds"]
    for _, rows in table.groupby("seed"):
        there = rows.set_index("clip")[["truth", "subject", "fold"]].sort_index()
        pd.testing.assert_frame_equal(there, clips, check_dtype=False)


@pytest.mark.parametrize("name", STORED)
def test_the_answer_is_the_likeliest_class(name):
    table = stored(name).predictions
    said = table.filter(regex="^p_").to_numpy()
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-4)
    assert (said.argmax(axis=1) == table["predicted"]).all()


@pytest.mark.parametrize("name", STORED)
def test_the_scores_follow_from_the_answers(name):
    assert stored(name).record["scores"] == readable(stored(name).predictions)


@pytest.mark.parametrize("name", [name for name in STORED if (RESULTS / name / "epochs.parquet").exists()])
def test_the_last_epoch_gave_the_answers_that_count(name):
    run = stored(name)
    assert run.epochs.shape[1] == len(run.predictions)
    if run.record["settings"]["selection"] == "last":
        assert (run.epochs[-1] == run.predictions["predicted"]).all()


def test_the_index_is_what_is_stored_row_by_row():
    rows = pd.read_csv(RESULTS / "index.csv", dtype={"seeds": str}, keep_default_na=False)
    assert (rows["list"] + "/" + rows["experiment"]).tolist() == STORED
    for name, row in zip(STORED, rows.to_dict("records"), strict=True):
        record, uf1 = stored(name).record, stored(name).record["scores"]["UF1"]
        assert {what: row[what] for what in ("method", "preset", "corpus", "classes")}.items() <= (
            record["settings"].items()
        )
        assert (row["UF1"], row["low"], row["high"]) == (uf1["mean"], uf1["95 % low"], uf1["95 % high"])
        assert [int(seed) for seed in row["seeds"].split()] == sorted(set(stored(name).predictions["seed"]))
        assert record["code"]["sha256"].startswith(row["code"])
        assert record["started"].startswith(row["date"])


def test_what_is_stored_is_listed_or_a_chapter_names_it():
    chapters = "".join(path.read_text() for path in (RESULTS.parent / "chapters").rglob("*.ipynb"))
    assert [name for name in STORED if name not in LISTED and name not in chapters] == []
