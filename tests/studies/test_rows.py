import pandas as pd
import pytest

from mer_core.studies.rows import by_seed, main_run, main_runs, ranked_rows


def test_a_run_is_found_by_the_name_that_chapters_use():
    assert main_run("MIACNet").name == "ma2mi/scratch"
    assert main_run("nobody's") is None


def test_parts_and_controls_are_main_rows_that_are_not_ranked():
    assert set(main_runs()) - set(ranked_rows()) == {"AMNet2D", "AMNet3D, one task", "MIACNet, supervised"}


def test_each_seed_has_its_score():
    rows = pd.DataFrame({"seed": [0, 0, 2, 2], "truth": [0, 1, 0, 1], "predicted": [0, 1, 0, 0]})
    made = by_seed(rows, 2, "accuracy")
    assert made.to_dict() == {0: pytest.approx(1), 2: pytest.approx(0.5)}
