import pandas as pd
import pytest

from mer_core.ledger.experiments import (
    LEVEL,
    always_the_commonest,
    listed,
    load_paper,
    main_label,
    paper_names,
    score_rows,
    verdicts,
)
from mer_core.ledger.reproduction import reproduce
from mer_core.ledger.results import RESULTS
from mer_core.methods import NetworkMethod
from mer_core.settings import SettingsError
from tests.ledger.conftest import TOY

GRID = """
title = "a grid"
[defaults]
corpus = "synth-mini"
[rows.net]
about = "a network"
method = "ststnet"
settings = { epochs = 2 }
[rows.guess]
about = "the most frequent class"
method = "majority"
[columns.few]
about = "few clips"
labelled = 0.1
settings = { batch = 4 }
[columns.all]
about = "all clips"
"""


@pytest.mark.parametrize("name", paper_names())
def test_every_experiment_of_a_paper_is_a_run_that_could_start(name):
    first, *rest = load_paper(name).experiments.values()
    first.run.checked()
    for experiment in rest:
        experiment.run.create_method()


def test_a_verdict_comes_from_stored_runs_only(toy):
    paper, results = load_paper("toy"), toy / "results"
    assert verdicts(paper, results)["verdict"].tolist() == ["not computed"]
    rows = list(reproduce(listed("toy"), toy / "runs", results, workers=1))
    assert [row.experiment for row in rows] == ["toy/flow", "toy/guess"]
    verdict = verdicts(paper, results).loc["motion"]
    table = score_rows(paper, results)
    assert verdict["difference"] == pytest.approx(table.loc["flow", "UF1"] - table.loc["guess", "UF1"])
    assert verdict["verdict"] == ("undecided" if verdict["p"] >= 0.05 else "supported")
    assert (table["low"] <= table["UF1"]).all()
    assert verdict["corrected"] == verdict["p"]  # the only claim that was tested


def test_a_claim_is_decided_by_its_chance_among_all_that_were_tested(toy):
    """Twenty times the same comparison: each alone would be decided."""
    list(reproduce(listed("toy"), toy / "runs", toy / "results", workers=1))
    p = verdicts(load_paper("toy"), toy / "results").loc["motion", "p"]
    level = (p + min(1, 20 * p)) / 2
    assert verdicts(load_paper("toy"), toy / "results", level)["verdict"].tolist() != ["undecided"]
    claim = TOY[TOY.index("[claims.motion]") :].replace("motion]", "{}]")
    (toy / "toy.toml").write_text(TOY + "".join(claim.format(n) for n in range(19)))
    load_paper.cache_clear()
    rows = verdicts(load_paper("toy"), toy / "results", level)
    assert (rows["p"] < level).all()
    assert set(rows["verdict"]) == {"undecided"}


def test_a_stored_claim_that_luck_among_many_would_give_is_undecided():
    row = verdicts(load_paper("across"), RESULTS).loc["persons-flow"]
    assert row["p"] < LEVEL < row["corrected"]
    assert row["verdict"] == "undecided"


def test_always_the_commonest_class_is_right_about_that_class_alone():
    table = pd.DataFrame(
        {"truth": [0, 2, 2, 2], "predicted": [0, 1, 2, 2], "seed": 0, "p_a": 0, "p_b": 0, "p_c": 0}
    )
    f1 = 2 * 3 / (3 + 4)  # of the commonest: all three of its clips, named four times
    assert always_the_commonest(table) == pytest.approx(f1 / 3)


def test_a_claim_about_no_experiment_is_refused(toy):
    (toy / "toy.toml").write_text(TOY.replace('worse = "guess"', 'worse = "luck"'))
    with pytest.raises(SettingsError, match=r"claims compare \['luck'\]"):
        load_paper("toy")
    with pytest.raises(ValueError, match="no paper 'tay'; there are toy"):
        load_paper("tay")


def test_runs_are_compared_on_the_seeds_that_both_have(toy):
    (toy / "toy.toml").write_text(TOY.replace('method = "hoof"', 'method = "hoof"\nseeds = [0, 1]'))
    results = toy / "results"
    list(reproduce(listed("toy"), toy / "runs", results, workers=1))
    assert verdicts(load_paper("toy"), results)["verdict"].tolist() != ["not computed"]


def test_a_single_experiment_can_be_asked_for(toy):
    assert list(listed("toy/guess")) == ["toy/guess"]
    assert list(listed()) == ["toy/flow", "toy/guess"]
    with pytest.raises(ValueError, match="no paper and no experiment 'toy/gess'; papers: toy"):
        listed("toy/gess")


def test_the_main_rows_alone_can_be_asked_for(toy):
    with pytest.raises(ValueError, match="toy is or has no row of the table of all methods"):
        listed("toy", main=True)
    (toy / "toy.toml").write_text(TOY.replace('method = "hoof"', 'method = "hoof"\nmain = true'))
    load_paper.cache_clear()
    assert list(listed(main=True)) == ["toy/flow"]


def test_a_main_row_that_draws_has_three_seeds_and_every_epoch():
    for experiment in listed(main=True).values():
        run = experiment.run
        draws = isinstance(run.create_method(), NetworkMethod)
        assert (len(run.seeds), run.every_epoch) == ((3, True) if draws else (1, False))


def test_every_main_row_has_a_name_and_a_look_of_its_own():
    rows = listed(main=True).values()
    assert all(row.label and row.given for row in rows)
    assert len({row.label for row in rows}) == len({row.look for row in rows}) == len(rows)


def test_what_is_run_again_is_a_main_row_and_has_its_name():
    again = [experiment for experiment in listed().values() if experiment.again]
    assert {experiment.again for experiment in again} <= {*listed(main=True)}
    assert main_label(load_paper("five").experiments["scratch"]) == "MIACNet"


def test_only_a_main_row_says_how_it_looks():
    assert not [name for name, one in listed().items() if not one.main and (one.label or any(one.look))]


def test_rows_and_columns_make_an_experiment_each(toy):
    (toy / "toy.toml").write_text(GRID)
    load_paper.cache_clear()
    made = load_paper("toy").experiments
    assert list(made) == ["net-few", "net-all", "guess-few", "guess-all"]
    assert made["net-few"].about == "a network: few clips"
    assert made["net-few"].column == "few"
    assert made["net-few"].run.settings == {"epochs": 2, "batch": 4}
    assert (made["net-few"].run.labelled, made["guess-all"].run.labelled) == (0.1, 1.0)
    assert {one.run.corpus for one in made.values()} == {"synth-mini"}


def test_one_experiment_of_the_grid_can_be_made_to_fit(toy):
    (toy / "toy.toml").write_text(GRID + '[experiments.net-few]\nabout = "slowly"\nsettings = { epochs = 1 }')
    load_paper.cache_clear()
    made = load_paper("toy").experiments
    assert made["net-few"].about == "slowly"
    assert made["net-few"].run.settings == {"epochs": 1, "batch": 4}
    assert made["net-few"].run.labelled == 0.1
    assert made["net-all"].run.settings == {"epochs": 2}
