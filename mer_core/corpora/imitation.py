"""A small imitation of CASME II, drawn with synthetic faces: its tree, its label table and the usual accidents.

Whoever has no licence can watch `mer prepare casme2` at work on it. No row and no picture of the corpus is in it.
"""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from openpyxl import Workbook

from mer_core.corpora.catalogue import open_corpus
from mer_core.faces.corpus import Corpus
from mer_core.faces.expression import ClipSpec
from mer_core.vision.landmarks import Landmarks

TABLE = "CASME2-coding-20190701.xlsx"
HEADER = ("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units",
          "Estimated Emotion")  # fmt: skip
FACE, LEFT, RIGHT = 144, 72, 24  # pixels: the face stands off the middle of the picture
STRIDE = 0.02  # seconds: a fourth of the frames that a camera would take, so that drawing is quick
# Clip of synth-mini → subject, name and first frame of the clip that is made of it.
CLIPS = {
    "synth-mini/s01/03": ("01", "EP01_01", 41),
    "synth-mini/s01/05": ("01", "EP01_02f", 7),
    "synth-mini/s02/03": ("02", "EP02_01", 96),
    "synth-mini/s02/04": ("02", "EP02_02f", 15),
    "synth-mini/s03/01": ("16", "EP01_08", 81),
    "synth-mini/s04/01": ("18", "EP03_01", 58),
    "synth-mini/s04/02": ("18", "EP03_02", 120),
    "synth-mini/s05/04": ("19", "EP04_01f", 33),
    "synth-mini/s05/02": ("19", "EP04_03", 9),
    "synth-mini/s06/01": ("20", "EP05_01", 64),
}  # fmt: skip
ACCIDENTS: Mapping[str, Mapping[str, object]] = {  # what the table says instead of what is so
    "EP01_08": {"offset": 110},
    "EP02_02f": {"apex": "/"},
    "EP03_02": {"action_units": "14+soft focus"},
    "EP04_01f": {"offset": 30},
}


def imitate_casme2(root: Path) -> Landmarks:
    """Fill `root`; returns the landmarks of every frame, which a synthetic face knows exactly."""
    corpus, rows, points = open_corpus("synth-mini"), [], {}
    for clip, (subject, name, first) in CLIPS.items():
        spec, folder = corpus.spec(clip), root / "CASME2-RAW" / f"sub{subject}" / name
        times = np.arange(spec.onset, spec.offset, STRIDE)
        _write_frames(folder, corpus.frames(clip, times, FACE), first)
        rows.append(_row(spec, subject, name, first, len(times)))
        points |= {
            (f"casme2/sub{subject}/{name}", first + i): _place(corpus, clip, t) for i, t in enumerate(times)
        }
    _damage(root / "CASME2-RAW")
    rows.append(("20", "EP05_02", None, 12, 20, 31, None, "1+2", "surprise"))  # its folder was never unpacked
    _write_table(root / TABLE, rows)
    return Landmarks.collect(points.items(), "known of synthetic faces")


def _row(spec: ClipSpec, subject: str, name: str, first: int, n: int) -> tuple:
    """A line of the label table, with its accident."""
    apex = first + round((spec.apex - spec.onset) / STRIDE)
    labels = {"onset": first, "apex": apex, "offset": first + n - 1, "action_units": spec.action_units}
    labels |= ACCIDENTS.get(name, {})
    onset, apex, offset, units = labels.values()
    return (
        subject,
        name,
        None,
        onset,
        apex,
        offset,
        None,
        int(units) if units.isdecimal() else units,
        spec.emotion,
    )


def _write_frames(folder: Path, frames: np.ndarray, first: int) -> None:
    """Numbers without zeros before them, as the corpus has them."""
    folder.mkdir(parents=True)
    for number, face in enumerate(frames, start=first):
        wide = cv2.copyMakeBorder(face, 0, 0, LEFT, RIGHT, cv2.BORDER_REPLICATE)
        cv2.imwrite(str(folder / f"img{number}.jpg"), wide[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])


def _place(corpus: Corpus, clip: str, t: float) -> np.ndarray:  # (68, 2)
    return corpus.landmarks(clip, t, FACE) + np.array([LEFT, 0])


def _damage(raw: Path) -> None:
    """What happens to archives: a file cut off, frames lost, a clip that nobody labelled, strays."""
    cut = raw / "sub19" / "EP04_03" / "img12.jpg"
    cut.write_bytes(cut.read_bytes()[:-200])
    for number in (66, 67):
        (raw / "sub20" / "EP05_01" / f"img{number}.jpg").unlink()
    (raw / "sub09" / "EP02_02f").mkdir(parents=True)
    (raw / "sub09" / "EP02_02f" / "img1.jpg").write_bytes(
        (raw / "sub01" / "EP01_01" / "img41.jpg").read_bytes()
    )
    (raw / "sub01" / "Shortcut to videos.lnk").write_bytes(b"stray")


def _write_table(path: Path, rows: list[tuple]) -> None:
    """A first sheet with two nameless columns, then two empty ones."""
    book = Workbook()
    for row in (HEADER, *rows):
        book.active.append(row)
    book.active.title = "Sheet1"
    for title in ("Sheet2", "Sheet3"):
        book.create_sheet(title)
    book.save(path)
