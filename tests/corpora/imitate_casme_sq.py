"""An imitation of CAS(ME)²: long videos, a table without header, participants that are other numbers than folders."""

from pathlib import Path

from tests.corpora.imitate import Planted, write_frames, write_sheets

ROWS = (  # participant, code, onset, apex, offset, units, valence, kind, feeling
    (1, "disgust1_1", 5, 8, 12, "4+L10", "negative", "micro-expression", "disgust"),
    (3, "happy1_2", 20, 22, 26, "10or11", "positive", "micro-expression", "happiness"),
    (3, "happy1_3", 998, 1000, 1003, 12, "others", "micro-expression", "pain"),
    (2, "anger2_1", 4, 6, 0, "NULL", "negative", "macro-expression", "anger"),  # offset not coded
    (2, "anger2_2", 4, 6, 9, "4+6,24", "surprise", "macro-expression", "helpless"),
    (22, "happy3_1", 1, 3, 6, "14or23", "positive", "micro-expression", "happiness"),  # no folder
)
VIDEOS = {
    "s15/15_0101disgustingteeth": range(1, 15),
    "s19/23_0502funnyerrors": [*range(18, 28), *range(996, 1005)],  # a folder with another one's number
    "s16/16_0402beatingpregnantwoman": range(1, 12),
    "s40/40_0101disgustingteeth": range(1, 3),  # no row
}


def imitate(
    root: Path, tree: str = "CAS(ME)^2/rawpic/rawpic", table: str = "CAS(ME)^2/CAS(ME)^2code_final.xlsx"
) -> Planted:
    """Write it below `root`; what is planted are the micro-expressions."""
    planted = Planted(root)
    for seed, (video, numbers) in enumerate(VIDEOS.items()):
        write_frames(root / tree / video, numbers, "img{:03d}.jpg", seed)
    rules = {
        "naming rule1": [(15, "s15", 1), (16, "s16", 2), (19, "s19", 3)],
        "naming rule2": [("0101", "disgust1")],
    }
    write_sheets(root / table, {"CASFEcode_final": ROWS, **rules})
    planted.clip("casme_sq/s15/disgust1_1_5", "negative", 5, 8, 12, "4+L10")
    planted.clip("casme_sq/s19/happy1_2_20", "positive", 20, 22, 26, "(10 or 11)")
    planted.clip("casme_sq/s19/happy1_3_998", "others", 998, 1000, 1003, "12")
    planted.left_out = {
        "casme_sq/s40/happy3_1_1": "folder missing: s40/0505",
        "folder s40/0101": "no label",
        "folder s16/0402": "no label",
    }
    return planted
