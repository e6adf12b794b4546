"""One bad file costs its clip, by name, and never the corpus; what looking finds, preparing finds."""

import os
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest

from mer_core import open_clipset
from mer_core.corpora import survey
from mer_core.corpora.command import run_script
from mer_core.corpora.sources.own import Own
from mer_core.vision.landmarks import Landmarks
from tests.corpora import imitate_own
from tests.corpora.imitate import HEIGHT, WIDTH, picture, write_frames
from tests.corpora.points import face

BROW = "own/anna/brow"  # frames 1 … 9


@pytest.fixture
def root(tmp_path):
    (tmp_path / "clips").mkdir()
    imitate_own.imitate(tmp_path / "clips")
    return tmp_path / "clips"


@pytest.fixture
def brow(root):
    return root / "anna" / "brow"


def run(root, *words):
    run_script(Own, ["--root", str(root), "--workers", "1", *map(str, words)])


def fate(root, capsys):
    """What becomes of the clip, as `--check` and a preparation both say, on the screen and in the report."""
    run(root, "--check", "--report", root.parent / "check.csv")
    checked = capsys.readouterr()
    run(root, "--out", root.parent / "out", "--view", "frames=2,size=16")
    assert checked.err == capsys.readouterr().err == ""
    reports = [
        pd.read_csv(root.parent / "check.csv"),
        pd.read_parquet(root.parent / "out" / "report.parquet"),
    ]
    lines = [report.fillna("").set_index("clip").loc[BROW] for report in reports]
    assert lines[0].to_dict() == lines[1][lines[0].index].to_dict()
    assert (BROW in checked.out) == bool(lines[0]["reason"] or lines[0]["remark"])
    return lines[0]


def damage(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + 20 * b"\xa5\x5a" + data[len(data) // 2 + 40 :])


def become(path, kind):
    path.unlink()
    {
        "link": lambda: path.symlink_to("nowhere.png"),
        "loop": lambda: path.symlink_to(path.name),
        "pipe": lambda: os.mkfifo(path),
        "folder": lambda: (path / "inside").mkdir(parents=True),
        "text": lambda: path.write_text("no picture at all"),
        "size": lambda: path.write_bytes(cv2.imencode(".png", np.zeros((8, 9), np.uint8))[1].tobytes()),
    }[kind]()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("link", "unreadable image: frame_0004.png (a link to nothing)"),
        ("loop", "unreadable image: frame_0004.png (Too many levels of symbolic links)"),
        ("pipe", "unreadable image: frame_0004.png (no file)"),
        ("folder", "frames missing: 1 of 9 (4)"),
        ("text", "unreadable image: frame_0004.png (no picture)"),
        ("size", f"another size: frame_0004.png has 9 × 8 pixels, others have {WIDTH} × {HEIGHT}"),
    ],
)
def test_what_is_no_picture_costs_its_clip_alone(root, brow, capsys, kind, reason):
    become(brow / "frame_0004.png", kind)
    assert fate(root, capsys)["reason"] == reason


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_picture_damaged_inside_costs_its_clip_whether_the_view_needs_it_or_not(root, brow, capsys, suffix):
    shutil.rmtree(brow)
    write_frames(brow, range(1, 10), "frame_{}." + suffix)
    damage(brow / f"frame_4.{suffix}")
    assert fate(root, capsys)["reason"].startswith(f"unreadable image: frame_4.{suffix} (damaged inside: ")


def test_what_a_system_leaves_in_folders_costs_nothing(root, brow, capsys):
    for place in (root, brow.parent, brow):
        write_frames(place / "@eaDir" / "frame_0004.png", [1], "SYNOFILE_THUMB_{}.jpg")
        write_frames(place / "__MACOSX", [1], "._{}.jpg")
        for stray in (".DS_Store", "Thumbs.db", "._frame_0004.png", ".frame_0004.png"):
            (place / stray).write_bytes(b"?" * 20)
    line = fate(root, capsys)
    assert (line["outcome"], line["remark"]) == ("clip", "")


@pytest.mark.parametrize("mark", [" (3)", "(3)", " - Copy", " copy 3"])
def test_a_second_copy_of_a_frame_is_passed_over_if_it_is_the_same(root, brow, capsys, mark):
    shutil.copy(brow / "frame_0005.png", copy := brow / f"frame_0005{mark}.png")
    line = fate(root, capsys)
    assert line["remark"] == f"the same as frame_0005.png, and passed over: {copy.name}"
    assert line["outcome"] == "clip"


def test_a_copy_that_differs_leaves_open_which_is_the_frame(root, brow, capsys):
    shutil.copy(brow / "frame_0006.png", brow / "frame_0005 (3).png")
    said = "unclear frames: frame_0005.png and frame_0005 (3).png are both frame 5, and they differ"
    assert fate(root, capsys)["reason"] == said


def test_a_copy_without_its_original_is_that_frame(root, brow, capsys):
    (brow / "frame_0005.png").rename(brow / "frame_0005 (3).png")
    assert fate(root, capsys)["remark"] == "frame_0005 (3).png is taken for frame 5"


def test_a_clip_whose_frames_are_all_the_same_is_remarked(root, brow, capsys):
    for path in brow.glob("*.png"):
        path.write_bytes((brow / "frame_0001.png").read_bytes())
    assert fate(root, capsys)["remark"] == "all its pictures are the same"


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp"])
def test_grey_pictures_among_coloured_ones_are_remarked(root, brow, capsys, suffix):
    shutil.rmtree(brow)
    write_frames(brow, range(1, 10), "{}." + suffix, seed=1)
    grey = cv2.cvtColor(picture(1, 4), cv2.COLOR_BGR2GRAY)
    (brow / f"4.{suffix}").write_bytes(cv2.imencode(f".{suffix}", grey)[1].tobytes())
    assert fate(root, capsys)["remark"] == "1 of 9 pictures are grey, the others coloured"


def test_a_picture_that_is_unlike_its_neighbours_is_remarked(root, brow, capsys):
    """Half of it is brighter, as after damage that no decoder noticed."""
    image = picture(1, 4)
    image[HEIGHT // 2 :] //= 2
    (brow / "frame_0004.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    assert fate(root, capsys)["remark"].startswith("frame_0004.png is unlike the frames before and after it")


def test_twelve_bits_are_one_scale_for_all_frames_of_a_clip(root, brow, capsys):
    for number in range(1, 10):  # the first frame alone would pass for ten bits
        values = (picture(1, number).astype(np.uint16) << 4) // (4 if number == 1 else 1)
        (brow / f"frame_{number:04d}.png").write_bytes(cv2.imencode(".png", values)[1].tobytes())
    assert fate(root, capsys)["remark"] == "12 bits a value: 4095 becomes white"
    made = open_clipset(root.parent / "out")
    row = made.clips["clip"].tolist().index(BROW)
    dark, bright = made.frames[row].mean(axis=(1, 2))
    assert bright == pytest.approx(picture(1, 9).mean(), rel=0.1)
    assert dark == pytest.approx(bright / 4, rel=0.1)


def test_a_corpus_of_which_nothing_is_left_says_why(root):
    for path in root.rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(SystemExit, match=r"No clip of own is left: unreadable image: .* \(empty file\)"):
        run(root, "--check")


def test_a_report_without_a_clip_left_out_says_so(root, capsys):
    shutil.rmtree(root / "ben" / "unlabelled")
    run(root, "--check", "--repair", "middle-apex")
    assert "4 clips of 2 subjects; none left out" in capsys.readouterr().out


# The report


def test_every_row_and_folder_is_named_in_a_file_where_the_screen_is_too_small(root, tmp_path, capsys):
    for number in range(12):
        write_frames(root / "ben" / f"more{number}", [1], "{}.png")
    before = sorted(tmp_path.rglob("*"))
    run(root, "--check")
    assert "… and 5 more: all of them stand in what --report FILE writes" in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before
    run(root, "--check", "--report", tmp_path / "lines.csv")
    assert f"… and 5 more: all of them stand in {tmp_path / 'lines.csv'}" in capsys.readouterr().out
    named = pd.read_csv(tmp_path / "lines.csv").fillna("")
    assert len(named) == 4 + 13
    assert set(named["where"]) >= {"row 2 of labels.csv", "folder ben/more11"}


def test_a_report_does_not_take_the_place_of_something_else(root, tmp_path):
    for place in (root / "labels.csv", root, tmp_path / "nowhere" / "lines.csv"):
        with pytest.raises(SystemExit, match="--report"):
            run(root, "--check", "--report", place)
    assert "anna" in (root / "labels.csv").read_text()


# Landmarks


def with_points(root, change):
    """Landmarks of all clips; those of the clip's frame 3 changed."""
    clips = survey(Own(root)).clips
    points = {row.clip: {n: face() for n in range(row.onset, row.offset + 1)} for row in clips.itertuples()}
    points[BROW][3] = change(points[BROW][3])
    Landmarks(points, "test").write(file := root.parent / "points.parquet")
    return file


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda p: p + np.array([WIDTH, 0]),
            f"outside the picture of {WIDTH} × {HEIGHT} (86 to 106, 16 to 36)",
        ),
        (lambda p: p * 2, f"outside the picture of {WIDTH} × {HEIGHT} (44 to 84, 32 to 72)"),
        (lambda p: np.zeros((68, 2)), "all on one spot (0 to 0, 0 to 0), or not in pixels"),
        (lambda p: np.full((68, 2), 30.5), "all on one spot (30 to 30, 30 to 30), or not in pixels"),
        (lambda p: p / 64, "all on one spot (0 to 1, 0 to 1), or not in pixels"),
        (lambda p: p / 2, f"in a corner of the picture of {WIDTH} × {HEIGHT} (11 to 21, 8 to 18)"),
        (lambda p: [WIDTH, 0] - p * [1, -1], "no face: expected the viewer's left eye"),
        (lambda p: [0, HEIGHT] - p * [-1, 1], "no face: expected the viewer's left eye"),
    ],
)
def test_landmarks_that_are_of_no_face_in_their_picture_are_named(root, capsys, change, reason):
    file = with_points(root, change)
    for words in (["--check"], ["--out", root.parent / "out", "--view", "frames=2,size=16,landmarks=false"]):
        run(root, "--landmarks", file, *words)
        said = capsys.readouterr().out
        assert f"  unusable landmarks (1)\n    {BROW}  {file}, frame 3: {reason}" in said


def test_landmarks_of_another_tree_leave_no_clip_and_one_that_is_no_number_is_named(root, capsys):
    file = with_points(root, lambda points: points)
    table = pd.read_parquet(file)
    grown = table.assign(**{name: 3 * table[name] for name in table if name[1] == "_"})
    grown.to_parquet(file)
    with pytest.raises(
        SystemExit, match=r"No clip of own is left: unusable landmarks: .*points.parquet, frame \d+: out"
    ):
        run(root, "--landmarks", file, "--check")
    table.loc[3, "x_7"] = np.nan
    table.to_parquet(file)
    place = f"{table.loc[3, 'clip']}, frame {table.loc[3, 'frame']}"
    with pytest.raises(
        SystemExit, match=rf"points.parquet: .* as x_7, got .*nan.* in row 4 \(clip {place}\)"
    ):
        run(root, "--landmarks", file, "--check")
