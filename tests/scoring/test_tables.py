import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mer_core.scoring import scores, seeds_interval
from mer_core.scoring.tables import comparison, headline, score_table
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


def test_scores_are_of_the_pooled_clips_and_the_mean_over_seeds(tmp_path):
    table = score_table(make_run(tmp_path, [GOOD, BAD]).predictions())
    both = [scores(TRUTH, answers, n_classes=3) for answers in (GOOD, BAD)]
    assert table.loc["UF1", "mean"] == pytest.approx((both[0].uf1 + both[1].uf1) / 2)
    assert table.loc["accuracy", "mean"] == pytest.approx((5 / 6 + 2 / 6) / 2)
    assert table.loc["accuracy", "seeds ±"] == pytest.approx(0.5 / 2**0.5)
    interval = seeds_interval(make_run(tmp_path / "again", [GOOD, BAD]).predictions())
    assert interval.low < table.loc["UF1", "mean"] < interval.high
    assert (table.loc["UF1", "95 % low"], table.loc["UF1", "95 % high"]) == (interval.low, interval.high)


def test_one_seed_has_no_spread_and_one_subject_no_interval(tmp_path):
    table = score_table(make_run(tmp_path / "one", [GOOD]).predictions())
    assert table["seeds ±"].isna().all()
    assert "95 % low" not in score_table(make_run(tmp_path / "first", [GOOD], parts=1).predictions())


def test_two_runs_are_compared_on_the_same_clips(tmp_path):
    good, bad = make_run(tmp_path / "good", [GOOD]), make_run(tmp_path / "bad", [BAD])
    table = comparison(good, bad)
    assert table.loc["accuracy", "difference"] == pytest.approx(3 / 6)
    assert table.loc["accuracy", str(bad.folder)] == pytest.approx(2 / 6)
    assert 0 < table.loc["accuracy", "p"] <= 1


def test_runs_on_other_clips_are_not_compared(tmp_path):
    whole, part = make_run(tmp_path / "whole", [GOOD]), make_run(tmp_path / "part", [GOOD], parts=2)
    with pytest.raises(ValueError, match="same clips"):
        comparison(whole, part)


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
