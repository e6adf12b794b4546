"""The page of a prediction: complete in itself, since nothing on it comes from elsewhere."""

import base64
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pandas as pd

from mer_core.faces.action_units import ACTION_UNITS
from mer_core.figures.images import flow_colours, seen_on, signed_grey
from mer_core.figures.style import CLASS_COLOURS, FOR, QUIET
from mer_core.protocols import folds_in_words

if TYPE_CHECKING:
    from mer_core.prediction import Prediction

HERE = Path(__file__).parent
QUALITY = 85  # of WebP: a face of 192 pixels takes about 5 KB
STRONGEST = 0.95  # quantile of the flow's lengths that has full colour: on an even background some are wild
LEAST = 0.5  # pixels that have it at least: a still clip stays pale

PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>$title</title>
<style>
$style</style>
<h1>$title</h1>
<p>$lead</p>
<aside><strong>What this can't mean</strong>
<ul>$cautions</ul></aside>
<h2>Probabilities</h2>
$classes
<h2>The clip</h2>
$clip
<ul class="quiet">$notes</ul>
<h2>Where it moves, and where the networks look</h2>
<div class="grid">$pictures</div>
$units
<h2>Where it comes from</h2>
$provenance
<script>
$script</script>
</html>
""")


def page(made: "Prediction") -> str:
    """A prediction as one HTML page."""
    n, prefer = len(made.probabilities), made.classes.loc[made.predicted, "prefer"]
    lead = (
        f"The mean of {n} networks gives most to <strong>{escape(made.predicted)}</strong>: "
        f"{made.classes.loc[made.predicted, 'mean']:.0%}. {prefer} of the {n} prefer it."
    )
    return PAGE.substitute(
        title=f"What a run says of {escape(made.name)}",
        style=(HERE / "prediction.css").read_text(encoding="utf-8"),
        script=(HERE / "prediction.js").read_text(encoding="utf-8"),
        lead=lead,
        cautions=_items(made.cautions),
        notes=_items(made.notes),
        classes=_bars(made.classes, {name: name for name in made.classes.index}, n),
        clip=_clip(made),
        pictures=_pictures(made),
        units=_units(made),
        provenance=_table(_provenance(made)),
    )


def _items(lines: tuple[str, ...]) -> str:
    return "".join(f"<li>{escape(line)}</li>" for line in lines)


def _bars(rows: pd.DataFrame, titles: Mapping[object, str], networks: int) -> str:
    """A row a name: its mean as a bar, a line from the lowest to the highest, and the numbers."""
    head = "".join(f"<th>{name}</th>" for name in ("", "probability", "mean", "lowest–highest"))
    head += "<th>prefer it</th>" if "prefer" in rows else ""
    lines = "".join(_bar(titles[name], row, networks) for name, row in rows.iterrows())
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _bar(title: str, row: pd.Series, networks: int) -> str:
    colour = CLASS_COLOURS.get(title, QUIET if "prefer" in row else FOR)
    reach = f"left:{row['lowest']:.1%};width:{row['highest'] - row['lowest']:.1%}"
    bar = f'<div class="bar"><i style="width:{row["mean"]:.1%};background:{colour}"></i><b style="{reach}"></b></div>'
    cells = f'<td class="wide">{bar}</td><td class="number">{row["mean"]:.3f}</td>'
    cells += f'<td class="number">{row["lowest"]:.3f}–{row["highest"]:.3f}</td>'
    cells += f'<td class="number">{row["prefer"]:.0f} of {networks}</td>' if "prefer" in row else ""
    return f"<tr><th>{escape(title)}</th>{cells}</tr>"


def _clip(made: "Prediction") -> str:
    """Every frame, of which one is seen at a time; without scripts, the one nearest to the apex."""
    seen, last = made.pictures, len(made.pictures.frames) - 1
    first = int(np.abs(np.array(seen.numbers) - made.marks.apex).argmin())
    pictures = "".join(
        _img(frame, f"Frame {number} of the clip", f'title="frame {number}"{" hidden" * (i != first)}')
        for i, (number, frame) in enumerate(zip(seen.numbers, seen.frames, strict=True))
    )
    controls = (
        '<div class="controls" hidden><button type="button">Play</button>'
        f'<input type="range" min="0" max="{last}" value="{first}" aria-label="Frame of the clip">'
        "<output></output></div>"
    )
    return f'<figure class="clip">{pictures}{controls}<figcaption>{_marks(made)}</figcaption></figure>'


def _marks(made: "Prediction") -> str:
    marks = made.marks
    return f"Onset: frame {marks.onset}. Apex: frame {marks.apex}. Offset: frame {marks.offset}. Slower than it was."


def _pictures(made: "Prediction") -> str:
    seen = made.pictures
    longest = max(float(np.quantile(np.linalg.norm(seen.flow, axis=0), STRONGEST)), LEAST)
    grey = cv2.cvtColor(seen.frames[0], cv2.COLOR_RGB2GRAY)
    shown = {
        "Motion from onset to apex": (
            flow_colours(seen.flow, longest),
            "The hue is its direction: red to the right, yellow-green down, cyan to the left, violet up. White stands "
            f"still; full colour is {longest:.1f} pixels of {len(grey)}. The head's own motion, the median, is taken "
            "away. Where a picture is even, an estimate is a guess.",
        ),
        "Dynamic image": (
            signed_grey(seen.dynamic_image),
            "Late frames minus early ones, each by its rank: what got brighter is bright, what got darker is dark.",
        ),
        f"What speaks for or against {made.predicted}": (
            seen_on(grey, seen.attribution, np.zeros_like(grey), times=1),
            "Orange: pixels that the score of this class depends on most, gradient × input, mean over the networks. "
            "It says what they use, not that it is right.",
        ),
    }
    return "".join(_figure(title, *what) for title, what in shown.items())


def _figure(title: str, image: np.ndarray, caption: str) -> str:
    picture = _img(image, f"{title}. {caption}")
    return f"<figure>{picture}<figcaption><strong>{escape(title)}.</strong> {escape(caption)}</figcaption></figure>"


def _img(image: np.ndarray, alt: str, more: str = "") -> str:
    """A picture (H, W) or (H, W, 3) inside the page."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    stored = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])[1].tobytes()
    source = "data:image/webp;base64," + base64.b64encode(stored).decode()
    height, width = image.shape[:2]
    return f'<img src="{source}" alt="{escape(alt)}" width="{width}" height="{height}" {more}>'


def _units(made: "Prediction") -> str:
    if made.units is None:
        return ""
    names = {
        unit: f"AU {unit}, {ACTION_UNITS[unit].name}" if unit in ACTION_UNITS else f"AU {unit}"
        for unit in made.units.index
    }
    note = "Each on its own: they need not add up to 1. One that few training clips show was hardly learnt."
    bars = _bars(made.units, names, len(made.probabilities))
    return f'<h2>Action units</h2><p class="quiet">{note}</p>{bars}'


def _provenance(made: "Prediction") -> dict[str, str]:
    record, settings = made.run.record, made.run.settings
    changed = ", ".join(f"{name}={value}" for name, value in settings.settings.items())
    return {
        "run": str(made.run.folder),
        "method": f"{settings.method}, preset {settings.preset}{f' with {changed}' if changed else ''}",
        "corpus": f"{settings.corpus}, {record['data']['clips']} clips",
        "classes": settings.classes,
        "folds": folds_in_words(settings.groups),
        "seeds": ", ".join(map(str, settings.seeds)),
        "epoch": settings.selection,
        "computed": f"{record['started']}, mer_core {record['code']['mer_core']} ({record['code']['sha256'][:12]})",
        "with": ", ".join(f"{name} {number}" for name, number in record["environment"].items()),
    }


def _table(rows: Mapping[str, str]) -> str:
    lines = (
        f'<tr><th>{escape(name)}</th><td class="value">{escape(said)}</td></tr>'
        for name, said in rows.items()
    )
    return f"<table><tbody>{''.join(lines)}</tbody></table>"
