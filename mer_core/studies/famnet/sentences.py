"""What the chapter says of its numbers: each a function from a finding to Markdown."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mer_core.studies.famnet.live import Live
from mer_core.studies.famnet.material import BRANCHES
from mer_core.studies.papers import says_verdicts

LEVEL = 0.05  # a smaller p-value is one that shuffled clips hardly reach


def who_it_shows(alike: pd.DataFrame) -> str:
    """Of `nearest_neighbours`."""
    frame, change = (alike.loc[name, "same subject"] for name in ("apex frame", "change from onset to apex"))
    what = (
        "A picture of a face tells above all who it is."
        if frame > 0.5
        else "Here a picture tells little of who it is."
    )
    return (
        f"In the apex frame {frame:.0%} of the nearest neighbours are the same subject, in the change from the onset "
        f"{change:.0%}. {what}"
    )


def what_attention_adds(sizes: pd.DataFrame) -> str:
    """Of `parameter_table`."""
    extra = sizes.loc["two tasks, hier"] - sizes.loc["two tasks, no attention"]
    share = extra / sizes.loc["two tasks, hier"]
    return (
        f"Hierarchical attention adds {share['AMNet2D']:.0%} of AMNet2D's parameters and {share['AMNet3D']:.0%} of "
        "AMNet3D's. Most of that are the encoders between levels; the masks themselves are small, since they see one "
        "place at a time."
    )


def who_is_best(uf1: Mapping[str, float], clips: int) -> str:
    """Of the live networks' UF1."""
    ranked = sorted(BRANCHES, key=uf1.__getitem__, reverse=True)
    gain = uf1["fused: apex frame + clip"] - max(uf1["apex frame"], uf1["clip"])
    return (
        f"Best on its own is *{ranked[0]}*, last *{ranked[-1]}*. Fusing the apex frame with the clip is "
        f"{abs(gain):.2f} {'above' if gain > 0 else 'below'} the better of the two. All this is about {clips} clips: "
        "look at the width of the intervals."
    )


def whom_to_trust(alpha: float, by_heart: str, elsewhere: str) -> str:
    """Of the share that is learned, and of who is better on clips trained on, and on clips never seen."""
    lesson = (
        "This time the one that knows its training clips is also the better one elsewhere."
        if by_heart == elsewhere
        else "Who knows the training clips by heart is not the one to be trusted."
    )
    return (
        f"The learned share trusts the *{'clip' if alpha < 0.5 else 'apex frame'}* more; on the clips that were "
        f"trained on the *{by_heart}* is better, on subjects never seen the *{elsewhere}*. {lesson}"
    )


def better_branches(live: Live) -> tuple[str, str]:
    """The apex frame or the clip: who is right more often on clips trained on, and who on clips never seen."""
    by_heart, elsewhere = (
        max(
            ("apex frame", "clip"),
            key=lambda name, part=part: np.mean(live.accuracies(name), axis=0)[-1, part],
        )
        for part in range(2)
    )
    return by_heart, elsewhere


def what_is_found(precision: pd.DataFrame, means: pd.DataFrame) -> str:
    """Of `precision_table` and `mean_table`."""
    finds = ", ".join(precision.index[precision["p"] < LEVEL])
    return (
        f"Better than shuffled clips: {finds or 'no network'}. An order by chance has a larger precision than the "
        "share of clips, if there are few of them, so that the share alone is too low a floor.\n\n"
        f"Who never finds anything has a macro F1 of {means.loc['clip', 'macro F1, never']:.2f}: a number that looks "
        "like half of the truth and says nothing. With so few clips the score of a single unit is mostly luck, which "
        "is why its support stands beside it."
    )


def beside_the_floor(rows: pd.DataFrame, floor: float) -> str:
    """Of `score_rows`, beside the UF1 of naming the commonest class."""
    best = rows["UF1"].astype(float).idxmax()
    weak = ", ".join(rows.index[rows["low"] <= floor])
    text = (
        f"The best row, on the mean over its seeds, is *{rows['about'][best]}* with {rows['UF1'][best]:.3f}. "
        f"Rows whose interval reaches down to the commonest class: {weak or 'none'}."
    )
    if not weak:
        return text
    return (
        f"{text} Of these one cannot say that they have learnt anything, and what differs between two of them means "
        "nothing."
    )


def which_claims_hold(judged: pd.DataFrame) -> str:
    """Of `verdicts`: the claims by their verdict, and what could not be seen anyway."""
    wide = (judged["high"] - judged["low"]).astype(float).mean()  # of those that were computed
    return (
        f"By the corrected test:\n\n{says_verdicts(judged)}\n\nAn interval is {wide:.2f} wide on average: with so few "
        f"subjects, and mostly one seed, effects of less than about {wide / 2:.2f} in UF1 are mostly not seen."
    )


def what_units_hold(exact: float, best: float) -> str:
    """Of the UF1 that exact action units reach, beside that of the best stored run."""
    rest = (
        "So the labels of the second task hold nearly all that is asked for: whatever keeps a network from it is "
        "*seeing* the units."
        if exact > 0.85
        else "So even exact action units leave much of the emotion open."
    )
    return f"Exact action units are worth {exact:.2f}, the best stored run has {best:.2f}. {rest}"


def who_errs_together(overlaps: Mapping[str, pd.DataFrame], where: str) -> str:
    """Of `overlaps`."""
    parts = []
    for name, overlap in overlaps.items():
        low, high = overlap.loc["shared", ["low", "high"]]
        how = "share mistakes" if low > 0 else "err apart" if high < 0 else "may err together or apart"
        parts.append(f"*{name}* {how}, the oracle gains {overlap.loc['gain', 'value']:.2f}")
    return f"{where}: {'; '.join(parts)}."


def is_it_the_apex(missed: pd.DataFrame, frames: int) -> str:
    """Of `missed_apex`, with clips of so many frames."""
    uf1 = missed["UF1"]
    last = (
        "No other frame is better than the apex."
        if uf1.loc[0] >= uf1.max()
        else "The apex is not even the best frame here."
    )
    return (
        f"One frame here is {1 / (frames - 1):.0%} of the time from onset to offset. At the apex the UF1 is "
        f"{uf1.loc[0]:.2f}, one frame beside it {np.mean([uf1.loc[-1], uf1.loc[1]]):.2f}, three frames beside it "
        f"{np.mean([uf1.loc[-3], uf1.loc[3]]):.2f}. {last}"
    )


def where_masks_are_open(contrasts: pd.DataFrame) -> str:
    """Of `contrasts`."""
    trained, random = (contrasts.xs(kind, level="network") for kind in ("trained", "random"))
    is_open = (trained["low"] > 0) & (trained["low"] > random["high"])
    more, less = (
        "; ".join(", ".join(place) for place in trained.index[where]) or "no mask"
        for where in (is_open, trained["high"] < 0)
    )
    return (
        f"More open where the face moves, and more than with random weights: {more}. Less open there than elsewhere: "
        f"{less}. A mask is only one factor of what passes, though. Where $W$ is small, an open mask lets nothing "
        "through, and a closed one may be what tells."
    )
