"""What the apex is worth: the network that sees the change at the apex is asked about other frames."""

import pandas as pd

from mer_core.studies.famnet.complementarity import gap
from mer_core.studies.famnet.live import Live, uf1_of
from mer_core.training import predict_outputs

SHIFTS = range(-3, 4)  # frames by which the apex is missed


def missed_apex(live: Live) -> pd.DataFrame:
    """UF1 if the apex is missed by some frames, the same less that of the apex, and how sure the answers are."""
    tables = {by: _predictions(live, by) for by in SHIFTS}
    rows = {}
    for by, table in tables.items():
        less = gap(table, tables[0])
        rows[by] = {
            "UF1": uf1_of(table, live.given.n_classes),
            "less that of the apex": less.value,
            "low": less.low,
            "high": less.high,
            "mean certainty": table.filter(like="p_").max(axis=1).mean(),
        }
    return pd.DataFrame(rows).T.rename_axis("frames too late")


def _predictions(live: Live, by: int) -> pd.DataFrame:
    seen = live.given.networks["change at apex"]
    late = type(seen.method)(seen.method.settings.replace(apex_shift=by, au_weight=0.0))
    x = late.inputs(live.given.clips)["x"]
    pairs = zip(live.fitted["change at apex"], live.given.folds, strict=True)
    return live.predictions(
        [predict_outputs(one.network, {"x": x[fold.test]})["emotion"] for one, fold in pairs]
    )
