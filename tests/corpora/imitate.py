"""Small corpora that look like the licensed ones on disk: same trees, headers, sheets and quirks, no row of theirs.

Every picture is drawn, every label is made up. An imitation returns what a script must make of it: `Planted`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from openpyxl import Workbook

HEIGHT, WIDTH = 48, 64


@dataclass
class Planted:
    """What an imitation holds: labels of the clips that must be found, reasons of the rest."""

    root: Path
    clips: dict[str, dict[str, object]] = field(
        default_factory=dict
    )  # clip → emotion, onset, apex, offset, units
    left_out: dict[str, str] = field(default_factory=dict)  # clip or folder → how its reason begins

    def clip(
        self, name: str, emotion: str, onset: int, apex: int | None, offset: int, units: str | None = ""
    ) -> None:
        """A clip that must be found."""
        self.clips[name] = {
            "emotion": emotion,
            "onset": onset,
            "apex": apex,
            "offset": offset,
            "action_units": units,
        }


def picture(seed: int, number: int) -> np.ndarray:  # (H, W, 3)
    """A blurred pattern of this clip that moves a little from frame to frame."""
    rng = np.random.RandomState(seed)
    pattern = cv2.GaussianBlur(rng.rand(HEIGHT, WIDTH, 3).astype(np.float32), (0, 0), 2)
    pattern = cv2.normalize(pattern, None, 20, 235, cv2.NORM_MINMAX)
    move = np.array([[1, 0, 0.1 * (number % 10)], [0, 1, 0]], np.float32)
    return cv2.warpAffine(pattern, move, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT).astype(np.uint8)


def write_frames(
    folder: Path, numbers: Iterable[int], name: str | Callable[[int], str], seed: int = 0
) -> None:
    """A folder of frames; `name` is a format such as "img{}.jpg"."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        file = name(number) if callable(name) else name.format(number)
        _, data = cv2.imencode(Path(file).suffix, picture(seed, number))
        (folder / file).write_bytes(data.tobytes())


def write_sheets(path: Path, sheets: Mapping[str, Sequence[Sequence[object]]]) -> None:
    """A workbook with these rows in these sheets."""
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
