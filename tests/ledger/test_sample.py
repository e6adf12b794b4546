"""Some parts of the stored runs, drawn by a seed, are computed anew: is what is stored what today's code says?"""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from mer_core.cli import app
from mer_core.code import commit
from mer_core.ledger.experiments import listed
from mer_core.ledger.reproduction import reproduce
from mer_core.ledger.sample import conclusion, draw, refuse_wrong, repeat, stored_parts
from mer_core.methods.hoof import HOOF
from mer_core.place import find_root


@pytest.fixture
def stored(toy, monkeypatch):
    """Two runs of two parts each, as the book stores them."""
    list(reproduce(listed("toy"), toy / "runs", toy / "results", workers=1))
    monkeypatch.chdir(toy)
    return toy


def sampled(*words):
    return CliRunner().invoke(app, ["reproduce", "--sample", *map(str, words)])


def edit(run, **changes):
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, **changes}))


def test_a_sample_of_what_is_right_says_how_much_is_the_same(stored):
    told = sampled(4)
    assert told.exit_code == 0, told.output
    assert "toy/flow, group1, seed 0: 9 of 9 answers are the same" in told.output
    assert "36 of 36 stored answers are the same, in 4 of 4 parts all." in told.output


def test_a_method_that_says_something_else_is_found(stored, monkeypatch):
    monkeypatch.setattr(HOOF, "features", lambda self, clips, old=HOOF.features: 0 * old(self, clips))
    told = sampled(4)
    assert isinstance(told.exception, RuntimeError)
    assert "2 parts must give every stored answer again, and don't: toy/flow, group" in str(told.exception)
    assert "MAY NOT DIFFER" in told.output
    assert "in 2 of 4 parts all" in told.output


def test_one_altered_answer_is_found_and_its_clip_named(stored):
    file = stored / "results" / "toy/flow" / "predictions.parquet"
    table = pd.read_parquet(file)
    table.loc[0, "predicted"] = (table.loc[0, "predicted"] + 1) % 3
    table.to_parquet(file)
    rows = [repeat(one) for one in stored_parts(stored / "results")]
    assert [row.is_wrong for row in rows] == [True, False, False, False]
    assert f"8 of 9 answers are the same; {table.loc[0, 'clip']} MAY NOT DIFFER" in str(rows[0])
    assert "35 of 36 stored answers are the same, in 3 of 4 parts all." in conclusion(rows, rows)
    with pytest.raises(RuntimeError, match="1 parts must give"):
        refuse_wrong(rows)


def test_what_is_not_as_it_was_is_said_and_no_error(stored):
    run = stored / "results" / "toy/flow"
    edit(run, method={"regularity": 0.5, "blocks": 5})
    table = pd.read_parquet(run / "predictions.parquet")
    table.assign(predicted=(table["predicted"] + 1) % 3).to_parquet(run / "predictions.parquet")
    row = repeat(stored_parts(stored / "results")[0])
    assert not row.is_wrong
    assert "0 of 9 answers are the same; regularity is 0.01, was 0.5" in str(row)


def test_a_seed_draws_the_same_parts_and_another_one_others(stored):
    parts = stored_parts(stored / "results")
    drawn = [[str(one) for one in draw(parts, 2, seed, 10)] for seed in range(8)]
    assert drawn[0] == [str(one) for one in draw(parts, 2, 0, 10)]
    assert len({*map(tuple, drawn)}) > 3


def test_what_is_drawn_fits_into_the_time(stored):
    edit(stored / "results" / "toy/flow", seconds=3600.0)
    edit(stored / "results" / "toy/guess", seconds=2.0)
    parts = stored_parts(stored / "results")
    assert {one.run.name for one in draw(parts, 9, 5, minutes=1)} == {"toy/guess"}
    assert len(draw(parts, 9, 5, minutes=45)) == 3
    with pytest.raises(ValueError, match=r"Of 4 stored parts none takes 0\.001 minutes or less"):
        draw(parts, 9, 5, minutes=0.001)


def test_a_sample_takes_no_other_wish(stored):
    assert "it takes --seed and --minutes alone" in str(sampled(1, "--only", "toy").exception)


def test_two_cheap_parts_of_the_book_give_the_answers_that_are_stored_today():
    """Others after every commit, so that nobody chose them; of methods that draw nothing, so that none may differ."""
    cheap = [one for one in stored_parts(find_root() / "results") if one.seconds < 1]
    seed = int((commit()["commit"] or "2019")[:8], 16)
    rows = [repeat(one) for one in draw(cheap, 2, seed, minutes=1)]
    print(*rows, conclusion(rows, rows), sep="\n")
    refuse_wrong(rows)
