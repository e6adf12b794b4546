"""Exact answers about later frames: the frame that motion alone would make, and a face that moves as another one does.

A network that draws a frame is held against them: against the current frame, moved as the face moves; against the true
frame without its noise; and, if it was given a stranger's action, against the picture of that action on this face.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional as F

from mer_core.clips import View
from mer_core.faces.corpus import Corpus, FaceCamera
from mer_core.faces.expression import State
from mer_core.methods.ma2mi import MA2MI
from mer_core.methods.ma2mi.pretraining import identity_probe, strangers
from mer_core.methods.ma2mi.reconstruction import Reconstruction
from mer_core.scoring.statistics import Interval, interval_over_subjects
from mer_core.studies.attribution import moving_region

SILENT = frozenset({"noise"})
BLUR = 0.6  # pixels: so little that a picture looks the same


class Lens(FaceCamera):
    """A clip as a view frames it: at the moments that the view shows, and in any other state."""

    def __init__(self, corpus: Corpus, clip: str, view: View) -> None:
        spec = corpus.spec(clip)
        super().__init__(spec, corpus.scene(spec.subject), view, corpus.card.has_apex)

    @property
    def peak(self) -> int:
        """The moment nearest to the apex."""
        marks = {name: [getattr(self.spec, name)] for name in ("onset", "apex", "offset")}
        return max(1, int(self.view.apex_moment(pd.DataFrame(marks))[0]))

    @property
    def rising(self) -> tuple[int, int]:
        """Two moments of a growing movement: the peak, and three moments before it."""
        return max(self.peak - 3, 0), self.peak

    def state(self, moment: int, without: Collection[str] = ()) -> State:
        """The face at a moment of the view."""
        return self.spec.state(self.times[moment], without)

    def picture(self, state: State) -> np.ndarray:  # (H, W) or (H, W, 3) uint8
        """What the view would show of it."""
        return self.frames([state])[0]

    def acting(self, now: int, later: int) -> np.ndarray:  # (2, H, W)
        """Exact motion by the labelled movement alone."""
        start = self.state(now)
        return self.flow(start, replace(start, action=self.state(later).action))

    def face(self, state: State, margin: int = 2) -> np.ndarray:  # (H, W) bool
        """Pixels of the head, so many pixels inside its outline: what moves beyond, the wall, is nobody's action."""
        mask = self.framed(255 * self.scene.mask(state, self.view.size).astype(np.uint8), state) // 128
        return cv2.erode(mask, np.ones((2 * margin + 1,) * 2, np.uint8)).astype(bool)

    def moved(self, frame: np.ndarray, now: int, later: int) -> np.ndarray:  # as the frame
        """The frame at `now`, moved as the face moves until `later`: its light and its noise stay what they are.

        What was hidden before can't come out of it: the wall beside a head that turns, teeth behind lips.
        """
        back = self.flow(self.state(later), self.state(now)).astype(np.float32)  # where each pixel comes from
        rows, columns = np.indices(back.shape[1:], np.float32)
        places = columns + back[0], rows + back[1]
        return cv2.remap(frame, *places, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


# A later frame: what a network draws, beside what costs nothing and what nobody can know


@dataclass(frozen=True)
class Known:
    """Pairs of moments, and later frames by those who know more; (B, 3, S, S) each, as a network sees them."""

    now: Tensor
    later: Tensor
    blurred: Tensor  # the current frame, slightly: some of its noise is gone
    moved: Tensor  # the current frame, every pixel moved exactly as the skin moves
    noiseless: Tensor  # the later frame itself
    face: Tensor  # (B, S, S) true or false, at the later moment

    @property
    def pair(self) -> Tensor:
        """(B, 2, 3, S, S), what a network is given."""
        return torch.stack([self.now, self.later], dim=1)


def known_pairs(method: MA2MI, corpus: Corpus, view: View, rows: Iterable[tuple[str, int, int]]) -> Known:
    """Pairs of moments (clip, now, later) of a view, with all that is known of them."""
    made = [_known(Lens(corpus, clip, view), now, later) for clip, now, later in rows]
    stacked = {name: np.stack([one[name] for one in made]) for name in made[0]}
    face, first = torch.from_numpy(stacked.pop("face")), stacked["now"]
    seen = {name: method.scaled(np.stack([first, frames], axis=1))[:, 1] for name, frames in stacked.items()}
    return Known(**seen, face=face)


def _known(lens: Lens, now: int, later: int) -> dict[str, np.ndarray]:
    frame, end = lens.picture(lens.state(now)), lens.state(later)
    return {
        "now": frame,
        "later": lens.picture(end),
        "blurred": cv2.GaussianBlur(frame, (0, 0), BLUR),
        "moved": lens.moved(frame, now, later),
        "noiseless": lens.picture(lens.state(later, SILENT)),
        "face": lens.face(end),
    }


@torch.no_grad()
def answers(model: Reconstruction, known: Known, who: np.ndarray) -> dict[str, Tensor]:  # (B, 3, S, S) each
    """The later frame as nobody, the network in all that it can be asked, and an oracle would draw it.

    A stranger is the next pair of somebody else; `who` (B,) says whose a pair is.
    """
    x, other, both = known.pair, strangers(who), ("action", "position")
    return {
        "copy of the current frame": known.now,
        "the same, slightly blurred": known.blurred,
        "drawn": model(x),
        "drawn, no action": swapped(model, x, x, strength=0),
        "drawn, a stranger's action": swapped(model, x, x[other]),
        "drawn, all of a stranger": swapped(model, x, x[other], 1, both),
        "oracle: exact motion": known.moved,
        "oracle: no noise": known.noiseless,
    }


def error_on_face(made: Tensor, known: Known) -> np.ndarray:  # (B,)
    """Mean absolute error of a later frame (B, 3, S, S), of the face alone."""
    off = (made - known.later).abs().mean(dim=1)
    return ((off * known.face).sum(dim=(1, 2)) / known.face.sum(dim=(1, 2))).numpy()


# A movement on another's face


def borrowed(taker: Lens, now: int, giver: Lens, start: int, end: int) -> tuple[State, State]:
    """The taker at `now`, and as it would be after all that the giver does from `start` to `end`; without noise.

    All faces are one mesh with the same units, so that a movement of one is a movement of any other. No unit is relaxed
    beyond rest, and the light stays.
    """
    before, (first, last) = taker.state(now, SILENT), (giver.state(moment) for moment in (start, end))
    after = {
        part: getattr(before, part) + getattr(last, part) - getattr(first, part)
        for part in ("action", "distractor", "rotation", "translation")
    }
    after |= {part: after[part].clip(min=0) for part in ("action", "distractor")}
    return before, replace(before, **after)


@dataclass(frozen=True)
class Swaps:
    """For each taker two own frames; and, without noise, the first and what a giver's movement would make of it."""

    own: np.ndarray  # (B, 2, H, W, 3) uint8
    exact: np.ndarray  # (B, 2, H, W, 3) uint8
    face: Tensor  # (B, H, W) true or false: on the face before and after
    skin: Tensor  # (B, H, W) where the taker's own labelled movement moves it


def swaps(takers: Sequence[Lens], partner: np.ndarray) -> Swaps:
    """Everybody's rising movement, and that of a partner (B,) on the same face."""
    own = [np.stack([lens.picture(lens.state(moment)) for moment in lens.rising]) for lens in takers]
    lent = [
        borrowed(lens, lens.rising[0], takers[giver], *takers[giver].rising)
        for lens, giver in zip(takers, partner, strict=True)
    ]
    pairs = list(zip(takers, lent, strict=True))
    exact = [np.stack([lens.picture(state) for state in states]) for lens, states in pairs]
    face = torch.from_numpy(np.stack([lens.face(first) & lens.face(last) for lens, (first, last) in pairs]))
    acting = torch.from_numpy(np.stack([lens.acting(*lens.rising) for lens in takers]))
    return Swaps(np.stack(own), np.stack(exact), face, moving_region(acting) & face)


@torch.no_grad()
def swapped(
    model: Reconstruction,
    taker: Tensor,
    giver: Tensor,
    strength: float = 1.0,
    who: Collection[str] = ("action",),
) -> Tensor:  # (B, 3, S, S)
    """The taker's first frame, drawn with features to which the giver brings the branches in `who`.

    Pairs (B, 2, 3, S, S) both. The giver's change is multiplied by `strength` before the network sees it.
    """
    now, later = giver.unbind(dim=1)
    stronger = torch.stack([now, now + strength * (later - now)], dim=1)
    own, other = model.encode.branches(taker), model.encode.branches(stronger)
    return model(taker, model.encode.fuse(*[(other if name in who else own)[name] for name in own]))


def likeness(one: Tensor, other: Tensor, where: Tensor, side: int = 16) -> Tensor:  # (B,)
    """Correlation of two signed changes (B, 3, S, S) inside a region (B, S, S), on a coarse grid: noise averages out.

    A change that is the same everywhere is like nothing: 0.
    """
    return F.cosine_similarity(*(_coarse(change, where.float(), side) for change in (one, other)))


def _coarse(change: Tensor, where: Tensor, side: int) -> Tensor:  # (B, side²)
    """Means over large pixels of what differs from the region's own mean; 0 outside."""
    grey = change.mean(dim=1)
    mean = (grey * where).sum(dim=(1, 2)) / where.sum(dim=(1, 2))
    inside = (grey - mean[:, None, None]) * where
    return F.adaptive_avg_pool2d(inside[:, None], side).flatten(1)


def shares_by_place(change: Tensor, places: Mapping[str, Tensor], who: np.ndarray) -> dict[str, Interval]:
    """How much of the absolute size of changes (B, 3, S, S) lies in each region (B, S, S), over all of them."""
    size = change.abs().mean(dim=1)
    whole = size.sum(dim=(1, 2)).numpy()
    return {
        name: ratio_interval((size * region).sum(dim=(1, 2)).numpy(), whole, who)
        for name, region in places.items()
    }


# Who is it?


def identity_probes(
    features: Mapping[str, np.ndarray], subjects: np.ndarray, halvings: int = 5
) -> pd.DataFrame:
    """A row for each kind of features: how often a probe names the subject, on the mean over several halvings.

    Columns: value, low and high, which is the range over halvings, and chance.
    """
    rows = {}
    for name, values in features.items():
        made = pd.DataFrame([identity_probe(values, subjects, seed) for seed in range(halvings)])
        hits = made["accuracy"]
        rows[name] = {
            "value": hits.mean(),
            "low": hits.min(),
            "high": hits.max(),
            "chance": made["chance"][0],
        }
    return pd.DataFrame(rows).T


# Intervals, and what they say


def ratio_interval(part: ArrayLike, whole: ArrayLike, subjects: ArrayLike, seed: int = 0) -> Interval:
    """Sum of one thing over the sum of another, with the interval that other subjects would give.

    With ones for `whole` it is a mean. Subjects are drawn with replacement, with all that is theirs.

    >>> print(ratio_interval([1, 1, 3, 3], [1, 1, 1, 1], ["a", "a", "b", "b"]))
    2.000 [1.000, 3.000]
    """
    part, whole = (np.broadcast_to(np.asarray(values, float), len(subjects)) for values in (part, whole))
    if np.isnan(part).any() or np.isnan(whole).any():
        raise ValueError("Expected numbers, but some are NaN: leave those rows out, and say how many.")
    _, subject = np.unique(np.asarray(subjects), return_inverse=True)
    sums = np.stack([np.bincount(subject, values) for values in (part, whole)], axis=1)  # (S, 2)
    return interval_over_subjects(sums, lambda sums: sums[..., 0] / sums[..., 1], seed=seed)


def tells(interval: Interval, above: str, below: str, neither: str) -> str:
    """The words for an interval that lies above 0, below 0, or holds it.

    >>> tells(Interval(0.2, 0.1, 0.3, 0.95, 2000), "more", "less", "neither more nor less")
    'more'
    """
    return above if interval.low > 0 else below if interval.high < 0 else neither


def as_rows(intervals: Mapping[str, Interval]) -> pd.DataFrame:
    """A row an interval, with the columns value, low and high: as figures take them."""
    return pd.DataFrame({name: vars(one) for name, one in intervals.items()}).T[["value", "low", "high"]]
