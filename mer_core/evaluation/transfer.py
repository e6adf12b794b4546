"""Exact answers about later frames: the frame that motion alone would make, and a face that moves as another one does.

A network that draws a frame is held against them: against the current frame, moved as the face moves; against the true
frame without its noise; and, if it was given a stranger's action, against the picture of that action on this face.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional as F

from mer_core.clips import View
from mer_core.evaluation.statistics import Interval, interval_over_subjects
from mer_core.faces.corpus import STEADY, Corpus
from mer_core.faces.expression import ClipSpec, State
from mer_core.faces.scene import Scene
from mer_core.methods.ma2mi import Reconstruction
from mer_core.vision.align import move_flow, similarity, warp

SILENT = frozenset({"noise"})


@dataclass(frozen=True)
class Lens:
    """A clip as a view frames it: at the moments that the view shows, and in any other state."""

    corpus: Corpus
    clip: str
    view: View

    @cached_property
    def spec(self) -> ClipSpec:
        """The plan of the clip."""
        return self.corpus.spec(self.clip)

    @property
    def peak(self) -> int:
        """The moment nearest to the apex."""
        share = (self.spec.apex - self.spec.onset) / (self._last - self.spec.onset)
        return max(1, round(share * (self.view.moments - 1)))

    @property
    def _last(self) -> float:
        return self.spec.offset if self.view.span == "onset-offset" else self.spec.apex

    @property
    def scene(self) -> Scene:
        """Who is seen."""
        return self.corpus.scene(self.spec.subject)

    def state(self, moment: int, without: Collection[str] = ()) -> State:
        """The face at a moment of the view."""
        times = np.linspace(self.spec.onset, self._last, self.view.moments)
        return self.spec.state(times[moment], without)

    def picture(self, state: State) -> np.ndarray:  # (H, W) or (H, W, 3) uint8
        """What the view would show of it."""
        frame = self.scene.frame(state, self.view.size, self.view.colour)
        return frame if self.view.align == "clip" else warp(frame, self._move(state), self.view.size)

    def flow(self, start: State, end: State) -> np.ndarray:  # (2, H, W)
        """Exact motion between two pictures."""
        flow = self.scene.flow(start, end, self.view.size)
        return flow if self.view.align == "clip" else move_flow(flow, self._move(start), self._move(end))

    def _move(self, state: State) -> np.ndarray:  # (2, 3)
        here, there = (self.scene.landmarks(s, self.view.size)[STEADY] for s in (state, self.state(0)))
        return similarity(here, there)

    def face(self, state: State, margin: int = 2) -> np.ndarray:  # (H, W) bool
        """Pixels of the head, so many pixels inside its outline: what moves beyond, the wall, is nobody's action."""
        mask = self.scene.mask(state, self.view.size).astype(np.uint8)
        mask = (
            mask if self.view.align == "clip" else warp(255 * mask, self._move(state), self.view.size) // 128
        )
        return cv2.erode(mask, np.ones((2 * margin + 1,) * 2, np.uint8)).astype(bool)

    def moved(self, frame: np.ndarray, now: int, later: int) -> np.ndarray:  # as the frame
        """The frame at `now`, moved as the face moves until `later`: its light and its noise stay what they are.

        What was hidden before can't come out of it: the wall beside a head that turns, teeth behind lips.
        """
        back = self.flow(self.state(later), self.state(now)).astype(np.float32)  # where each pixel comes from
        rows, columns = np.indices(back.shape[1:], np.float32)
        places = columns + back[0], rows + back[1]
        return cv2.remap(frame, *places, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


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


def ratio_interval(part: ArrayLike, whole: ArrayLike, subjects: ArrayLike, seed: int = 0) -> Interval:
    """Sum of one thing over the sum of another, with the interval that other people would give.

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
