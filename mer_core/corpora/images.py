"""Frames on disk: which file is which frame, whether it is whole, and its pixels."""

import filecmp
import os
import re
import stat
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import BinaryIO, NamedTuple

import cv2
import numpy as np

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"}
ENDINGS = {b"\xff\xd8": b"\xff\xd9", b"\x89P": b"IEND\xaeB`\x82"}  # by how a file begins
# "img5 (3)", "img5 - Copy (2)", "img5 copy 2": a second copy of img5, as browsers and file managers name it.
COPY = re.compile(
    r"(\s*\(\d+\)|\s+\((another |\d+\w\w )?copy\)|\s+-\s+(copy|kopie|copie|copia|副本)|\s+copy(\s+\d+)?)+$",
    re.IGNORECASE,
)
# What the decoders' libraries print of damage: they fill in what is lost, and OpenCV passes no word of it on.
DAMAGE = re.compile(
    r"(?:Corrupt JPEG data|Premature end of JPEG|Inconsistent progression|libpng error|TIFF_Error).*"
)
DEPTHS = (8, 10, 12, 14, 16)  # bits that a camera may give a value
LARGEST = 2**29  # bytes of a file: no picture that OpenCV reads has more
BATCH = 64  # pictures that are decoded while the decoders are listened to


class ImageError(ValueError):
    """A picture can't be used; the message names the file."""


# Which file is which frame


def frame_number(name: str) -> int | None:
    """The last number in the name of a frame, without its suffix; None where there is none.

    The number of a copy is none of its frame's, unless it is the only one.

    >>> frame_number("reg_img46"), frame_number("006_05562"), frame_number("cover")
    (46, 5562, None)
    >>> frame_number("img5 (3)"), frame_number("img5 - Copy (2)"), frame_number("img (3)")
    (5, 5, 3)
    """
    numbers = re.findall(r"[0-9]+", COPY.sub("", name)) or re.findall(r"[0-9]+", name)
    return int(numbers[-1]) if numbers else None


def index_frames(folder: Path) -> dict[int, Path]:
    """The pictures in a folder by frame number, in the order of time; what is no picture is passed over.

    Names are padded with zeros or not, even within one folder: only their number counts. Of several files for one
    number it is the original: `list_frames` has them all.
    """
    return {number: files[0] for number, files in list_frames(folder).items()}


def extent(folder: Path) -> tuple[int | None, int | None, str]:
    """First and last frame, and why there are none."""
    try:
        numbers = list(index_frames(folder))
    except ImageError as error:
        return None, None, f"unclear frames: {error}"
    return (numbers[0], numbers[-1], "") if numbers else (None, None, "frames missing: the folder is empty")


def list_frames(folder: Path) -> dict[int, list[Path]]:
    """Every picture in a folder by frame number, in the order of time; copies come after their original."""
    pictures = [
        p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.name[0] != "." and not p.is_dir()
    ]
    numbers = {path: number for path in pictures if (number := frame_number(path.stem)) is not None}
    if _renamed_at_once(pictures):
        numbers = {path: int(re.findall(r"[0-9]+", path.stem)[-1]) for path in pictures}
    frames: dict[int, list[Path]] = {}
    for path in sorted(numbers, key=lambda p: (numbers[p], bool(COPY.search(p.stem)), p.name)):
        frames.setdefault(numbers[path], []).append(path)
    return frames


def _renamed_at_once(pictures: Sequence[Path]) -> bool:
    """Whether all are called "clip7 (1)", "clip7 (2)", …: an explorer's new names for many files, no copies."""
    names = {re.sub(r"\([0-9]+\)$", "", path.stem) for path in pictures}
    return len(pictures) > 1 and len(names) == 1 and not {path.stem for path in pictures} & names


def others(files: Sequence[Path]) -> list[Path]:
    """Of several files for one frame, those that hold something else than the first."""
    try:
        return [path for path in files[1:] if not filecmp.cmp(files[0], path, shallow=False)]
    except OSError:
        return list(files[1:])


# Looking at them


class Picture(NamedTuple):
    """What is known of a picture that was looked at."""

    crc: int  # of the file
    height: int = 0
    width: int = 0
    bits: int = 0  # that its largest value has; 8 for all files of 8 bits
    grey: bool = False  # it has one channel
    sketch: bytes = b""  # its mean values in 8 × 8 fields, uint16
    flaw: str = ""  # what is wrong with it, if anything is


def look_at(paths: Sequence[Path], known: Mapping[Path, Picture] | None = None) -> Iterator[Picture]:
    """Read and decode pictures, and listen to the decoders; what is `known` is not decoded again if it is the same.

    Some are decoded at once; if a decoder complains, one by one, to know of which.
    """
    known = known or {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(paths), BATCH):
            batch = paths[start : start + BATCH]
            with _overheard() as heard:
                pictures = list(pool.map(lambda path: _look(path, known.get(path)), batch))
            if not any(map(DAMAGE.search, heard)):
                yield from pictures
                _pass_on(heard, pictures)
            else:
                yield from map(_look_alone, batch)


def _look_alone(path: Path) -> Picture:
    with _overheard() as heard:
        picture = _look(path)
    damage = DAMAGE.search("".join(heard))
    return picture._replace(flaw=f"damaged inside: {damage[0].strip()}") if damage else picture


def _pass_on(heard: Sequence[str], pictures: Sequence[Picture]) -> None:
    """What was no complaint of a picture goes where it was going."""
    if not any(picture.flaw for picture in pictures):
        sys.stderr.write("".join(heard))


def _look(path: Path, known: Picture | None = None) -> Picture:
    try:
        data = _read(path)
    except OSError as error:
        nowhere = path.is_symlink() and isinstance(error, FileNotFoundError)
        return Picture(0, flaw="a link to nothing" if nowhere else error.strerror)
    picture = Picture(zlib.crc32(data))
    if known and known.crc == picture.crc:
        return known
    if flaw := _cut(data):
        return picture._replace(flaw=flaw)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_ANYDEPTH)
    except cv2.error as error:
        return picture._replace(flaw=_refusal(error))
    if image is None or image.dtype not in (np.uint8, np.uint16):
        return picture._replace(flaw="can't be decoded" if image is None else f"values of type {image.dtype}")
    bits = 8 if image.dtype == np.uint8 else _bits(data)
    height, width = image.shape
    return Picture(picture.crc, height, width, bits, _is_grey(data), _sketch(image))


def _is_grey(data: bytes) -> bool:
    """Whether a whole picture has one channel, as its header says."""
    if data.startswith(b"\x89P"):
        return data[25] in (0, 4)  # without and with transparency
    if data.startswith(b"BM"):
        return data[28] <= 8  # bits a pixel
    at = 2
    while data.startswith(b"\xff\xd8") and at + 9 < len(data) and data[at] == 0xFF:
        if 0xC0 <= data[at + 1] <= 0xCF and data[at + 1] not in (0xC4, 0xC8, 0xCC):  # the frame's header
            return data[at + 9] == 1
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return False


def _sketch(image: np.ndarray) -> bytes:
    """Of every fourth pixel of a large picture: it is about its light, not its lines."""
    step = max(1, min(image.shape) // 120)
    sketch = cv2.resize(image[::step, ::step], (8, 8), interpolation=cv2.INTER_AREA)
    return sketch.astype(np.uint16).tobytes()


def _bits(data: bytes) -> int:
    """Of the largest value in a file of 16 bits, whatever its colour."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR)
    return int(image.max()).bit_length()


def _read(path: Path) -> bytes:
    """A file's content; an `OSError` for what is no file, or larger than any picture."""
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        raise OSError(0, "no file")
    if about.st_size > LARGEST:
        raise OSError(0, f"{about.st_size / 1e9:.1f} GB, more than a picture has")
    return path.read_bytes()


def _cut(data: bytes) -> str | None:
    """What is wrong with a file as its first and last bytes have it."""
    if len(data) < 16:
        return "empty file"
    if data.startswith(b"BM"):
        return "cut off" if int.from_bytes(data[2:6], "little") > len(data) else None
    if data.startswith((b"II*\0", b"MM\0*")):
        return None
    if not data.startswith((b"\xff\xd8", b"\x89PNG")):
        return "no picture"
    return None if ENDINGS[data[:2]] in data[-64:] else "cut off"


def _refusal(error: cv2.error) -> str:
    if "CV_IO_MAX_IMAGE" in error.err:
        return "more pixels than OpenCV reads: 2^30, and 2^20 a side"
    return f"can't be decoded: {error.err}"


_listening = Lock()  # there is one standard error


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """What is printed on file descriptor 2 meanwhile: libraries written in C say nowhere else what is wrong."""
    heard: list[str] = []
    with _listening, _nameless_file() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield heard
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            heard.append(file.read().decode(errors="replace"))


def _nameless_file() -> BinaryIO:
    """In memory where there is such a thing: a full disk would silence the decoders."""
    return os.fdopen(os.memfd_create("heard"), "w+b") if hasattr(os, "memfd_create") else TemporaryFile()


# Their pixels


def depth(bits: int) -> int:
    """The bits of a camera whose largest value has so many: 12 for a clip of up to 4095.

    >>> depth(8), depth(11), depth(16)
    (8, 12, 16)
    """
    return next(depth for depth in DEPTHS if bits <= depth)


def read_image(path: Path, *, colour: bool, bits: int = 16, crc: int | None = None) -> np.ndarray:
    """(H, W) or (H, W, 3) uint8, red first.

    Of the values in a file of 16 bits, `bits` count: those of a camera of 12 bits would all be black otherwise. With
    `crc`, the file must be the one that was looked at.
    """
    try:
        data = _read(path)  # OpenCV's own reading fails on some systems' paths
        kind = cv2.IMREAD_ANYDEPTH | (cv2.IMREAD_COLOR if colour else cv2.IMREAD_GRAYSCALE)
        image = cv2.imdecode(np.frombuffer(data, np.uint8), kind) if data else None
    except (OSError, cv2.error) as error:
        raise ImageError(
            f"{path} can't be read as a picture: {getattr(error, 'strerror', None) or error}"
        ) from None
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise ImageError(f"{path} can't be read as a picture: unpack it again from your copy of the corpus.")
    if crc is not None and zlib.crc32(data) != crc:
        raise ImageError(
            f"{path} is another picture than it was: prepare the corpus again, into another folder."
        )
    image = image if image.dtype == np.uint8 else (image >> (bits - 8)).clip(max=255).astype(np.uint8)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if colour else image
