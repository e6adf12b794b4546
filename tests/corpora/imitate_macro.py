"""Imitations of the macro-expression corpora, a few sequences each."""

from collections.abc import Callable
from pathlib import Path

from tests.corpora.imitate import Planted, write_frames, write_sheets


def ck_plus(root: Path) -> Planted:
    """One labelled sequence, one with an empty folder for its label."""
    planted = Planted(root)
    for sequence in ("001", "002"):
        folder = root / "cohn-kanade-images" / "S005" / sequence
        write_frames(folder, range(1, 8), lambda n, s=sequence: f"S005_{s}_{n:08d}.png")
        (root / "Emotion" / "S005" / sequence).mkdir(parents=True)
    (root / "Emotion" / "S005" / "001" / "S005_001_00000007_emotion.txt").write_text("   3.0000000e+00\n")
    planted.clip("ckplus/S005/001", "disgust", 1, 7, 7, None)
    planted.clip("ckplus/S005/002", "unlabelled", 1, 7, 7, None)
    return planted


def mug(root: Path) -> Planted:
    """One subject with and one without the extra level; an empty take."""
    planted = Planted(root)
    write_frames(root / "subjects3" / "001" / "001" / "anger" / "take000", range(5), "{:04d}.jpg")
    write_frames(root / "subjects3" / "002" / "happiness" / "take001", range(5), "{:04d}.jpg")
    write_frames(root / "subjects3" / "002" / "sadness" / "take000", (), "{:04d}.jpg")
    planted.clip("mug/001/anger-take000", "anger", 0, None, 4, None)
    planted.clip("mug/002/happiness-take001", "happiness", 0, None, 4, None)
    planted.left_out = {"mug/002/sadness-take000": "frames missing: the folder is empty"}
    return planted


def dfew(root: Path) -> Planted:
    """Numbers that are padded on disk and not in the lists; one clip in no list, one of a list nowhere."""
    planted = Planted(root)
    for number in (1, 27, 300):
        write_frames(
            root / "DFEW-part2" / "Clip" / "clip_224x224" / f"{number:05d}", range(1, 6), "{}.jpg", number
        )
    for side, rows in (("train", "1,1\n27,5\n"), ("test", "9,6\n")):
        folder = root / "EmoLabel_DataSplit" / f"{side}(single-labeled)"
        folder.mkdir(parents=True)
        (folder / "set_1.csv").write_text(f"video_name,label\n{rows}")
    planted.clip("dfew/00001/00001", "happiness", 1, None, 5, None)
    planted.clip("dfew/00027/00027", "surprise", 1, None, 5, None)
    planted.clip("dfew/00300/00300", "unlabelled", 1, None, 5, None)
    planted.left_out = {"dfew/00009/00009": "folder missing"}
    return planted


def oulu(root: Path) -> Planted:
    """One expression in two lights."""
    planted = Planted(root)
    for camera in ("VL", "NI"):
        write_frames(root / camera / "Strong" / "P001" / "Anger", range(4), "{:03d}.jpeg")
        planted.clip(f"oulu/P001/{camera}-Strong-Anger", "anger", 0, 3, 3, None)
    return planted


def mmew(root: Path) -> Planted:
    """A single picture, and a folder of frames should an edition have one."""
    planted = Planted(root)
    write_frames(root / "Macro_Expression" / "S01" / "anger", [1], lambda n: f"S01-07-{n:03d}.jpg")
    write_frames(root / "Macro_Expression" / "S01" / "happiness" / "S01-01-002", range(1, 5), "{}.jpg")
    planted.clip("mmew/S01/S01-01-002", "happiness", 1, None, 4, None)
    planted.left_out = {"mmew/S01/S01-07-001": "a single picture, no sequence"}
    return planted


def casme3(root: Path) -> Planted:
    """A table of both kinds of expression, without emotions."""
    planted = Planted(root)
    write_frames(root / "part_A" / "spNO.1" / "b" / "color", range(1, 60), "{}.jpg")
    header = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Expression type")
    rows = (
        ("spNO.1", "b", "10", "20", "30", "12", "Macro-expression"),
        ("spNO.1", "b", "40", "42", "45", "4", "micro-expression"),
    )
    write_sheets(root / "CAS(ME)3_part_A_v2.xlsx", {"AU+Emotion": [header, *rows], "eye blink": []})
    planted.clip("casme3/spNO.1/macro-b_10", "unlabelled", 10, 20, 30, None)
    return planted


def casme3_emotions(root: Path) -> Planted:
    """The table of macro-expressions alone, with emotions, and padded frame numbers."""
    planted = Planted(root)
    write_frames(root / "part_A" / "spNO.1" / "B" / "color", range(1, 60), "{}.jpg")
    header = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion")
    rows = (("spNO1", "b", "010", "20.0", " 30", "12", "I", "Happy"),)
    write_sheets(root / "cas(me)3_part_A_MaE_label_JpgIndex_v2_emotion.xlsx", {"label": [header, *rows]})
    planted.clip("casme3/spNO.1/macro-b_10", "happiness", 10, 20, 30, None)
    return planted


IMITATIONS: dict[str, Callable[[Path], Planted]] = {
    "ck+": ck_plus, "mug": mug, "dfew": dfew, "oulu-casia": oulu, "mmew": mmew, "casme3": casme3,
}  # fmt: skip
