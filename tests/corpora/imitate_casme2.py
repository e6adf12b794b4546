"""An imitation of CASME II: nested archive, unpadded frame numbers, two blank columns, numbers among text."""

from pathlib import Path

from tests.corpora.imitate import Planted, write_frames, write_sheets

HEADER = (
    "Subject",
    "Filename",
    None,
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    None,
    "Action Units",
    "Estimated Emotion",
)
ROWS = (  # subject, clip, onset, apex, offset, units, emotion
    ("01", "EP02_01f", 8, 12, 17, "4+L10", "disgust"),
    ("01", "EP03_02", 95, 99, 103, 12, "happiness"),
    ("03", "EP01_2", 1, 4, 9, "4+5", "surprise"),
    ("07", "EP06_01", 11, 15, 9, "R12", "happiness"),  # offset before onset
    ("04", "EP12_01f", 20, "/", 26, 4, "sadness"),  # no apex
    ("05", "EP09_05f", 30, 30, 36, "?", "repression"),  # apex is onset
    ("16", "EP01_08", 73, 76, 80, "17", "others"),  # frames end before the offset
    ("24", "EP07_01", 5, 8, 12, "1+2", "surprise"),  # the table of 2019
    ("26", "EP13_11", 3, 6, 10, "14+soft focus", "others"),
    ("26", "EP18_47", 3, 6, 10, 4, "others"),  # no folder
    ("26", "EP18_49", 3, "x", 10, 4, "bored"),  # neither a known emotion nor an apex
)
FILES = {"16/EP01_08": range(73, 79)}


def imitate(
    root: Path,
    tree: str = "CASME2-RAW",
    frame: str = "img{}.jpg",
    table: str = "CASME2-coding-20190701.xlsx",
    subject: str = "sub{:02d}",
) -> Planted:
    """Write it below `root`."""
    planted = Planted(root)
    for seed, (number, clip, onset, _, offset, _, _) in enumerate(ROWS):
        if clip == "EP18_47":
            continue
        numbers = FILES.get(f"{number}/{clip}", range(min(onset, offset), max(onset, offset) + 1))
        write_frames(root / tree / subject.format(int(number)) / clip, numbers, frame, seed)
    write_frames(root / tree / subject.format(9) / "EP02_02f", range(1, 4), frame, 99)  # no row
    (root / tree / subject.format(1) / "Shortcut to videos.lnk").write_bytes(b"stray")
    rows = [(s, c, None, on, apex, off, None, units, emotion) for s, c, on, apex, off, units, emotion in ROWS]
    write_sheets(root / table, {"Sheet1": [HEADER, *rows], "Sheet2": [], "Sheet3": []})
    planted.clip("casme2/sub01/EP02_01f", "disgust", 8, 12, 17, "4+L10")
    planted.clip("casme2/sub01/EP03_02", "happiness", 95, 99, 103, "12")
    planted.clip("casme2/sub03/EP01_2", "surprise", 1, 4, 9, "4+5")
    planted.clip("casme2/sub05/EP09_05f", "repression", 30, 30, 36, None)  # "?": nobody knows
    planted.clip("casme2/sub24/EP07_01", "surprise", 5, 8, 12, "1+2")
    planted.clip("casme2/sub26/EP13_11", "others", 3, 6, 10, "14")
    planted.left_out = {
        "casme2/sub07/EP06_01": "offset before onset: 9 before 11",
        "casme2/sub04/EP12_01f": "apex absent: '/'",
        "casme2/sub16/EP01_08": "frames missing: 2 of 8 (79, 80)",
        "casme2/sub26/EP18_47": "folder missing: sub26/EP18_47",
        "casme2/sub26/EP18_49": "unknown label",
        "folder sub09/EP02_02f": "no label",
    }
    return planted
