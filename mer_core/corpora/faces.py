"""Landmarks for the clips of a survey: from a file, from a detector, or none."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from mer_core.clips import View
from mer_core.corpora.images import depth, read_image
from mer_core.corpora.prepared import PreparedCorpus, frames_to_landmark
from mer_core.corpora.survey import Survey, leave_out
from mer_core.progress import progress
from mer_core.vision.landmarks import (
    LandmarkError,
    Landmarks,
    detect,
    detector_name,
    misplaced,
    read_landmarks,
)

Name = tuple[str, int]  # a clip and a frame


def find_landmarks(
    found: Survey, view: View, said: str, before: PreparedCorpus | None = None
) -> tuple[Survey, Landmarks | None]:
    """The landmarks that this view needs; a clip whose own are lacking or no face's is left out, with the reason.

    What a detector found `before`, in the same picture, is not searched for again.
    """
    if said == "none":
        return found, None
    if said == "dlib":
        known, reasons = _detected(found, view, before)
    else:
        known, reasons = read_landmarks(Path(said)), {}
    sizes = found.frames.drop_duplicates("clip").set_index("clip")[["height", "width"]]
    for row in found.clips.itertuples():
        if row.clip not in reasons and (reason := _flaw(row, view, known, sizes.loc[row.clip])):
            reasons[row.clip] = reason
    found = leave_out(found, reasons)
    return found, known.only(found.clips["clip"])


def _flaw(row: tuple, view: View, known: Landmarks, size: Iterable[int]) -> str | None:
    """Why the landmarks of a clip can't be used: all that lie between onset and offset, needed or not."""
    try:
        for frame in frames_to_landmark(row, view):
            known.of(row.clip, frame)
    except LandmarkError as error:
        return f"no landmarks: {error}"
    there = known.points[row.clip]
    for frame, points in there.items():
        if (len(there) == 1 or row.onset <= frame <= row.offset) and (why := misplaced(points, *size)):
            return f"unusable landmarks: {known.origin}, frame {frame}: {why}"
    return None


def _detected(found: Survey, view: View, before: PreparedCorpus | None) -> tuple[Landmarks, dict[str, str]]:
    """The points, and why some clips lack them: one frame without a face is enough."""
    held = before.found(found.frames, detector_name()) if before else {}
    points, without = detect(progress(_pictures(found, view, held), desc="finding faces"))
    reasons = {
        clip: f"no landmarks: frame {frame}, {why}" for (clip, frame), why in reversed(without.items())
    }
    return Landmarks.collect((held | points).items(), detector_name()), reasons


def _pictures(found: Survey, view: View, held: Iterable[Name]) -> Iterator[tuple[Name, np.ndarray]]:
    """Those that the view needs the points of, but for those that are held already."""
    paths = found.frames.set_index(["clip", "frame"])["path"]
    bits = found.frames.groupby("clip")["bits"].max().map(depth)
    for row in found.clips.itertuples():
        for frame in frames_to_landmark(row, view):
            if (name := (row.clip, frame)) not in held:
                yield name, read_image(found.source.root / paths[name], colour=False, bits=bits[row.clip])
