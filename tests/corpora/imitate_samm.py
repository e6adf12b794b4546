"""An imitation of SAMM: a preamble of 13 rows, subjects as text, frame numbers of 4 or 5 digits, `or` in cells."""

from pathlib import Path

from tests.corpora.imitate import Planted, write_frames, write_sheets

HEADER = (
    "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro",
    "Action Units", "Estimated Emotion", "Objective Classes", "Notes",
)  # fmt: skip
PREAMBLE = [("A made-up table",), (), *[(f"symbol {i}", "meaning") for i in range(11)]]
ROWS = (  # subject, clip, onset, apex, offset, units, emotion
    ("006", "006_1_2", 562, 566, 570, "A12", "Happiness"),
    ("006", "006_1_3", 10321, 10324, 10330, "4 + L10", "Anger"),
    ("007", "007_6_1", 200, 203, 208, "(R6 or R12)+R15", "Contempt"),
    ("011", "011_4_2", 90, 95, 99, "L12 or L14", "Other"),
    ("028", "028_4_1", 300, 290, 306, 4, "Sadness"),  # apex before onset
    ("035", "035_7_2", 83, 85, 90, "R14A or 17A or 24A", "Disgust"),
    ("035", "035_7_4", 400, 403, 408, "7B+ ref(43)", "Surprise"),
    ("037", "037_3_1", 100, 103, 108, "12+15 ", ""),  # no emotion
)


def imitate(root: Path, tree: str = "SAMM", table: str = "SAMM_Micro_FACS_Codes_v2.xlsx") -> Planted:
    """Write it below `root`."""
    planted = Planted(root)
    for seed, (subject, clip, onset, _, offset, _, _) in enumerate(ROWS):
        digits = 5 if clip in ("006_1_2", "035_7_4") else 4
        write_frames(
            root / tree / subject / clip, range(onset, offset + 1), f"{subject}_{{:0{digits}d}}.jpg", seed
        )
    rows = [
        (s, c, 1, on, apex, off, off - on + 1, "Micro - 1/2", units, emotion, 1, "")
        for s, c, on, apex, off, units, emotion in ROWS
    ]
    write_sheets(root / table, {"MICRO_ONLY": [*PREAMBLE, HEADER, *rows]})
    planted.clip("samm/006/006_1_2", "happiness", 562, 566, 570, "A12")
    planted.clip("samm/006/006_1_3", "anger", 10321, 10324, 10330, "4+L10")
    planted.clip("samm/007/007_6_1", "contempt", 200, 203, 208, "(R6 or R12)+R15")
    planted.clip("samm/011/011_4_2", "others", 90, 95, 99, "(L12 or L14)")
    planted.clip("samm/035/035_7_2", "disgust", 83, 85, 90, "(R14A or 17A or 24A)")
    planted.clip("samm/035/035_7_4", "surprise", 400, 403, 408, "7B+43")
    planted.left_out = {
        "samm/028/028_4_1": "apex outside: 290, not 300 to 306",
        "samm/037/037_3_1": "no label",
    }
    return planted
