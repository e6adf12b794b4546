"""What the chapter says of its numbers."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from mer_core.scoring.statistics import Interval
from mer_core.studies.curves.figures import clips_said
from mer_core.studies.curves.laws import Curve, Fit, ahead, crossing
from mer_core.studies.curves.runs import FLOOR, Runs
from mer_core.studies.words import listing

TODAY = 200  # clips: larger than most corpora of the field
COMPOSITE = "MEGC 2019"  # of several corpora

Fits = Mapping[str, Mapping[str, Fit]]  # by the label of the method and the law


def says_leaders(wide: pd.DataFrame, real: pd.DataFrame, corpus: str = "CASME II") -> str:
    """The best method at each size, the floor, and where on the curves a real corpus would lie."""
    best = [f"*{row.idxmax()}* ({row.max():.2f}) at {clips:.0f}" for clips, row in wide.iterrows()]
    nearest = int(np.argmin(np.abs(wide.index - real.loc[corpus, "clips"])))
    where = (
        "at the left end"
        if nearest == 0
        else "at the right end"
        if nearest == len(wide) - 1
        else "in the middle"
    )
    return (
        f"The best score by the number of clips: {listing(best)}. Always naming the commonest class stays at "
        f"{wide[FLOOR].max():.2f}, whatever it learns from. Nearest to the size of {corpus} is the point at "
        f"{wide.index[nearest]:.0f} clips, {where} of the curves."
    )


def says_doubling(steps: pd.DataFrame) -> str:
    """What a doubling adds at the size of today's corpora and beyond, and where a score falls."""
    early, late = (
        steps[which]["gain"].groupby(level=0, sort=False).mean()
        for which in (steps["to"] <= TODAY, steps["to"] > TODAY)
    )
    both = [name for name in early.index if name in late.index]
    slower = [name for name in both if late[name] < early[name]]
    falls = [
        f"*{name}* from {step['from']:.0f} to {step['to']:.0f} clips"
        for (name, _), step in steps[steps["high"] < 0].iterrows()
    ]
    return (
        f"Up to the size of today's corpora a doubling changes the score by {_each(early)} on the mean, beyond by "
        f"{_each(late)}. Of the {len(both)} methods with both, {len(slower)} slow down. Papers of the field argue "
        "about two hundredths: hold that against what collecting as much again brings."
        + (
            f" Where a score falls beyond its interval ({listing(falls)}), remember the other doubt: the interval "
            "knows nothing of another training."
            if falls
            else ""
        )
    )


def _each(values: pd.Series) -> str:
    return listing(f"{value:+.3f} ({name})" for name, value in values.items())


def says_hindsight(hindsight: pd.DataFrame) -> str:
    """How far each law was off one doubling ahead, and how often its band held."""
    off = (hindsight["said"] - hindsight["came"]).groupby("law").mean()
    held = (hindsight["inside"] == "yes").groupby("law").sum()
    curves = hindsight.index.get_level_values("method").nunique()
    each = [
        f"*{law}*: off by {off[law]:+.3f} on the mean, {held[law]} of {curves} inside the band"
        for law in off.index
    ]
    surer = held.min() < 0.9 * curves
    return (
        f"One doubling ahead, {curves} curves. {'; '.join(each)}. An interval of 95 % should hold nearly all. It holds "
        "what other subjects would change, and not that the law is wrong"
        + (": every number below is surer of itself than it should be." if surer else ".")
    )


def says_target(fits: Fits, target: float, real: pd.DataFrame) -> str:
    """How far the two laws are apart in clips, and how the most hopeful line stands to real corpora."""
    until = {law: [of[law].until(target) for of in fits.values()] for law in ("logarithm", "power")}
    clips = {law: np.array([span.value for span in spans]) for law, spans in until.items()}
    spread = np.median([span.high / span.low for spans in until.values() for span in spans])
    least, most = min(values.min() for values in clips.values()), real["clips"].drop(COMPOSITE).max()
    return (
        f"For UF1 {target:.2f} the power law asks for {np.median(clips['power'] / clips['logarithm']):.1f} times as "
        "many clips as the logarithm, on the median over methods; from end to end of an interval over subjects it is "
        f"{spread:.1f} times, on the median over methods and laws. "
        + (
            f"The most hopeful of all these lines needs {least / most:.1f} times as many clips as the largest real "
            "corpus of the table holds."
            if least > most
            else "The most hopeful of all these lines gets there with fewer clips than the largest real corpus of the "
            "table holds: it goes through few points, and is no forecast."
        )
    )


def says_compared(pairs: Iterable[tuple[str, str]], curves: Mapping[str, Curve], fits: Fits, law: str) -> str:
    """A line a pair of methods: who is ahead at how many sizes, and where their laws meet."""
    return "\n".join(f"- {_compared(one, other, curves, fits, law)}." for one, other in pairs)


def _compared(one: str, other: str, curves: Mapping[str, Curve], fits: Fits, law: str) -> str:
    table = ahead(curves[one], curves[other])
    wins, losses = (table["low"] > 0).sum(), (table["high"] < 0).sum()
    told = f"*{one}* is ahead of *{other}* beyond doubt at {wins} of {len(table)} sizes, behind at {losses}"
    if one not in fits or other not in fits:
        return told
    slopes = [fits[name][law].line[1] for name in (one, other)]
    faster = "faster" if slopes[0] > slopes[1] else "more slowly"
    meet = clips_said(crossing(fits[one][law], fits[other][law]))
    return f"{told}; it rises {faster}, and the two lines meet at {meet} clips"


def says_saved(saved: Mapping[tuple[str, float], Interval]) -> str:
    """At how many sizes pre-training saves clips beyond doubt, how many, and where it costs some."""
    sure = [
        f"{span.value:.1f} times the clips ({name}, {clips:.0f})"
        for (name, clips), span in saved.items()
        if span.low > 1
    ]
    behind = [f"{name} at {clips:.0f} clips" for (name, clips), span in saved.items() if span.high < 1]
    return (
        f"At {len(sure)} of {len(saved)} sizes the saving is beyond doubt (the interval stays above one). "
        + (
            f"There, pre-training is worth {listing(sure)}. "
            if sure
            else "So nothing was saved that these subjects could show. "
        )
        + (
            f"Below one, so that the network from random weights is ahead: {listing(behind)}. "
            if behind
            else ""
        )
        + "The macro-expressions were not free either: somebody has to film and cut them, but nobody has to code them."
    )


def says_times(span: Interval) -> str:
    """So many times as many clips, with an interval that may have no end."""
    high = f"{span.high:.1f}" if np.isfinite(span.high) else "no end"
    return f"{span.value:.1f} times as many [{span.low:.1f}, {high}]"


def says_steps(hoof: Curve, network: Curve, after: pd.DataFrame, name: str = "STSTNet") -> str:
    """Whether steps explain a curve: what the second half of a training adds, beside what all doublings of clips do."""
    whole, without = (one.scores[-1] - one.scores[0] for one in (network, hoof))
    half = after["UF1"].iloc[-1] - after["UF1"].iloc[-3]
    return (
        f"Over all doublings HOOF changes by {without:+.2f}, {name} by {whole:+.2f}. Twice the steps on the same "
        f"clips, the second half of its training, change {name} by {half:+.2f}. "
        + (
            "So the last doubling of its steps adds little; what sixteen times as many would do was not measured. "
            if half < whole / 4
            else "So steps are a good part of what its curve shows. "
        )
        + "Nor was any larger network trained for more epochs on fewer clips: these curves are those of a fixed recipe."
    )


def says_seeds(runs: Runs) -> str:
    """How many trainings stand behind a point."""
    seeds = {len(run.record["settings"]["seeds"]) for of in runs.values() for run in of.values()}
    behind = (
        "one training, with one choice of clips, stands behind every point"
        if max(seeds) == 1
        else f"at most {max(seeds)} trainings, each with its choice of clips, stand behind a point"
    )
    return f"What these intervals leave out is *luck*: {behind}."


def says_hundredths(fits: Fits, real: pd.DataFrame, corpus: str = "CASME II", gain: float = 0.02) -> str:
    """How many clips more would have given the same gain, by the logarithm, at the size of a real corpus."""
    slopes = {name: of["logarithm"].line[1] for name, of in fits.items()}
    rising = [slope for slope in slopes.values() if slope > 0]
    if not rising:
        return "No curve rises: by them no number of clips would have given the same."
    clips = real.loc[corpus, "clips"]
    more = [clips * (2 ** (gain / slope) - 1) for slope in (max(rising), min(rising))]
    falling = [name for name, slope in slopes.items() if slope <= 0]
    return (
        f"At the size of {corpus}, {clips} clips, that is {more[0]:.0f} to {more[1]:.0f} clips more"
        + (f"; of {listing(falling)} no number would do" if falling else "")
        + ". It also says how alike in number the clips that two methods learn from must be before the methods on them "
        "may be compared."
    )
