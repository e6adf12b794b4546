"""Claims and their verdicts, as chapters show them."""

import pandas as pd
import plotly.graph_objects as go
from IPython.display import HTML

from mer_core.figures.style import AGAINST, FOR, QUIET, rounded, styled
from mer_core.figures.table import table
from mer_core.ledger.experiments import load_paper

COLOURS = {"supported": FOR, "undecided": QUIET, "not supported": AGAINST}
SYMBOLS = {
    "supported": "circle",
    "undecided": "circle-open",
    "not supported": "square",
}  # not by colour alone


def section(paper: str, what: str) -> str:
    """Where a list's `claims` are tested, or where its `runs` stand, as a link from a chapter on the evidence."""
    asked = load_paper(paper)
    page = asked.page.removeprefix("evidence/")
    page = page if page != asked.page else f"../{page}"
    return f"{page}.html#{asked.sections[what]}"


def verdict_table(judged: pd.DataFrame) -> HTML:
    """A row a claim: its words, the difference with its interval, its chance before and after correction."""
    return table(
        judged.rename_axis("name")[["claim", "difference", "low", "high", "p", "corrected", "seeds", "verdict"]],
        "Claims as differences of two runs; `corrected` counts all claims of the list.",
        intervals={"difference": ("low", "high")}, signed=["difference"], chips=["verdict"],
    )  # fmt: skip


def forest(judged: pd.DataFrame) -> go.Figure:
    """A row a claim that was tested: its difference and interval, coloured by the verdict. Rows as of `verdicts`."""
    tested = judged[judged["verdict"].isin(COLOURS)]
    figure = go.Figure([_verdict(tested[tested["verdict"] == name], name) for name in COLOURS])
    figure.add_vline(x=0, line_color=QUIET, line_width=1)
    order = {"categoryorder": "array", "categoryarray": list(tested.index), "autorange": "reversed"}
    figure.update_layout(xaxis_title="difference of UF1", yaxis={**order, "tickfont": {"size": 12}})
    counts = tested["verdict"].value_counts().reindex(list(COLOURS), fill_value=0)
    said = ", ".join(f"{n} {name}" for name, n in counts.items())
    alt = f"Claims as differences of UF1 with intervals, {len(tested)} tested: {said}."
    return styled(figure, alt, height=140 + 22 * len(tested))


def _verdict(rows: pd.DataFrame, name: str) -> go.Scatter:
    away = {"array": rounded(rows["high"] - rows["difference"]),
            "arrayminus": rounded(rows["difference"] - rows["low"])}  # fmt: skip
    return go.Scatter(
        x=rounded(rows["difference"]), y=list(rows.index), name=name, mode="markers", customdata=list(rows["claim"]),
        error_x={"type": "data", "color": COLOURS[name], "thickness": 1.5, **away},
        marker={"size": 9, "color": COLOURS[name], "symbol": SYMBOLS[name]},
        hovertemplate="%{customdata}<br>%{x:+.3f}<extra></extra>",
    )  # fmt: skip
