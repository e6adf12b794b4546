import pandas as pd
import pytest

from mer_core.evaluation.experiments import (
    always_the_commonest,
    listed,
    load_paper,
    paper_names,
    score_rows,
    verdicts,
)
from mer_core.evaluation.reproduction import reproduce
from mer_core.settings import SettingsError
from tests.evaluation.conftest import TOY


@pytest.mark.parametrize("name", paper_names())
def test_every_experiment_of_a_paper_is_a_run_that_could_start(name):
    first, *rest = load_paper(name).experiments.values()
    first.run.checked()
    for experiment in rest:
        experiment.run.create_method()


def test_a_verdict_comes_from_stored_runs_only(toy):
    paper, results = load_paper("toy"), toy / "results"
    assert verdicts(paper, results)["verdict"].tolist() == ["not computed"]
    rows = list(reproduce(listed("toy"), toy / "runs", results))
    assert [row.experiment for row in rows] == ["toy-flow", "toy-guess"]
    verdict = verdicts(paper, results).loc["motion"]
    table = score_rows(paper, results)
    assert verdict["difference"] == pytest.approx(table.loc["flow", "UF1"] - table.loc["guess", "UF1"])
    assert verdict["verdict"] == ("undecided" if verdict["p"] >= 0.05 else "supported")
    assert (table["low"] <= table["UF1"]).all()
    assert verdict["corrected"] == verdict["p"]  # the only claim that was tested


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
    list(reproduce(listed("toy"), toy / "runs", results))
    assert verdicts(load_paper("toy"), results)["verdict"].tolist() != ["not computed"]


def test_a_single_experiment_can_be_asked_for(toy):
    assert list(listed("toy-guess")) == ["toy-guess"]
    assert list(listed()) == ["toy-flow", "toy-guess"]
    with pytest.raises(ValueError, match="no paper and no experiment 'toy-gess'; papers: toy"):
        listed("toy-gess")
