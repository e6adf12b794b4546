"""Imitations of CAS(ME)³: part A as whole videos and as clips, every cell text; part C with commas between units."""

from pathlib import Path

from tests.corpora.imitate import Planted, write_frames, write_sheets

HEADER = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion")
ROWS = (
    ("spNO.1", "b", "166", "170", "175", "4+R14", "II", "disgust"),
    ("spNO.1", "b", "180", "182", "186", "12", "I", "happy"),
    ("spNO.3", "J", "10", "12", "15", "1+2", "III", "surprise"),
    ("spNO.149", "d", "112", "83", "116", "4", "VII", "Others"),  # apex before onset, a known error
    ("spNO.2", "e", "30", "33", "35", "L5", "VII", "sad"),  # hidden, the owners say
    ("spNO.216", "e", "0", "0", "6", "17", "VII", "fear"),  # there is no 0.jpg
    ("spNO.214", "c", "5", "8", "3460", "4", "VII", "anger"),
)
VIDEOS = {
    "spNO.1/b": range(160, 190),
    "spNO.3/J": range(8, 18),
    "spNO.149/d": range(110, 126),
    "spNO2/e": range(28, 38),  # a folder without the dot
    "spNO.216/e": range(1, 9),
    "spNO.214/c": range(3, 40),
}
HEADER_C = ("sub", "count", "onset", "offset", "au", "emotion")
ROWS_C = ((1, 1, 20, 26, "4,7", "negative"), (1, 2, 40, 44, "1，2", "surprise"), (5, 1, 3, 9, 12, "positive"))


def imitate(root: Path, clips: bool = False) -> Planted:
    """Part A, as whole videos or cut into clips."""
    planted = Planted(root)
    for seed, (video, numbers) in enumerate(VIDEOS.items()):
        if not clips:
            write_frames(root / "part_A" / "data" / "part_A" / video / "color", numbers, "{}.jpg", seed)
            write_frames(
                root / "part_A" / "data" / "part_A" / video / "depth", list(numbers)[:2], "{}.png", seed
            )
            continue
        subject, letter = video.replace("spNO2", "spNO.2").split("/")
        for name, video_letter, onset, _, offset, *_ in ROWS:
            if (name, video_letter) == (subject, letter):
                inside = [n for n in numbers if int(onset) <= n <= int(offset)]
                write_frames(
                    root / "Part_A_ME_clip" / "frame" / f"{name}_{letter}_{onset}", inside, "{}.jpg", seed
                )
    sheets = {"label": [HEADER, *ROWS], "Sheet1": [], "Sheet3": []}
    write_sheets(root / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx", sheets)
    planted.clip("casme3/spNO.1/b_166", "disgust", 166, 170, 175, "4+R14")
    planted.clip("casme3/spNO.1/b_180", "happiness", 180, 182, 186, "12")
    planted.clip("casme3/spNO.3/j_10", "surprise", 10, 12, 15, "1+2")
    planted.clip("casme3/spNO.2/e_30", "sadness", 30, 33, 35, "L5")
    planted.left_out = {
        "casme3/spNO.149/d_112": "apex outside: 83, not 112 to 116",
        "casme3/spNO.216/e_0": "frames missing: 1 of 7 (0)",
        "casme3/spNO.214/c_5": "frames missing",
    }
    return planted


def imitate_part_c(root: Path) -> Planted:
    """Part C: no apex, one full-width comma."""
    planted = Planted(root)
    for subject in (1, 5):
        write_frames(root / "part_C" / str(subject) / "color", range(1, 50), "{}.jpg", subject)
    write_sheets(root / "CAS(ME)3_part_C_ME.xlsx", {"mockCrimeME": [HEADER_C, *ROWS_C]})
    planted.clip("casme3/1/1_20", "negative", 20, None, 26, "4+7")
    planted.clip("casme3/1/2_40", "surprise", 40, None, 44, "1+2")
    planted.clip("casme3/5/1_3", "positive", 3, None, 9, "12")
    return planted
