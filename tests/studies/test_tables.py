from types import SimpleNamespace

import pandas as pd

from mer_core.studies.tables import claim_table


def test_a_claim_stands_beside_its_place_in_the_paper_and_its_numbers():
    judged = pd.DataFrame(
        {"claim": ["a", "b"], "verdict": ["supported", "not computed"], "difference": [0.2004, None],
         "low": [0.1, None], "high": [0.3, None], "p": [0.01, None], "corrected": [0.02, None], "seeds": [3, 0]},
        ["one", "two"],
    )  # fmt: skip
    paper = SimpleNamespace(claims={name: SimpleNamespace(where=f"Sec. {name}") for name in judged.index})
    table = claim_table(judged, paper)
    assert table.loc["one"].tolist() == ["a", "Sec. one", "supported", 0.2, 0.1, 0.3, 0.01, 0.02]
    assert table.loc["two", "verdict"] == "not computed"
