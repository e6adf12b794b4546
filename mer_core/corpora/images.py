"""Frames on disk: which file is which frame, whether it is whole, and its pixels."""

import re
from pathlib import Path

import cv2
import numpy as np

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp"}
ENDINGS = {".jpg": b"\xff\xd9", ".jpeg": b"\xff\xd9", ".png": b"IEND\xaeB`\x82"}


class ImageError(ValueError):
    """A picture can't be used; the message names the file."""


def frame_number(name: str) -> int | None:
    """The last number in the name of a frame, without its suffix; None where there is none.

    >>> frame_number("reg_img46"), frame_number("006_05562"), frame_number("cover")
    (46, 5562, None)
    """
    numbers = re.findall(r"[0-9]+", name)
    return int(numbers[-1]) if numbers else None


def index_frames(folder: Path) -> dict[int, Path]:
    """The pictures in a folder by frame number, in the order of time; what is no picture is passed over.

    Names are padded with zeros or not, even within one folder: only their number counts.
    """
    frames: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        number = frame_number(path.stem)
        if number is None or path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        if number in frames:
            raise ImageError(f"{frames[number].name} and {path.name} are both frame {number} of {folder}.")
        frames[number] = path
    return dict(sorted(frames.items()))


def flaw(path: Path) -> str | None:
    """What is wrong with a picture, judged by its first and last bytes; None if nothing is.

    A decoder fills what a broken download lacks with grey and says nothing: so look whether the file has an end.
    """
    size = path.stat().st_size
    if size < 16:
        return "empty file"
    with path.open("rb") as file:
        start = file.read(8)
        file.seek(max(0, size - 64))
        end = file.read()
    if start.startswith(b"BM"):
        return "cut off" if int.from_bytes(start[2:6], "little") > size else None
    if not start.startswith((b"\xff\xd8", b"\x89PNG")):
        return "no picture"
    ending = ENDINGS[".png" if start[0] == 0x89 else ".jpg"]
    return None if ending in end else "cut off"


def read_image(path: Path, *, colour: bool) -> np.ndarray:
    """(H, W) or (H, W, 3) uint8, red first."""
    data = np.fromfile(path, np.uint8)  # OpenCV's own reading fails on some systems' paths
    image = cv2.imdecode(data, cv2.IMREAD_COLOR if colour else cv2.IMREAD_GRAYSCALE) if len(data) else None
    if image is None:
        raise ImageError(f"{path} can't be read as a picture: unpack it again from your copy of the corpus.")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if colour else image
