"""The chapter "Motion representations": what it looks at, and how its clips are taken.

Flow is (…, 2, H, W) in pixels, x first; lengths are said in pixels of a picture of 128.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from mer_core.faces.corpus import Corpus
from mer_core.faces.expression import PARTS, ClipSpec
from mer_core.studies.known import KnownClip
from mer_core.studies.motion.measures import length
from mer_core.studies.parameters import Parameters
from mer_core.vision import ESTIMATORS
from mer_core.vision.flow import estimate_flows

KINDS = tuple(ESTIMATORS)
NOTHING = "nothing moved"  # the guess that every estimate must beat
CALM = frozenset(PARTS) - {"action"}  # switched off, nothing but the labelled movement is left
STILL_HEAD = CALM - {"noise"}


class Chapter(Parameters):
    """What the chapter looks at."""

    clip: KnownClip = Field(description="the clip, as corpus/subject/number")
    subjects: int = Field(ge=4, le=26, description="subjects whose first clips the numbers are taken from")
    size: int = Field(ge=64, le=160, description="pixels of the pictures")


@dataclass(frozen=True)
class Studio:
    """Clips of a corpus, taken in grey pictures of one size."""

    corpus: Corpus
    size: int

    @property
    def unit(self) -> float:
        """One pixel here, in pixels of a picture of 128."""
        return 128 / self.size

    def px(self, flow: np.ndarray) -> np.ndarray:
        """How far each pixel moves, in pixels of a picture of 128: (…, 2, H, W) → (…, H, W)."""
        return self.unit * length(flow)

    def first_clips(self, subjects: int) -> list[ClipSpec]:
        """The first clip of so many subjects."""
        names = dict.fromkeys(clip.subject for clip in self.corpus.outline)
        return [self.corpus.spec(f"{subject}/01") for subject in list(names)[:subjects]]

    def frames(self, spec: ClipSpec, times: Sequence[float], **face: object) -> np.ndarray:  # (T, H, W)
        """The clip at these instants, with what is switched off or magnified."""
        return self.corpus.frames(spec.clip, times, self.size, colour=False, **face)

    def ends(self, spec: ClipSpec, **face: object) -> np.ndarray:  # (2, H, W)
        """Onset and apex."""
        return self.frames(spec, [spec.onset, spec.apex], **face)

    def flow(self, spec: ClipSpec, **face: object) -> np.ndarray:  # (2, H, W)
        """Exact flow from onset to apex."""
        return self.corpus.flow(spec.clip, spec.onset, spec.apex, self.size, **face)

    def causes(self, spec: ClipSpec) -> dict[str, np.ndarray]:  # (2, H, W) each
        """The same by what causes it: action, distractor, head."""
        return self.corpus.flow_parts(spec.clip, spec.onset, spec.apex, self.size)

    def mask(self, spec: ClipSpec) -> np.ndarray:  # (H, W)
        """The face at the onset."""
        return self.corpus.mask(spec.clip, spec.onset, self.size)

    def masks(self, specs: Sequence[ClipSpec]) -> np.ndarray:  # (N, H, W)
        """The faces at their onsets."""
        return np.stack([self.mask(spec) for spec in specs])

    def shoot(self, specs: Sequence[ClipSpec], without: Collection[str] = ()) -> "Shots":
        """Onset and apex of several clips, the exact flow between them, and the estimates."""
        pairs = np.stack([self.ends(spec, without=without) for spec in specs])
        exact = np.stack([self.flow(spec, without=without) for spec in specs])
        estimates = {kind: estimate_flows(pairs[:, 0], pairs[:, 1], kind) for kind in KINDS}
        return Shots(pairs, exact, estimates, self.unit)


@dataclass(frozen=True)
class Shots:
    """Pairs of frames, and how each estimate of their motion compares with the exact one."""

    pairs: np.ndarray  # (N, 2, H, W) uint8
    exact: np.ndarray  # (N, 2, H, W) flow
    estimates: Mapping[str, np.ndarray]  # (N, 2, H, W) by estimator
    unit: float

    def errors(self, where: np.ndarray) -> dict[str, float]:
        """Mean end-point error inside regions (N, H, W): of the guess that nothing moved, and of each estimate."""
        guesses = {NOTHING: np.zeros_like(self.exact), **self.estimates}
        return {kind: self.unit * length(flow - self.exact)[where].mean() for kind, flow in guesses.items()}
