"""The same folder asked for again: what lies there is compared by content, and taken or refused clip by clip."""

import re
import shutil

import numpy as np
import pytest

from mer_core import open_clipset, open_corpus
from mer_core.clips import View
from mer_core.corpora import faces
from mer_core.corpora.command import run_script
from mer_core.corpora.images import ImageError
from mer_core.corpora.sources.own import Own
from mer_core.vision.landmarks import Landmarks
from tests.corpora import imitate_own
from tests.corpora.imitate import write_frames
from tests.corpora.points import face, write_still_landmarks

PLAIN = ["--view", "frames=4,size=32", "--workers", "1"]
BROW = "own/anna/brow"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "clips").mkdir()
    imitate_own.imitate(tmp_path / "clips")
    return tmp_path / "clips"


def prepare(root, *more):
    out = root.parent / "out"
    run_script(Own, ["--root", str(root), "--out", str(out), *PLAIN, *map(str, more)])
    return open_clipset(out)


def refused(root, *more):
    with pytest.raises(SystemExit) as error:
        prepare(root, *more)
    said = str(error.value)
    assert "holds another preparation than the one that is asked for:\n" in said
    assert said.endswith("Choose another --out, or delete that folder first.")
    return said.splitlines()[1:-1]


def test_a_folder_of_something_else_is_left_alone(root, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(SystemExit, match=r"out is there and holds no preparation: choose another --out"):
        prepare(root)


def mend(root, old, new):
    table = root / "labels.csv"
    table.write_text(table.read_text().replace(old, new))


def test_of_equal_content_nothing_is_done_wherever_and_whenever_it_was_copied(root, tmp_path, capsys):
    prepare(root)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    shutil.copytree(root, tmp_path / "copy", copy_function=shutil.copyfile)  # with today's dates
    shutil.rmtree(root)
    (tmp_path / "copy").rename(root)
    prepare(root)
    assert "They lay there: nothing is done." in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("anna,brow,surprise", "anna,brow,fear", f"{BROW}: emotion surprise there, fear now"),
        ("anna,brow,surprise,1,9,5", "anna,brow,surprise,1,8,5", f"{BROW}: offset 9 there, 8 now; frames 9 there"),
        ("1+2", "1+4", f"{BROW}: action_units 1+2 there, 1+4 now"),
        ("50,58,,17", "50,58,54,17", "own/ben/chin: left out; apex absent: '' there, clip now"),
        ("anna,brow,surprise,1,9,5,1+2\n", "", f"{BROW}: clip there, nothing now"),
    ],
)  # fmt: skip
def test_a_mended_table_is_not_what_lies_there(root, old, new, said):
    prepare(root)
    mend(root, old, new)
    assert any(line.strip().startswith(said) for line in refused(root))


def test_a_mended_picture_is_named(root):
    prepare(root)
    write_frames(root / "anna" / "brow", [7], "frame_{:04d}.png", seed=50)
    [line] = refused(root)
    assert line.startswith(f"  {BROW}: ")
    assert re.search(r"frame 7 frame_0007.png \(\w+\) there, frame_0007.png \(\w+\) now$", line)


def test_landmarks_views_repairs_and_clips_that_are_left_out_now_are_differences(root):
    planted = imitate_own.imitate(root)
    points = root.parent / "points.parquet"
    write_still_landmarks(points, planted)
    prepare(root, "--landmarks", points)
    moved = Landmarks({clip: {labels["onset"]: face(1)} for clip, labels in planted.clips.items()}, "")
    moved.write(points)
    assert len(refused(root, "--landmarks", points)) == len(planted.clips)
    assert any("landmarks of frame" in line for line in refused(root))
    write_still_landmarks(points.with_name("moved.parquet"), planted)
    words = ["--landmarks", points.with_name("moved.parquet")]
    prepare(root, *words)
    assert refused(root, *words, "--view", "frames=4,size=48") == [
        "  view: 4x32-grey there, 4x48-grey asked for"
    ]
    assert any(
        "own/ben/chin: left out; " in line for line in refused(root, *words, "--repair", "middle-apex")
    )
    (root / "anna" / "brow" / "frame_0003.png").write_bytes(b"")
    [line] = refused(root, *words)
    assert line == f"  {BROW}: clip there, left out; unreadable image: frame_0003.png (empty file) now"


def test_a_begun_preparation_does_not_go_on_with_pictures_that_are_others_now(root, tmp_path, monkeypatch):
    from mer_core.corpora import prepared

    made = prepared._Produce.__call__

    def stop(self, row):
        if row == 2:
            raise RuntimeError("stopped")
        return made(self, row)

    monkeypatch.setattr(prepared._Produce, "__call__", stop)
    with pytest.raises(SystemExit, match="stopped"):
        prepare(root)
    monkeypatch.undo()
    write_frames(root / "anna" / "smile 3", range(10, 21), "frame_{:04d}.png", seed=50)
    again = prepare(root).frames[0]
    shutil.rmtree(tmp_path / "out")
    np.testing.assert_array_equal(again, prepare(root).frames[0])


def test_another_view_is_made_of_the_same_pictures_or_not_at_all(root, tmp_path):
    prepare(root)
    write_frames(root / "anna" / "brow", [1], "frame_{:04d}.png", seed=50)
    with pytest.raises(ImageError, match=r"frame_0001.png is another picture than it was"):
        open_corpus(tmp_path / "out").clipset(View(frames=2, size=24, landmarks=False), workers=1)


def test_faces_are_searched_again_in_other_pictures_only(root, monkeypatch):
    searched = []

    def detect(pictures):
        names = [name for name, _ in pictures]
        searched.append(names)
        return {name: face() for name in names}, {}

    monkeypatch.setattr(faces, "detect", detect)
    monkeypatch.setattr(faces, "detector_name", lambda: "a detector")
    prepare(root, "--landmarks", "dlib")
    prepare(root, "--landmarks", "dlib")
    write_frames(root / "anna" / "brow", [1], "frame_{:04d}.png", seed=50)
    refused(root, "--landmarks", "dlib")
    assert [len(names) > 1 for names in searched] == [True, False, False]
    assert searched[1:] == [[], [(BROW, 1)]]
