"""What the chapter says of its numbers."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mer_core.studies.across.corpora import overlaps
from mer_core.studies.words import SCORES, listing

LINKED = 0.2  # a rank correlation from which on one may speak of a connection
BROWS = "AU1", "AU2"


def says_overlap(shares: pd.DataFrame) -> str:
    """Which class changes its meaning most from corpus to corpus, and which unit two classes of one corpus share."""
    overlap = overlaps(shares)
    negative, surprise = (shares.loc[f"synth-smic: {label}"] for label in ("negative", "surprise"))
    unit = np.minimum(negative, surprise).idxmax()
    each = listing(f"{value:.2f} ({label})" for label, value in overlap.items())
    return (
        "On the mean of the three pairs of corpora (1: the same units as often) the action units of a class overlap by "
        f"{each}. So it is "
        f"*{overlap.idxmin()}* that changes its meaning most. And within `synth-smic`, {unit} occurs in "
        f"{negative[unit]:.0%} of the negative clips as well as in {surprise[unit]:.0%} of the surprised ones"
        + (": fear raises the brows, too." if unit in BROWS else ".")
    )


def says_settings(otherwise: Mapping[str, Sequence[str]]) -> str:
    """Which methods are set at home otherwise than away."""
    differing = {label: names for label, names in otherwise.items() if names}
    if not differing:
        return "Every method is set on `synth` as it is away."
    each = [f"*{label}* ({', '.join(names)})" for label, names in differing.items()]
    others = "; all others are set as they are away" if len(differing) < len(otherwise) else ""
    return f"On `synth` set otherwise than away: {listing(each)}{others}."


def says_losses(losses: pd.DataFrame, level: float) -> str:
    """How many crossings lose and gain, which differences remain, and how small a one could be seen."""
    sure, difference = losses[losses["corrected"] < level], losses["difference"].astype(float)
    means = difference.groupby("method", sort=False).mean()
    half = ((losses["high"] - losses["low"]) / 2).median()
    return (
        f"Of {len(losses)} crossings of {len(means)} methods that look at a clip {(difference < 0).sum()} score less "
        f"than at home and {(difference > 0).sum()} more. After correction these differences remain. Lost: "
        f"{_places(sure[sure['difference'] < 0])}. Gained: {_places(sure[sure['difference'] > 0])}. On the mean over "
        f"its crossings a method changes by {listing(f'{value:+.3f} ({label})' for label, value in means.items())}. "
        f"One comparison can see a difference of about {half:.2f}, half the width of its interval."
    )


def _places(losses: pd.DataFrame) -> str:
    return listing(
        f"*{method}* {learnt} → {asked} ({row['difference']:+.2f})"
        for (method, learnt, asked), row in losses.iterrows()
    )


def says_floor(places: Sequence[tuple[str, str, str]]) -> str:
    """Who knows nothing of another corpus."""
    asked: dict[str, list[str]] = {}
    for method, learnt, on in places:
        asked.setdefault(method, []).append(f"{learnt} → {on}")
    each = [f"*{method}* ({', '.join(crossings)})" for method, crossings in asked.items()]
    return "To be no worse than at home is no praise where home is the floor. Asked on another corpus, " + (
        f"some have an interval that reaches down to always naming the commonest class: {listing(each)}."
        if each
        else "no method has an interval that reaches down to always naming the commonest class."
    )


def says_amount(link: float, crossings: int) -> str:
    """Whether who learnt from more clips lost less."""
    return (
        f"Over all {crossings} crossings the rank correlation of *how many times as many clips were learnt* and *what "
        f"was gained* is {link:+.2f}. "
        + (
            "Where more was learnt, less is lost: quantity may be part of a crossing's difference. (The crossings "
            "share subjects and methods, so that this is no test.) The next chapter measures quantity for itself."
            if link > LINKED
            else "The number of clips alone does not explain who loses."
        )
    )


def says_classes(changes: Mapping[str, pd.DataFrame]) -> str:
    """Which class moves most, on the mean and in a single crossing."""
    middle = pd.DataFrame({label: table.mean() for label, table in changes.items()}).mean(axis=1)
    each = {
        (method, *place, label): change
        for method, table in changes.items()
        for place, row in table.iterrows()
        for label, change in row.items()
    }
    loss, gain = min(each, key=lambda at: each[at]), max(each, key=lambda at: each[at])
    return (
        f"On the mean over methods *{middle.idxmin()}* changes by {middle.min():+.2f} and *{middle.idxmax()}* by "
        f"{middle.max():+.2f}. The largest single loss is {_single(*loss, each[loss])}, the largest gain "
        f"{_single(*gain, each[gain])}. Such swings of single classes can leave UF1 where it was: a score that "
        "stays is no proof that behaviour stays."
    )


def _single(method: str, learnt: str, asked: str, label: str, change: float) -> str:
    return f"that of *{label}* by {method}, {learnt} → {asked} ({change:+.2f})"


def says_mix(moved: pd.DataFrame, floor: str = "majority") -> str:
    """How far scores move although behaviour stays."""
    rule, methods = moved.loc[floor], moved.drop(floor)
    most = methods.loc[(methods.max(axis=1) - methods.min(axis=1)).idxmax()]
    return (
        f"Always naming the commonest class scores between {rule.min():.3f} and {rule.max():.3f}. Of the methods, "
        f"*{most.name}* moves most, from {most.min():.3f} to {most.max():.3f}, with the very same recall of every "
        "class. A table that prints one corpus beside the other compares the two mixes along with the two "
        "difficulties: give the floor of each column, and compare down, not along."
    )


def says_composite(bag: pd.DataFrame, held_out: str, mixed: str, score: str, floor: str = "majority") -> str:
    """What it is worth to have seen other subjects of the corpus, and what pooling does."""
    gain = bag["pooled"].xs(mixed, level=1) - bag["pooled"].xs(held_out, level=1)
    gain = gain.drop(floor).reindex(bag.index.unique(0)).dropna()
    apart = (bag["pooled"] - bag["mean of the three"]).abs().max()
    each = [f"{value:+.3f} for {method}" for method, value in gain.items()]
    return (
        f"To have seen other subjects of the corpus as well changes the pooled {SCORES[score]} by {listing(each)}. "
        f"The pooled score and the mean of the three differ by up to {apart:.3f} here: pooling weighs corpora by "
        "their clips, and in one matrix the mistakes of one corpus meet the right answers of another. The challenge "
        "asked for all four numbers, and so should a reader."
    )
