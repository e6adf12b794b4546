"""A corpus of one's own: a CSV table, folders of frames; one clip without apex, a folder that no row names."""

from pathlib import Path

from tests.corpora.imitate import Planted, write_frames

ROWS = (  # subject, clip, emotion, onset, apex, offset, units
    ("anna", "smile 3", "Happiness", 10, 14, 20, "6+12"),
    ("anna", "brow", "surprise", 1, 5, 9, "1+2"),
    ("ben", "nose", "Disgust", 30, 34, 40, ""),
    ("ben", "chin", "others", 50, "", 58, "17"),  # no apex
)


def imitate(root: Path, known: bool = True, columns: bool = True) -> Planted:
    """Write it below `root`; unless `known`, nobody coded apex and action units: cells are empty, or no `columns`."""
    planted = Planted(root)
    width = 7 if columns else 5
    order = (0, 1, 2, 3, 5, 4, 6)[:width]
    head = ("Subject", "Clip", "Emotion", "Onset", "Apex", "Offset", "Action Units")
    rows = ROWS if known else [(*row[:4], "", row[5], "") for row in ROWS]
    lines = [",".join(str(row[place]) for place in order) for row in (head, *rows)]
    (root / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for seed, (subject, clip, _, onset, _, offset, _) in enumerate(ROWS):
        write_frames(root / subject / clip, range(onset, offset + 1), "frame_{:04d}.png", seed)
    write_frames(root / "ben" / "unlabelled", range(5), "frame_{:04d}.png")
    planted.left_out = {"folder ben/unlabelled": "no label"}
    for subject, clip, emotion, onset, apex, offset, units in ROWS:
        name = f"own/{subject}/{clip}"
        if not known:  # views take the middle
            planted.clip(name, emotion.lower(), onset, None, offset, None)
        elif apex == "":
            planted.left_out[name] = "apex absent"
        else:
            planted.clip(name, emotion.lower(), onset, apex, offset, units)
    return planted
