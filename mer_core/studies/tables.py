"""Tables that several chapters show."""

import pandas as pd

from mer_core.ledger.experiments import Paper


def claim_table(judged: pd.DataFrame, paper: Paper) -> pd.DataFrame:
    """Of `verdicts`, what a reader wants beside each claim: where it stands, and the numbers."""
    where = pd.Series({name: claim.where for name, claim in paper.claims.items()}, name="where")
    numbers = judged[["difference", "low", "high", "p", "corrected"]].astype(float).round(3)
    return pd.concat([judged["claim"], where, judged["verdict"], numbers], axis=1)
