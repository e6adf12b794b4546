"""`results/index.csv`: a row a stored run, so that its score can be read where the repository is shown.

Whatever stores a run writes the table anew; `mer index` does when files came by another way.
"""

from pathlib import Path

import pandas as pd

from mer_core import atomic
from mer_core.ledger.stored import keep, readable, stored_runs
from mer_core.training import Run

INDEX = "index.csv"


def store(run: Run, results: Path, name: str) -> Run:
    """Keep a finished run under this name of `results/`, and index it."""
    kept = keep(run, results / name)
    write_index(results)
    return kept


def write_index(results: Path) -> Path:
    """Put the table in its place."""
    place = results / INDEX
    atomic.write(place, index(results).to_csv(index=False, lineterminator="\n").encode())
    return place


def index(results: Path) -> pd.DataFrame:
    """What `results/` holds: UF1, mean over seeds, with its interval over subjects, as the runs' records say it."""
    return pd.DataFrame(map(_row, stored_runs(results)), columns=COLUMNS)


COLUMNS = (
    "list", "experiment", "method", "preset", "corpus", "classes", "UF1", "low", "high", "seeds", "code", "date",
)  # fmt: skip


def _row(run: Run) -> dict[str, object]:
    settings, scores = run.record["settings"], run.record.get("scores") or readable(run.predictions)
    uf1 = scores["UF1"]
    return {
        "list": run.folder.parent.name,
        "experiment": run.folder.name,
        **{name: settings[name] for name in ("method", "preset", "corpus", "classes")},
        "UF1": uf1["mean"],
        "low": uf1.get("95 % low"),
        "high": uf1.get("95 % high"),
        "seeds": " ".join(map(str, settings["seeds"])),
        "code": run.record["code"]["sha256"][:12],
        "date": run.record["started"][:10],
    }
