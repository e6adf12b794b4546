"""From the command line to a ClipSet: framing, resuming, other views, and broken corpora."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from mer_core import View, open_clipset, open_corpus
from mer_core.cli import app
from mer_core.corpora.command import run_script
from mer_core.corpora.prepared import CorpusError
from mer_core.corpora.sources.casme2 import CASME2
from mer_core.corpora.sources.samm import SAMM
from mer_core.faces.corpus import Corpus
from mer_core.vision import estimate_flow
from mer_core.vision.align import face_square, move_points, warp
from mer_core.vision.landmarks import Landmarks
from tests.corpora import imitate_casme2, imitate_samm
from tests.corpora.imitate import picture
from tests.corpora.points import face

ROOT = Path(__file__).parents[2]
PLAIN = ["--view", "frames=4,size=32,flow=dis", "--workers", "1"]


@pytest.fixture
def corpus(tmp_path):
    imitate_casme2.imitate(tmp_path / "Größe 表情")
    return tmp_path / "Größe 表情"


def prepare(root, out, *more, script=CASME2):
    run_script(script, ["--root", str(root), "--out", str(out), *PLAIN, *more])
    return open_clipset(out)


def write_landmarks(path, clips, per_frame=False):
    points = {
        row.clip: {
            n: face(0.25 * (n - row.onset))
            for n in (range(row.onset, row.offset + 1) if per_frame else [row.onset])
        }
        for row in clips.itertuples()
    }
    Landmarks(points, "test").write(path)
    return ["--landmarks", str(path)]


def test_a_script_makes_a_clipset_from_the_command_line(corpus, tmp_path):
    command = [sys.executable, "data_scripts/casme2.py", "--root", corpus, "--out", tmp_path / "out", *PLAIN]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "6 clips of 5 subjects; 6 left out" in done.stdout
    assert "apex absent (1)\n    casme2/sub04/EP12_01f  '/'" in done.stdout
    assert "DIFFERENCE: disgust: 1 clips, published are 63" in done.stdout
    made = open_clipset(tmp_path / "out")
    assert (made.frames.shape, made.flow.shape) == ((6, 4, 32, 32), (6, 2, 32, 32))
    assert len(pd.read_parquet(tmp_path / "out" / "report.parquet")) == 12
    made.verify()


def test_without_landmarks_it_is_the_middle_square(corpus, tmp_path):
    made = prepare(corpus, tmp_path / "out", "--view", "frames=2,size=48,landmarks=false")
    image = picture(0, 8)[:, 8:56]  # the first frame of the first clip: (48, 64) → (48, 48)
    grey = image @ np.array([0.114, 0.587, 0.299])
    assert np.abs(made.frames[0, 0] - grey).mean() < 3  # but for the JPEG


def test_a_clip_is_framed_by_its_onset(corpus, tmp_path):
    clips = prepare(corpus, tmp_path / "plain").clips
    asked = write_landmarks(tmp_path / "points.parquet", clips, per_frame=True)
    made = prepare(corpus, tmp_path / "out", *asked)
    matrix = face_square(face(), 32)
    row = clips.iloc[0]
    moments = np.floor(np.linspace(row.onset, row.offset, 4) + 0.5)
    expected = [move_points(face(0.25 * (n - row.onset)), matrix) for n in moments]
    np.testing.assert_allclose(made.landmarks[0], expected, atol=1e-4)
    from mer_core.corpora.images import read_image

    frame = read_image(corpus / f"CASME2-RAW/sub01/EP02_01f/img{row.apex}.jpg", colour=False)
    first = read_image(corpus / f"CASME2-RAW/sub01/EP02_01f/img{row.onset}.jpg", colour=False)
    pair = [warp(image, matrix, 32) for image in (first, frame)]
    np.testing.assert_allclose(made.flow[0], estimate_flow(*pair), atol=1e-2)


def test_aligning_each_frame_takes_the_motion_of_the_landmarks_away(corpus, tmp_path):
    clips = prepare(corpus, tmp_path / "plain").clips
    asked = write_landmarks(tmp_path / "points.parquet", clips, per_frame=True)
    made = prepare(corpus, tmp_path / "out", *asked, "--view", "frames=4,size=32,align=frame")
    np.testing.assert_allclose(
        made.landmarks[0], np.broadcast_to(made.landmarks[0, :1], (4, 68, 2)), atol=1e-4
    )


def test_other_views_are_made_when_a_method_asks(corpus, tmp_path):
    prepare(corpus, tmp_path / "out")
    opened = open_corpus(tmp_path / "out")
    assert opened.clipset(View(frames=4, size=32, flow="dis", landmarks=False)).folder == tmp_path / "out"
    other = opened.clipset(
        View(frames=3, subclips=2, size=24, flow="dis", flow_between="neighbours", landmarks=False), workers=1
    )
    assert (other.frames.shape, other.flow.shape) == ((6, 6, 24, 24), (6, 4, 2, 24, 24))
    assert other.clips.equals(opened.clips)
    assert len(opened.clipset(View(frames=4, size=32, flow="dis", landmarks=False), limit=3)) == 3
    shutil.rmtree(corpus)
    with pytest.raises(CorpusError, match="is gone"):
        opened.clipset(View(frames=5, size=32, landmarks=False))


def test_blended_moments_lie_between_their_frames(corpus, tmp_path):
    made = prepare(corpus, tmp_path / "near", "--view", "frames=3,size=32")  # 5 … 12: the middle is 8.5
    blended = prepare(corpus, tmp_path / "blend", "--view", "frames=3,size=32,sampling=blend")
    row = int(np.flatnonzero(made.clips["clip"] == "casme2/sub24/EP07_01")[0])
    assert not np.array_equal(made.frames[row, 1], blended.frames[row, 1])
    np.testing.assert_array_equal(made.frames[row, [0, 2]], blended.frames[row, [0, 2]])


def test_a_corpus_of_several_is_one(corpus, tmp_path):
    prepare(corpus, tmp_path / "one")
    imitate_samm.imitate(tmp_path / "samm")
    prepare(tmp_path / "samm", tmp_path / "two", script=SAMM)
    both = open_corpus(f"{tmp_path / 'one'}+{tmp_path / 'two'}", tmp_path / "cache")
    made = both.clipset(View(frames=4, size=32, flow="dis", landmarks=False), workers=1)
    assert set(made.clips["subject"].str.split("/").str[0]) == {"casme2", "samm"}
    np.testing.assert_array_equal(made.frames[6:], open_clipset(tmp_path / "two").frames)
    assert len(both.clips) == 12


def test_a_synthetic_corpus_opens_by_its_name():
    assert isinstance(open_corpus("synth-mini"), Corpus)
    with pytest.raises(ValueError, match=r"no corpus 'casme'. It can be one of synth, .*; a folder"):
        open_corpus("casme")


def test_a_method_runs_on_a_prepared_corpus(corpus, tmp_path, monkeypatch):
    prepare(corpus, tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    words = ["run", "hoof", "--corpus", "out", "--classes", "casme2-5class", "--workers", "1"]
    assert "6 clips of 5 subjects" in CliRunner().invoke(app, words).output
    assert (tmp_path / "runs" / "hoof-out-casme2-5class-book-loso").is_dir()
    assert "name: casme2" in CliRunner().invoke(app, ["data", "out"]).output


def test_a_corpus_is_tested_by_what_learnt_from_another(corpus, tmp_path, monkeypatch):
    prepare(corpus, tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    words = ["run", "majority", "--corpus", "out+synth-mini", "--folds", "corpus", "--workers", "1"]
    said = CliRunner().invoke(app, words).output
    assert "on out+synth-mini" in said
    assert "leave one corpus out" in said
    tested = pd.concat(map(pd.read_parquet, Path("runs").glob("*/predictions/*.parquet")))
    assert (tested["fold"] == tested["subject"].str.partition("/")[0]).all()
    assert set(tested["fold"]) == {"casme2", "synth-mini"}


# Refusals


def test_a_view_of_frames_without_landmarks_says_how_to_prepare_it(corpus, tmp_path):
    clips = prepare(corpus, tmp_path / "plain").clips
    points = {row.clip: {row.onset: face(0), row.onset + 1: face(1)} for row in clips.itertuples()}
    Landmarks(points, "test").write(tmp_path / "points.parquet")
    onset_alone = ["--view", "frames=2,size=32,landmarks=false"]
    prepare(corpus, tmp_path / "out", "--landmarks", str(tmp_path / "points.parquet"), *onset_alone)
    with pytest.raises(CorpusError, match=r"of another view: .* --view frames=4,size=24,align=frame"):
        open_corpus(tmp_path / "out").clipset(View(frames=4, size=24, align="frame", landmarks=False))


def refused(*arguments, script=CASME2):
    with pytest.raises(SystemExit) as error:
        run_script(script, [str(a) for a in arguments])
    assert str(error.value).startswith(f"{script.name}: ")
    return str(error.value)


def test_another_preparation_is_not_overwritten(corpus, tmp_path):
    prepare(corpus, tmp_path / "out")
    assert "holds another preparation" in refused(
        "--root", corpus, "--out", tmp_path / "out", "--view", "frames=2,size=32"
    )
    assert len(prepare(corpus, tmp_path / "out")) == 6  # the same again is no error


def test_views_that_a_real_corpus_cannot_give_are_refused(corpus, tmp_path):
    ask = ["--root", corpus, "--out", tmp_path / "out", "--view"]
    assert "exact motion is known of synthetic faces only" in refused(*ask, "flow=exact")
    assert "there are none: prepare it with --landmarks" in refused(*ask, "landmarks=true")
    assert "there is no such setting" in refused(*ask, "sise=3")
    assert "There is no method" in refused(*ask, "ststnett")
    imitate_samm.imitate(tmp_path / "samm")
    said = refused("--root", tmp_path / "samm", "--out", tmp_path / "o", "--view", "colour=true", script=SAMM)
    assert "samm is grey" in said
    assert not (tmp_path / "out").exists()


def test_unknown_repairs_and_options_name_the_known_ones(corpus, tmp_path):
    said = refused("--root", corpus, "--out", tmp_path / "out", "--repair", "magic")
    assert "no repair magic; there are middle-apex, gaps, offset-sub16, offset-sub07" in said


def test_a_wrong_folder_is_answered_with_the_tree(tmp_path):
    assert "There is no folder" in refused("--root", tmp_path / "nowhere", "--check")
    assert "Expected one label table CASME2-coding-*.xlsx" in refused("--root", tmp_path, "--check")
    imitate_casme2.imitate(tmp_path / "a")
    shutil.rmtree(tmp_path / "a" / "CASME2-RAW")
    said = refused("--root", tmp_path / "a", "--check")
    assert "folder missing" in said
    assert "Expected a tree such as\nCASME2-RAW/sub01/EP02_01f/img46.jpg" in said


def left_out(root, tmp_path, name="out"):
    prepare(root, tmp_path / name)
    return pd.read_parquet(tmp_path / name / "report.parquet").set_index("clip")["reason"]


def test_a_broken_picture_or_a_deleted_frame_leaves_its_clip_out(corpus, tmp_path):
    clip = corpus / "CASME2-RAW" / "sub01" / "EP02_01f"
    data = (clip / "img10.jpg").read_bytes()
    (clip / "img10.jpg").write_bytes(data[: len(data) // 2])
    (corpus / "CASME2-RAW" / "sub03" / "EP01_2" / "img3.jpg").unlink()
    reasons = left_out(corpus, tmp_path)
    assert reasons["casme2/sub01/EP02_01f"] == "unreadable image: img10.jpg (cut off)"
    assert reasons["casme2/sub03/EP01_2"] == "frames missing: 1 of 9 (3)"


def test_text_where_a_number_belongs_leaves_its_row_out(corpus, tmp_path):
    from openpyxl import load_workbook

    path = next(corpus.glob("*.xlsx"))
    book = load_workbook(path)
    book["Sheet1"]["D2"], book["Sheet1"]["A3"] = "eight", "first"
    book.save(path)
    reasons = left_out(corpus, tmp_path)
    assert reasons["casme2/sub01/EP02_01f"] == "not a number: onset is 'eight'"
    assert reasons["casme2/subfirst/EP03_02"] == "folder missing: subfirst/EP03_02"


def test_pictures_of_two_sizes_leave_their_clip_out(corpus, tmp_path):
    path = corpus / "CASME2-RAW" / "sub01" / "EP02_01f" / "img17.jpg"
    path.write_bytes(cv2.imencode(".jpg", np.zeros((20, 20), np.uint8))[1].tobytes())
    said = left_out(corpus, tmp_path)["casme2/sub01/EP02_01f"]
    assert said == "another size: img17.jpg has 20 × 20 pixels, others have 64 × 48"


def test_a_clip_without_landmarks_is_left_out(corpus, tmp_path):
    clips = prepare(corpus, tmp_path / "plain").clips
    asked = write_landmarks(tmp_path / "points.parquet", clips.iloc[1:])
    made = prepare(corpus, tmp_path / "out", *asked)
    assert len(made) == 5
    report = pd.read_parquet(tmp_path / "out" / "report.parquet").set_index("clip")
    assert report.loc[clips["clip"][0], "reason"].startswith("no landmarks: ")


def test_checking_writes_nothing_and_reads_every_picture(corpus, tmp_path, capsys):
    path = corpus / "CASME2-RAW" / "sub01" / "EP02_01f" / "img10.jpg"
    data = bytearray(path.read_bytes())
    data[2:200] = bytes(198)  # its ends are whole, its inside is not
    path.write_bytes(data)
    before = sorted(tmp_path.rglob("*"))
    run_script(CASME2, ["--root", str(corpus), "--check"])
    assert "unreadable image (1)\n    casme2/sub01/EP02_01f  img10.jpg" in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before


def test_killed_half_way_it_goes_on_to_the_same_checksums(corpus, tmp_path):
    whole = prepare(corpus, tmp_path / "whole").provenance["sha256"]
    code = (
        "import os, signal, sys\n"
        "from mer_core.corpora.sources.casme2 import CASME2\n"
        "from mer_core.corpora import prepared\nfrom mer_core.corpora.command import run_script\n"
        "made = prepared._Produce.__call__\n"
        "def die(self, row):\n"
        "    if row == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return made(self, row)\n"
        "prepared._Produce.__call__ = die\n"
        "run_script(CASME2, sys.argv[1:])\n"
    )
    asked = ["--root", str(corpus), "--out", str(tmp_path / "out"), *PLAIN]
    done = subprocess.run([sys.executable, "-c", code, *asked], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert np.load(tmp_path / "out.partial" / "done.npy").sum() == 3
    assert prepare(corpus, tmp_path / "out").provenance["sha256"] == whole
