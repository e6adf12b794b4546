"""Landmarks for the clips of a survey: from a file, from a detector, or none."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mer_core.clips import View
from mer_core.corpora.images import read_image
from mer_core.corpora.prepared import frames_to_landmark
from mer_core.corpora.survey import Survey, leave_out
from mer_core.progress import progress
from mer_core.vision.landmarks import LandmarkError, Landmarks, detect, detector_name, read_landmarks


def find_landmarks(found: Survey, view: View, said: str) -> tuple[Survey, Landmarks | None]:
    """The landmarks that this view needs; a clip that lacks some is left out, with the reason."""
    if said == "none":
        return found, None
    if said == "dlib":
        known, reasons = _detected(found, view)
    else:
        known = read_landmarks(Path(said))
        lacking = {row.clip: _lacking(row, view, known) for row in found.clips.itertuples()}
        reasons = {clip: reason for clip, reason in lacking.items() if reason}
    found = leave_out(found, reasons) if reasons else found
    return found, known.only(found.clips["clip"])


def _lacking(row: tuple, view: View, known: Landmarks) -> str | None:
    try:
        for frame in frames_to_landmark(row, view):
            known.of(row.clip, frame)
    except LandmarkError as error:
        return f"no landmarks: {error}"
    return None


def _detected(found: Survey, view: View) -> tuple[Landmarks, dict[str, str]]:
    """The points, and why some clips lack them: one frame without a face is enough."""
    points, without = detect(progress(_pictures(found, view), desc="finding faces"))
    reasons = {
        clip: f"no landmarks: frame {frame}, {why}" for (clip, frame), why in reversed(without.items())
    }
    return Landmarks.collect(points.items(), detector_name()), reasons


def _pictures(found: Survey, view: View) -> Iterator[tuple[tuple[str, int], np.ndarray]]:
    paths = found.frames.set_index(["clip", "frame"])["path"]
    for row in found.clips.itertuples():
        for frame in frames_to_landmark(row, view):
            yield (row.clip, frame), read_image(found.source.root / paths[row.clip, frame], colour=False)
