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
    known = _detected(found, view) if said == "dlib" else read_landmarks(Path(said))
    reasons = {row.clip: reason for row in found.clips.itertuples() if (reason := _lacking(row, view, known))}
    found = leave_out(found, reasons) if reasons else found
    return found, known.only(found.clips["clip"])


def _lacking(row: tuple, view: View, known: Landmarks) -> str | None:
    try:
        for frame in frames_to_landmark(row, view):
            known.of(row.clip, frame)
    except LandmarkError as error:
        return f"no landmarks: {error}"
    return None


def _detected(found: Survey, view: View) -> Landmarks:
    points, _ = detect(progress(_pictures(found, view), desc="finding faces"))
    return Landmarks.collect(points.items(), detector_name())


def _pictures(found: Survey, view: View) -> Iterator[tuple[tuple[str, int], np.ndarray]]:
    paths = found.frames.set_index(["clip", "frame"])["path"]
    for row in found.clips.itertuples():
        for frame in frames_to_landmark(row, view):
            yield (row.clip, frame), read_image(found.source.root / paths[row.clip, frame], colour=False)
