"""Landmarks for the small pictures of the imitations."""

import numpy as np

from mer_core.vision.landmarks import Landmarks


def face(shift=0.0):
    """68 landmarks: a face of 20 pixels between the eyes."""
    points = np.full((68, 2), 30.0)
    points[36:42], points[42:48] = (22, 16), (42, 16)
    points[30], points[48], points[54] = (32, 26), (26, 36), (38, 36)
    return points + shift


def write_still_landmarks(path, planted):
    """The same face in every frame of the clips that an imitation has planted."""
    numbers = {clip: range(labels["onset"], labels["offset"] + 1) for clip, labels in planted.clips.items()}
    Landmarks({clip: dict.fromkeys(frames, face()) for clip, frames in numbers.items()}, "test").write(path)
