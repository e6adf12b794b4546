"""Imitations of SMIC: the folder as the label (HS), and long clips with a table (HS-E), a blank in a folder's name."""

from pathlib import Path

from tests.corpora.imitate import Planted, write_frames, write_sheets

FOLDERS = {"ne": "negative", "po": "positive", "sur": "surprise"}
CLIPS = (  # subject, class, number, first frame, last frame
    (1, "ne", 1, 559740, 559746),
    (1, "po", 2, 72643, 72650),
    (3, "sur", 5, 100200, 100206),
    (20, "ne", 1, 17581039, 17581044),
)
HEADER = (
    "Subject", "Filename", None, "OnsetF", "OffsetF", "Onset2F", "Offset2F", "Onset3F", "Offset3F", None, "FirstF",
    "LastF", "TotalMF1", "TotalMF2", "TotalMF3", "TotalVL", "Emotion", None, None,
)  # fmt: skip


def imitate(root: Path, tree: str = "SMIC_all_raw", frame: str = "image{:06d}.jpg") -> Planted:
    """The HS camera, raw or cropped: labels are folders."""
    planted = Planted(root)
    for seed, (subject, kind, number, first, last) in enumerate(CLIPS):
        name = f"s{subject}_{kind}_{number:02d}"
        numbers = [n for n in range(first, last + 1) if name != "s3_sur_05" or n != first + 3]  # a hole
        write_frames(
            root / tree / "HS" / f"s{subject}" / "micro" / FOLDERS[kind] / name, numbers, frame, seed
        )
        if name != "s3_sur_05":
            planted.clip(f"smic/s{subject:02d}/{name}", FOLDERS[kind], first, None, last, None)
    write_frames(root / tree / "HS" / "s1" / "non_micro" / "s1_non_01", range(5), frame)
    (root / tree / "HS" / "s3" / "micro" / "surprise" / "s3_sur_07").mkdir()
    planted.left_out = {
        "smic/s03/s3_sur_05": "frames missing: 1 of 7 (100203)",
        "smic/s03/s3_sur_07": "frames missing: the folder is empty",
    }
    return planted


def imitate_long(
    root: Path, camera: str = "HS", table: str = "SMIC-HS-E_annotation.xlsx", sheet: str | None = None
) -> Planted:
    """HS-E: padded subjects, long clips, key frames in a table that runs downwards and has empty rows."""
    planted = Planted(root)
    rows = []
    for seed, (subject, kind, number, first, last) in enumerate(CLIPS):
        name = f"s{subject}_{kind}_{number:02d}"
        folder = root / "SMIC-E_raw image" / f"{camera}_long" / f"SMIC-{camera}-E" / f"s{subject:02d}" / name
        write_frames(folder, range(first, last + 1), "image{:06d}.jpg", seed)
        second = (last - 1, last) if name == "s1_po_02" else (None, None)
        missing = "MISSING <-426679" if subject == 20 else first
        rows.insert(0, (subject, name, None, first + 1, last - 1, *second, None, None, None, missing, last, 5, 0, 0, 8,
                        FOLDERS[kind], None, None))  # fmt: skip
        planted.clip(f"smic/s{subject:02d}/{name}", FOLDERS[kind], first + 1, None, last - 1, None)
    gone = (3, "s3_ne_03", None, 5, 9, *[None] * 5, 1, 9, 5, 0, 0, 9, "negative", None, None)
    sheets = {sheet: [HEADER]} if sheet else {"HS": [HEADER], "VIS": [HEADER], "Sheet3": []}
    sheets[sheet or camera] += [*rows, gone, (), ()]
    write_sheets(root / table, sheets)
    planted.left_out = {"smic/s03/s3_ne_03": "folder missing: s3_ne_03"}
    return planted
