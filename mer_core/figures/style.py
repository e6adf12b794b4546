"""One look for every figure: the same colour for the same class everywhere, light figures that fit both page themes.

The colours are those of Okabe and Ito, which the colour-blind can tell apart.
"""

from collections.abc import Iterable

import plotly.graph_objects as go

CLASS_COLOURS = {
    "negative": "#0072B2",
    "positive": "#E69F00",
    "happiness": "#E69F00",
    "surprise": "#009E73",
    "disgust": "#0072B2",
    "repression": "#56B4E9",
    "others": "#999999",
    "sadness": "#CC79A7",
    "fear": "#D55E00",
    "anger": "#882255",
    "contempt": "#AA4499",
    "pain": "#661100",
    "helpless": "#6699CC",
}
FOR, AGAINST, QUIET = "#0072B2", "#D55E00", "#999999"  # blue speaks for it, orange against it, grey beside it
SEQUENTIAL = [[0, "rgba(0,114,178,0.04)"], [1, "#0072B2"]]  # one hue: only its strength says something
GRID = "rgba(128,128,128,0.25)"  # visible on white and on black


def styled(figure: go.Figure, alt: str, height: int = 360) -> go.Figure:
    """The figure in the book's look. `alt` says in words what it shows, for those who can't see it."""
    figure.update_layout(
        template="none",  # the default template would store 7 KB with every figure
        height=height,
        margin={"l": 60, "r": 20, "t": 40, "b": 50},
        font={"family": "system-ui, sans-serif", "size": 14},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        meta={"alt": alt},
    )
    look = {"gridcolor": GRID, "zerolinecolor": GRID, "automargin": True}
    return figure.update_xaxes(look).update_yaxes(look)


def rounded(values: Iterable[float]) -> list[float]:
    """Four digits are more than a picture shows; a page need not carry sixteen."""
    return [round(float(value), 4) for value in values]
