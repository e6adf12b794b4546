"""An imitation of MMEW: emotion above clip (or subject above both), frames from 1.jpg on, `others` or `repression`."""

from pathlib import Path

from tests.corpora.imitate import Planted, write_frames, write_sheets

HEADER = (
    "Subject",
    "Filename",
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    "Action Units",
    "Estimated Emotion",
    "remarks",
)
ROWS = (
    (3, "S03-01-002", 1, 5, 12, "6+12", "happiness", None),
    (13, "S13-07-001", 2, 4, 9, "L4", "others", "head moves"),
    (13, "S13-02-001", 3, 6, 14, 2, "surprise", None),  # frame 7 is missing
    (30, "S30-03-001", 1, 20, 8, 4, "disgust", None),  # apex after offset
)


def imitate(root: Path, tree: str = "MMEW_Final/Micro_Expression", others: str = "others") -> Planted:
    """Write it below `root`."""
    planted = Planted(root)
    for seed, (_, clip, _, _, offset, _, emotion, _) in enumerate(ROWS):
        folder = others if emotion == "others" else emotion
        numbers = [n for n in range(1, offset + 1) if clip != "S13-02-001" or n != 7]
        write_frames(root / tree / folder / clip, numbers, "{}.jpg", seed)
    write_frames(
        root / "MMEW_Final" / "Macro_Expression" / "S01" / "anger", [1], lambda n: f"S01-07-{n:03d}.jpg"
    )
    write_sheets(root / "MMEW_Final" / "MMEW_Micro_Exp.xlsx", {"Sheet1": [HEADER, *ROWS]})
    planted.clip("mmew/S03/S03-01-002", "happiness", 1, 5, 12, "6+12")
    planted.clip("mmew/S13/S13-07-001", "others", 2, 4, 9, "L4")
    planted.left_out = {
        "mmew/S13/S13-02-001": "frames missing: 1 of 12 (7)",
        "mmew/S30/S30-03-001": "apex outside: 20, not 1 to 8",
    }
    return planted
