"""The clips of the chapter as MOL sees them, and how far they move."""

from dataclasses import dataclass

import numpy as np

from mer_core.faces.corpus import STEADY
from mer_core.methods.mol import FRAMES
from mer_core.studies import papers
from mer_core.studies.papers import Material, PaperChapter
from mer_core.vision import similarity
from mer_core.vision.align import move_flow

SIZES = {"size", "stack", "redirect", "encoder", "decoder", "landmark_widths", "classifier_widths"}
STUDIO = np.eye(2, 3)  # the framing as a face was recorded


class Chapter(PaperChapter):
    """What a reader may choose."""


def material(settings: Chapter) -> Material:
    """The clips as MOL sees them, a clip at a time."""
    method = settings.method("mol")
    if method.settings.subclips > 1:
        raise ValueError("This chapter shows one sub-clip a clip: set subclips=1.")
    return papers.material(settings, method)


@dataclass(frozen=True)
class ExactMotion:
    """Between neighbouring frames of the tested clips, as the view frames them, in pixels."""

    flow: np.ndarray  # (n, 7, 2, H, W)
    head_still: np.ndarray  # (n, 7, 2, H, W), if the head did not move
    face: np.ndarray  # (n, H, W), true on the face

    @property
    def largest(self) -> float:
        """On the face, in the median clip."""
        far = np.linalg.norm(self.flow, axis=2)  # (n, 7, H, W)
        return float(np.median([clip[:, face].max() for clip, face in zip(far, self.face, strict=True)]))

    def sizes(self) -> dict[str, float]:
        """The mean on all faces, and the largest of the median clip, with and without the head."""
        far, calm = (np.linalg.norm(flow, axis=2) for flow in (self.flow, self.head_still))
        on_face = np.broadcast_to(self.face[:, None], far.shape)
        return {
            "mean motion on the face": float(far[on_face].mean()),
            "largest in a clip, median": self.largest,
            "largest if the head kept still": float(np.median(calm.max((1, 2, 3)))),
        }


def exact_motion(given: Material) -> ExactMotion:
    """As the tested clips were rendered."""
    names, side = given.table["clip"][given.tested], given.method.view.size
    masks = [given.faces.mask(name, given.faces.spec(name).onset, side) for name in names]
    flow = np.stack([exact_flow(given, name) for name in names])
    head_still = np.stack([exact_flow(given, name, without={"head"}) for name in names])
    return ExactMotion(flow, head_still, np.stack(masks))


def exact_flow(given: Material, clip: str, **face: object) -> np.ndarray:
    """Motion between neighbours (7, 2, H, W), in the frames of the view."""
    faces, view, spec = given.faces, given.method.view, given.faces.spec(clip)
    times = np.linspace(spec.onset, spec.offset, FRAMES)
    points = [faces.landmarks(clip, t, view.size, **face)[STEADY] for t in times]
    moves = [similarity(p, points[0]) if view.align == "frame" else STUDIO for p in points]
    pairs = zip(times[:-1], times[1:], moves[:-1], moves[1:], strict=True)
    return np.stack([
        move_flow(faces.flow(clip, start, end, view.size, **face), *two) for start, end, *two in pairs
    ])  # fmt: skip
