"""Frames that the first stage draws, of subjects never seen: with their own action, and with a stranger's."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import torch
from torch import Tensor

from mer_core.figures.images import slideshow
from mer_core.methods.ma2mi.pretraining import strangers
from mer_core.methods.ma2mi.reconstruction import Reconstruction
from mer_core.scoring.statistics import Interval
from mer_core.studies.ma2mi.chapter import Material
from mer_core.studies.ma2mi.figures import change
from mer_core.studies.ma2mi.transfer import (
    Known,
    Lens,
    answers,
    error_on_face,
    known_pairs,
    likeness,
    ratio_interval,
    shares_by_place,
    swapped,
    swaps,
    tells,
)

COPY, BLURRED, DRAWN = "copy of the current frame", "the same, slightly blurred", "drawn"
STRANGE, MOVED, CLEAN = "drawn, a stranger's action", "oracle: exact motion", "oracle: no noise"
STRENGTHS = (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)


@dataclass(frozen=True)
class Unseen:
    """Macro-expressions of subjects who were not learnt from, two each."""

    aside: list[str]  # subjects that were held out of those learnt from
    clips: list[str]
    subjects: np.ndarray  # of the clips
    pairs: list[tuple[str, int, int]]  # three a clip: clip, now, later


def unseen(given: Material) -> Unseen:
    """Those of the first stage's corpus whom it did not learn from, and pairs of moments one to three apart."""
    draw = np.random.RandomState(given.settings.seed)
    subjects = given.learnt_from
    aside = draw.permutation(subjects)[: max(1, len(subjects) // 10)]  # as `pretrain` does
    table = given.macro.clips
    clips = table[~table["subject"].isin(set(subjects) - set(aside))].groupby("subject").head(2)
    pairs = []
    for clip in clips["clip"]:
        for gap in (1, 2, 3):
            now = int(draw.randint(given.learner.settings.moments - gap))
            pairs.append((clip, now, now + gap))
    return Unseen(sorted(aside), list(clips["clip"]), clips["subject"].to_numpy(), pairs)


# A later frame


@dataclass(frozen=True)
class Judged:
    """Drawn frames of pairs of one kind, each R with the interval of other subjects."""

    scores: dict[str, Interval]  # R by who draws
    lost: Interval  # of R, if a stranger's action is given in the place of the own


def judge(drawer: Reconstruction, known: Known, who: np.ndarray) -> Judged:
    """R on the face of everybody who draws; `who` (B,) says whose a pair is."""
    errors = {name: error_on_face(frame, known) for name, frame in answers(drawer, known, who).items()}
    copy = errors[COPY]
    scores = {name: ratio_interval(copy - error, copy, who) for name, error in errors.items()}
    return Judged(scores, ratio_interval(errors[STRANGE] - errors[DRAWN], copy, who))


def judge_both(given: Material, drawer: Reconstruction, unseen: Unseen) -> dict[str, Judged]:
    """On moments of macro videos, and on onset and apex of micro-expressions, which the decoder has never met."""
    macro = known_pairs(given.learner, given.macro, given.learner.macro_view, unseen.pairs)
    table = given.table.groupby("subject").head(2)
    rows = [(clip, 0, 1) for clip in table["clip"]]
    micro = known_pairs(given.learner, given.faces, given.method.view, rows)
    return {
        "macro": judge(drawer, macro, np.repeat(unseen.subjects, 3)),
        "micro": judge(drawer, micro, table["subject"].to_numpy()),
    }


def quality_table(judged: Mapping[str, Judged]) -> pd.DataFrame:
    """A row for everybody who draws, a column a kind of pairs."""
    return pd.DataFrame(
        {
            kind: {name: f"{r.value:+.2f} [{r.low:+.2f}, {r.high:+.2f}]" for name, r in made.scores.items()}
            for kind, made in judged.items()
        }
    )


def quality_in_words(macro: Judged, micro: Judged) -> str:
    """Whether a drawn frame is better than a copy, whether its action is used, and what a blur does."""
    own, strange = macro.scores[DRAWN], macro.scores[STRANGE]
    small, blur, oracle = (micro.scores[name] for name in (DRAWN, BLURRED, MOVED))
    copy = "better than a copy", "worse than a copy", "no better than a copy"
    used = (
        "the right action matters, so that it is *used*",
        "a stranger's is even better",
        "the action is ignored so far",
    )
    text = (
        f"On macro pairs the drawn frame has R = {own.value:+.2f}: {tells(own, *copy)}. A stranger's action changes "
        f"R by {-macro.lost.value:+.2f}: {tells(macro.lost, *used)}, and the wrong one is "
        f"{tells(strange, 'better than none', 'worse than none', 'as good as none')}. On micro-expressions the drawn "
        f"frame is {tells(small, *copy)} (R = {small.value:+.2f}); a copy that was slightly blurred has "
        f"{blur.value:+.2f}, and the frame that exact motion makes {oracle.value:+.2f}."
    )
    if blur.value > max(oracle.value, small.value):
        text += (
            " So a little blur, which knows nothing, does better than knowing all motion: noise and light change a "
            "picture as well. This is why the score of a drawn frame needs all of these lines."
        )
    return text


# An action that is given to somebody else


@dataclass(frozen=True)
class Exchange:
    """Everybody's rising movement as it is, as a stranger's face was drawn with it, and as it would be exactly.

    Pairs are (B, 2, 3, S, S), frames (B, 3, S, S).
    """

    given: Material
    drawer: Reconstruction
    subjects: np.ndarray  # (B,) of the takers
    partner: np.ndarray  # (B,) whose action each gets
    takers: Tensor  # pairs
    drawn: Tensor  # frames: the takers with their giver's action
    own: Tensor  # frames: the takers with their own action
    exact: np.ndarray  # (B, 2, H, W, 3) uint8: the giver's movement, rendered on the taker's face
    face: Tensor  # (B, S, S) true or false
    skin: Tensor  # (B, S, S) where the taker's own labelled movement moves it

    @property
    def givers(self) -> Tensor:
        """Pairs."""
        return self.takers[self.partner]

    def changes(self) -> dict[str, Tensor]:  # (B, 3, S, S) each
        """What changes: as drawn, as drawn with the own action, in truth, and in the exact transfer."""
        exact = self.given.learner.scaled(self.exact)
        now = self.takers[:, 0]
        return {
            "drawn": self.drawn - now,
            "own drawn": self.own - now,
            "real": self.takers[:, 1] - now,
            "exact": exact[:, 1] - exact[:, 0],
        }

    def pictures(self, frames: Tensor) -> np.ndarray:
        """As they can be looked at."""
        return self.given.learner.pictures(frames)


def exchange(given: Material, drawer: Reconstruction, unseen: Unseen) -> Exchange:
    """Give everybody's action to the next one who is somebody else."""
    lenses = [Lens(given.macro, clip, given.learner.macro_view) for clip in unseen.clips]
    partner = strangers(unseen.subjects)
    rendered = swaps(lenses, partner)
    takers = given.learner.scaled(rendered.own)
    drawn, own = swapped(drawer, takers, takers[partner]), reconstructed(drawer, takers)
    return Exchange(
        given, drawer, unseen.subjects, partner, takers, drawn, own, rendered.exact, rendered.face, rendered.skin
    )  # fmt: skip


@torch.no_grad()
def reconstructed(drawer: Reconstruction, pairs: Tensor) -> Tensor:  # (B, 3, S, S)
    """Later frames, by their own actions."""
    return drawer(pairs)


def exchange_pictures(exchange: Exchange) -> go.Figure:
    """Giver, taker, what was drawn, and the change that should be there."""
    givers, takers = exchange.pictures(exchange.givers), exchange.pictures(exchange.takers)
    drawn, steps = exchange.pictures(exchange.drawn), {}
    for n in range(0, len(takers), max(1, len(takers) // 8)):
        taker, made = takers[n, 0], drawn[n]
        steps[f"{n + 1}"] = [
            givers[n, 0], change(*givers[n]), taker, made, change(taker, made), change(*exchange.exact[n]),
        ]  # fmt: skip
    return slideshow(
        steps,
        titles=["giver", "giver's change", "taker", "drawn", "drawn change", "exact change"],
        label="pair",
        alt="For several pairs of strangers: the giver's face and how it changes, the taker's face, the taker's face "
        "as drawn with the giver's action, the change that was drawn, and the exact change that the giver's movement "
        "makes on the taker's face. All changes six times stronger, in grey.",
        width=135,
    )


def strength_pictures(exchange: Exchange) -> go.Figure:
    """The taker that is drawn most like the exact transfer, with the action turned down, up and backwards."""
    changes = exchange.changes()
    best = int(likeness(changes["drawn"], changes["exact"], exchange.face).argmax())
    taker, giver = exchange.takers[best : best + 1], exchange.givers[best : best + 1]
    face, steps = exchange.pictures(taker)[0, 0], {}
    for strength in STRENGTHS:
        drawn = exchange.pictures(swapped(exchange.drawer, taker, giver, strength))[0]
        steps[f"{strength:g}"] = [face, drawn, change(face, drawn)]
    return slideshow(
        steps,
        titles=["taker", "drawn", "drawn change, six times"],
        label="strength",
        alt="One face, drawn with a stranger's action that is turned backwards, off, and up to three times as strong; "
        "beside it the change that was drawn.",
        play=True,
    )


def likenesses(exchange: Exchange) -> dict[str, np.ndarray]:  # (B,) each
    """Correlations of the change that was drawn with three others; the last one is of two exact changes."""
    changes = exchange.changes()
    giver = changes["real"][exchange.partner]
    compared = {
        "exact transfer": (changes["drawn"], changes["exact"]),
        "giver, at the giver's pixels": (changes["drawn"], giver),
        "taker's own change": (changes["drawn"], changes["real"]),
        "not swapped: own action, own change": (changes["own drawn"], changes["real"]),
        "exact transfer, giver's own change": (changes["exact"], giver),
    }
    return {name: likeness(*both, exchange.face).numpy() for name, both in compared.items()}


def handed_over(alike: Mapping[str, np.ndarray], subjects: np.ndarray) -> tuple[Interval, Interval]:
    """How much more the drawn change is like the exact transfer: than the taker's own, than the giver's picture."""
    own, picture = (
        ratio_interval(alike["exact transfer"] - alike[other], 1, subjects)
        for other in ("taker's own change", "giver, at the giver's pixels")
    )
    return own, picture


def exchange_in_words(own: Interval, picture: Interval) -> str:
    """Whether an action was handed over, and whether as a movement or as a picture of one."""
    text = (
        f"What is drawn is {tells(own, 'more', 'less', 'neither more nor less')} like the giver's movement on this "
        f"face than like what this face did itself (difference of the two correlations {own}). "
    )
    text += tells(
        picture,
        "And it is the *movement* that was handed over: it fits the exact transfer better than the giver's own pixels",
        "But what was handed over is the giver's *picture* of a change, rather than a movement: it fits the giver's "
        "own pixels better than the same movement on the taker's face",
        "Whether a movement was handed over, or the giver's picture of it, these pairs cannot tell",
    )
    text += f" (difference {picture})."
    if picture.high < 0:
        text += (
            " The code says where in the frame it gets lighter or darker, and the decoder paints that, whoever is "
            "below. A short training need not be the end of it; but so far the branches are separated by what they "
            "are given, not by what they mean."
        )
    return text


def where_it_changes(exchange: Exchange) -> dict[str, dict[str, Interval]]:
    """Shares of the area, of the true change and of the drawn one: beyond the face, on moving skin, on the rest."""
    face, skin = exchange.face, exchange.skin
    places = {"wall and outline": ~face, "moving skin": skin, "rest of the face": face & ~skin}
    changes = exchange.changes()
    kinds = {
        "area": torch.ones_like(changes["real"]),
        "true change": changes["real"],
        "drawn change": changes["own drawn"],
    }
    return {name: shares_by_place(change, places, exchange.subjects) for name, change in kinds.items()}


def shares_in_words(true: Mapping[str, Interval], drawn: Mapping[str, Interval]) -> str:
    """What was learnt first: the head's outline, or the expression."""
    wall, skin = (
        [made[name].value for made in (drawn, true)] for name in ("wall and outline", "moving skin")
    )
    first = (
        "The largest reward of this task is for the head's outline against the wall, and that is what was learnt "
        "first. Whoever wants expressions to be learnt should cut the wall away, or weigh the face."
        if wall[0] > skin[0]
        else "So it is the expression that was learnt first."
    )
    return (
        f"Of what is drawn, {wall[0]:.0%} lies on the wall and the outline and {skin[0]:.0%} on skin that the "
        f"expression moves; of what truly changes, {wall[1]:.0%} and {skin[1]:.0%}. {first}"
    )
