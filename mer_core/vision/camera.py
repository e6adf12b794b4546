"""What a view shows of a clip: pictures, landmarks, motion and a dynamic image, wherever the clip comes from."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

import cv2
import numpy as np

from mer_core.clips import View
from mer_core.vision.dynamic_image import dynamic_image
from mer_core.vision.flow import estimate_flows

Moment = TypeVar("Moment")


class Camera(ABC, Generic[Moment]):
    """A clip as its view frames it. A moment is the number of a recorded frame, or the state of a drawn face."""

    view: View

    @property
    @abstractmethod
    def moments(self) -> Sequence[Moment]:
        """Those that the view shows, (T,) in the order of time."""

    @property
    @abstractmethod
    def ends(self) -> tuple[Moment, Moment]:
        """Onset and apex: what the motion of a whole clip is between."""

    @abstractmethod
    def frames(self, moments: Sequence[Moment]) -> np.ndarray:  # (T, H, W) or (T, H, W, 3) uint8
        """The pictures at these moments."""

    @abstractmethod
    def landmarks(self, moments: Sequence[Moment]) -> np.ndarray:  # (T, 68, 2)
        """The points of the face in these pictures."""

    def arrays(self) -> dict[str, np.ndarray]:
        """All that the view shows, as `View.arrays` names it."""
        view, frames = self.view, self.frames(self.moments)
        shown = {"frames": frames}
        if view.landmarks:
            shown["landmarks"] = self.landmarks(self.moments)
        if view.flow:
            shown["flow"] = self._flow(frames)
        if view.dynamic_image:
            shown["dynamic_image"] = self.dynamic_image(frames)
        return shown

    def _flow(self, frames: np.ndarray) -> np.ndarray:  # (2, H, W), or (P, 2, H, W) between neighbours
        view, moments, step = self.view, self.moments, self.view.subclips
        if view.flow_between == "neighbours":
            return self.flows(moments[:-step], moments[step:], frames[:-step], frames[step:])
        onset, apex = self.ends
        # By the same camera as the onset: a grey one is noisier than a colour picture turned grey.
        last = frames[-1:] if view.span == "onset-apex" else self.frames([apex])
        return self.flows([onset], [apex], frames[:1], last)[0]

    def flows(
        self, starts: Sequence[Moment], ends: Sequence[Moment], firsts: np.ndarray, lasts: np.ndarray
    ) -> np.ndarray:  # (P, 2, H, W)
        """Motion between pairs of moments, of which the pictures are there already."""
        return estimate_flows(grey(firsts), grey(lasts), self.view.flow)

    def dynamic_image(self, frames: np.ndarray) -> np.ndarray:  # (H, W)
        """The pictures in one."""
        return dynamic_image(grey(frames))


def grey(frames: np.ndarray) -> np.ndarray:  # (T, H, W)
    """Pictures (T, H, W[, 3]) without their colours."""
    return frames if frames.ndim == 3 else np.stack([cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in frames])
