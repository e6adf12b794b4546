"""What is said of runs: what spoils their numbers, and which of several is better."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mer_core.ledger.compare import comparison, headline
from mer_core.training import Run
from mer_core.training.parts import RunSettings
from mer_core.training.provenance import code_of
from tests.training.tools import record

TRUTH = [0, 0, 1, 2, 2, 1]
GOOD, BAD = [0, 0, 1, 2, 2, 0], [1, 1, 0, 2, 2, 0]
FOLDS = ("toy/s1", "toy/s2", "toy/s3")


def make_run(folder, answers, parts=3, code=None, **settings):
    """A run's folder with given predictions, by today's code: two clips a subject, one list of answers a seed."""
    settings = RunSettings(method="ststnet", corpus="toy", seeds=tuple(range(len(answers))), **settings)
    (folder / "predictions").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(record(settings, FOLDS)))
    run, today = Run.open(folder), code_of(settings.create_method())
    for number, part in enumerate(run.parts()[: parts * len(answers)]):
        rows = slice(2 * (number % 3), 2 * (number % 3) + 2)
        write_part(run.file(part), part, TRUTH[rows], answers[part.seed][rows], code or today)
    return run


def write_part(file, part, truth, predicted, code):
    clips = [f"{part.fold}/{i}" for i in range(2)]
    rows = {"clip": clips, "subject": [part.fold] * 2, "fold": [part.fold] * 2, "seed": [part.seed] * 2}
    rows |= {"truth": truth, "predicted": predicted, **{f"p_{name}": [0.0, 0.0] for name in "abc"}}
    note = {"seconds": "1.5", "code": code, "numerics": "n", "selection": "last"}
    pq.write_table(pa.table(rows).replace_schema_metadata(note), file)


def test_runs_with_parts_and_stored_ones_are_compared_alike(tmp_path):
    good, bad = make_run(tmp_path / "good", [GOOD]), make_run(tmp_path / "bad", [BAD])
    (tmp_path / "results" / "toy" / "good").mkdir(parents=True)
    for name, content in {"run.json": (good.folder / "run.json").read_bytes()}.items():
        (tmp_path / "results" / "toy" / "good" / name).write_bytes(content)
    good.predictions.to_parquet(tmp_path / "results" / "toy" / "good" / "predictions.parquet")
    stored = Run.open(tmp_path / "results" / "toy" / "good")
    assert stored.parts() == stored.finished() == good.finished()
    assert stored.missing() == stored.damaged() == []
    with_parts, with_stored = comparison([good, bad]), comparison([stored, bad])
    assert "By UF1, undecided: it is not sure that either is better." in with_stored
    assert (
        "Of one seed. Intervals: 3 subjects drawn anew. p: how often exchanging two runs' answers"
        in with_stored
    )
    numbers = [line.split()[1:] for line in with_parts.splitlines() if line.startswith(("UF1", "weighted"))]
    assert numbers == [
        line.split()[1:] for line in with_stored.splitlines() if line.startswith(("UF1", "weighted"))
    ]
    assert with_stored.splitlines()[3].split()[:2] == ["toy/good", str(bad.folder)]


def test_of_several_each_stands_beside_the_first_and_every_pair_is_counted(tmp_path):
    runs = [
        make_run(tmp_path / str(number), [answers, BAD]) for number, answers in enumerate([GOOD, BAD, TRUTH])
    ]
    text = comparison([*runs, runs[0]])
    assert text.count("weighted F1") == 3
    pairs = text[text.index("UF1 of every pair") :].splitlines()[2:8]
    assert [line.split()[:2] for line in pairs[:3]] == [
        [str(runs[0].folder), str(runs[1].folder)],
        [str(runs[0].folder), str(runs[2].folder)],
        [str(runs[0].folder), str(runs[0].folder)],
    ]
    assert "corrected counts all 6 pairs (Holm)" in text
    assert "Means over 2 seeds" in text


def test_runs_on_other_clips_are_not_compared(tmp_path):
    whole, part = make_run(tmp_path / "whole", [GOOD]), make_run(tmp_path / "part", [GOOD], parts=2)
    with pytest.raises(ValueError, match="same clips"):
        comparison([whole, part])
    with pytest.raises(ValueError, match="Expected two runs or more"):
        comparison([whole])


def test_the_headline_says_what_was_run(tmp_path):
    said = headline(make_run(tmp_path, [GOOD, BAD], groups=3, settings={"epochs": 9}))
    assert said == (
        "ststnet (book, epochs=9) on toy, megc2019-3class; 6 clips of 3 subjects; 3 subject groups, seeds 0, 1"
    )


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        ({"selection": "test-peek"}, "EPOCH CHOSEN ON THE TEST CLIPS: not a result"),
        ({"selection": "inner"}, "epoch chosen on held-out training subjects"),
        ({"parts": 2}, "INCOMPLETE: 1 of 3 parts missing"),
        ({"code": "b"}, "3 of 3 parts computed by other code than today's: `mer resume` computes them anew"),
    ],
)
def test_the_headline_says_what_spoils_the_numbers(tmp_path, settings, warning):
    assert headline(make_run(tmp_path, [GOOD], **settings)).endswith(warning)
