"""A clip of one's own: what comes out for it, the page about it, and what is said of a wrong one."""

import json
import re
import shutil

import cv2
import numpy as np
import pytest

from mer_core import open_corpus
from mer_core.cli import main
from mer_core.prediction import Marks, predict
from mer_core.prediction.asked import CLIP
from mer_core.prediction.page import page
from mer_core.training import Run, RunError, load_network, run
from mer_core.training import predict as ask
from mer_core.training.parts import Part, material
from mer_core.vision.align import face_square, warp
from mer_core.vision.landmarks import Landmarks
from tests.corpora.points import face
from tests.training.tools import _cache, cache, mer, mini  # noqa: F401 (fixtures)

EYES = (43.0, 49.0, 83.0, 49.0)


@pytest.fixture(scope="module")
def folder(_cache, tmp_path_factory):  # noqa: F811
    """A run of six networks that kept them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(_cache))
        made = run(mini(keep_weights=True), tmp_path_factory.mktemp("runs") / "mini")
    return made.folder


@pytest.fixture(scope="module")
def row():
    """A clip of the corpus that belongs to a class."""
    clips = open_corpus("synth-mini").clips
    return clips[clips["emotion"] == "surprise"].iloc[0]


@pytest.fixture(scope="module")
def marks(row):
    return Marks(int(row["onset"]), int(row["apex"]), int(row["offset"]))


@pytest.fixture(scope="module")
def frames(row, marks):
    """Its frames from onset to offset, in the size that the method sees."""
    seconds = np.arange(marks.onset, marks.offset + 1) / row["fps"]
    return open_corpus("synth-mini").frames(row["clip"], seconds.tolist(), 128, colour=False)


@pytest.fixture(scope="module")
def clip(frames, marks, tmp_path_factory):
    """The same as files."""
    return write(tmp_path_factory.mktemp("clips") / "Größe 表情", frames, marks.onset)


def write(place, frames, first=0):
    place.mkdir()
    for number, frame in enumerate(frames, start=first):
        (place / f"img{number}.png").write_bytes(cv2.imencode(".png", frame)[1])
    return place


@pytest.fixture(scope="module")
def made(clip, folder, marks):
    return predict(clip, folder, marks)


def test_a_clip_of_the_corpus_gets_through_files_what_its_networks_say_of_it(made, row):
    """Exactly: PNG loses nothing, and the middle square of a square picture of the view's size is the picture."""
    shared = material(made.run.settings.model_dump_json())
    at = shared.clips.clips["clip"].tolist().index(row["clip"])
    x = {"x": shared.examples.inputs["x"][at : at + 1]}
    for part in made.run.parts():
        said = ask(load_network(made.run.weights(part)), x)[0]
        np.testing.assert_allclose(made.probabilities.loc[str(part)], said, atol=1e-6)


def test_the_network_that_was_tested_on_it_says_the_same_again(made, row):
    stored = made.run.predictions.set_index("clip").loc[row["clip"]]
    said = made.probabilities.loc[str(Part(row["subject"], 0))]
    np.testing.assert_allclose(said, stored[[f"p_{name}" for name in said.index]].astype(float), atol=1e-6)


def test_the_networks_are_summed_up_by_mean_and_reach(made):
    said = made.probabilities.to_numpy()
    assert said.shape == (6, 3)
    np.testing.assert_allclose(made.classes["mean"], said.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(made.classes[["lowest", "highest"]], np.stack([said.min(0), said.max(0)], 1))
    assert made.classes["prefer"].sum() == 6
    assert made.predicted == made.probabilities.columns[said.mean(axis=0).argmax()]


def test_a_video_is_seen_as_its_frames(frames, folder, tmp_path):
    file = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"MJPG"), 25, (128, 128))
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    writer.release()
    made = predict(file, folder, Marks(2, 5, 9))
    assert any("compressed" in note for note in made.notes)
    seen = made.pictures
    assert seen.numbers == tuple(range(2, 10))  # counted from 0
    small = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(float) for picture in seen.frames]
    large = [cv2.resize(frame, (192, 192)).astype(float) for frame in frames]
    away = [[np.abs(one - other).mean() for other in large] for one in small]
    assert np.max(np.min(away, axis=1)) < 4  # grey levels that its compression costs


def test_without_marks_it_is_the_whole_clip_and_its_middle_and_says_so(clip, folder, marks):
    made = predict(clip, folder)
    assert made.marks == Marks(marks.onset, (marks.onset + marks.offset) // 2, marks.offset)
    assert any(f"the middle, frame {made.marks.apex}, stands in" in note for note in made.notes)
    assert any(
        f"Frames {marks.onset} to {marks.offset} are taken for onset and offset" in note
        for note in made.notes
    )


def test_the_middle_that_stands_in_is_an_apex_like_any_other(clip, folder, marks):
    middle = Marks(marks.onset, (marks.onset + marks.offset) // 2, marks.offset)
    assert predict(clip, folder).probabilities.equals(predict(clip, folder, middle).probabilities)


def test_a_missing_frame_is_stood_in_for_and_said(frames, folder, tmp_path):
    clip = write(tmp_path / "clip", frames[:12])
    (clip / "img4.png").unlink()
    assert any(note.startswith("1 frames are missing") for note in predict(clip, folder).notes)


# Where the face is


def test_eyes_frame_the_face_as_landmarks_do(clip, frames, folder, marks):
    seen = predict(clip, folder, marks, eyes=EYES).pictures
    points = np.zeros((68, 2))
    points[36:42], points[42:48] = EYES[:2], EYES[2:]
    points[30], points[48], points[54] = (
        (63, 73),
        (47, 95),
        (79, 95),
    )  # 0.6 and 1.15 of 40 pixels below the eyes
    framed = warp(cv2.cvtColor(frames[0], cv2.COLOR_GRAY2RGB), face_square(points, 192), 192)
    np.testing.assert_array_equal(seen.frames[0], framed)


def test_a_table_without_clip_is_about_the_clip(clip, folder, marks, tmp_path):
    points = np.random.RandomState(0).rand(68, 2) * 100
    table = Landmarks({CLIP: {marks.onset: points}}, "test").table().drop(columns="clip")
    table.to_csv(tmp_path / "points.csv", index=False)
    made = predict(clip, folder, marks, tmp_path / "points.csv")
    assert any("framed by" in note and "points.csv" in note for note in made.notes)


def test_a_detector_is_asked_about_the_frames_that_count(clip, folder, marks, monkeypatch):
    def found(images):
        asked.extend(frame for (_, frame), _ in images)
        return {(CLIP, frame): 2 * face() for frame in asked}, {}

    asked = []
    monkeypatch.setattr("mer_core.corpora.faces.detect", found)
    monkeypatch.setattr("mer_core.corpora.faces.detector_name", lambda: "a detector")
    assert any("a detector" in note for note in predict(clip, folder, marks, "dlib").notes)
    assert asked == [marks.onset]  # one framing a clip
    none = {(CLIP, marks.onset): "no face found in 128 × 128 pixels"}
    monkeypatch.setattr("mer_core.corpora.faces.detect", lambda images: ({}, none))
    refused("got no landmarks: frame .* no face found .*--eyes", clip, folder, marks, "dlib")


# Other methods


@pytest.fixture(scope="module")
def amnet(_cache, tmp_path_factory):  # noqa: F811
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(_cache))
        asked = mini("amnet2d", settings={"epochs": 1}, groups=2, limit=8, keep_weights=True)
        return run(asked, tmp_path_factory.mktemp("runs") / "amnet")


def test_action_units_are_what_the_networks_say_of_them(amnet, clip, marks):
    made = predict(clip, amnet, marks, eyes=EYES)
    assert made.action_units.shape == (2, len(amnet.record["method"]["units"]))
    assert made.units.loc[12, "lowest"] == made.action_units[12].min()
    assert "AU 12, lip corner puller" in page(made)


# The page


def test_the_command_prints_what_it_says_and_writes_a_page(clip, folder, marks, tmp_path):
    file = tmp_path / "page.html"
    where = ("--onset", marks.onset, "--apex", marks.apex, "--offset", marks.offset)
    done = mer("predict", clip, "--run", folder, *where, "--out", file)
    assert done.returncode == 0, done.stderr
    assert "surprise" in done.stdout
    assert "Never decide anything about a person" in done.stdout
    assert "Never decide anything about a person" in file.read_text(encoding="utf-8")


def test_the_page_is_complete_and_every_picture_has_words(made):
    html = page(made)
    assert len(html) < 3e6
    rest = re.sub(r'"data:[^"]*"', '"data:"', html)  # base64 may hold anything
    assert not re.search(r"""(?:https?:)?//\w|@import|url\(|(?:src|href)="(?!data:)""", rest)
    pictures = re.findall(r"<img[^>]*>", html)
    assert len(pictures) == len(made.pictures.frames) + 3
    assert all(re.search(r'alt="[^"]{10,}"', picture) for picture in pictures)


def test_the_page_shows_names_as_they_are_and_runs_nothing_in_them(folder, frames, tmp_path):
    html = page(predict(write(tmp_path / "<script>1<", frames[:4]), folder))
    assert "<title>What a run says of &lt;script&gt;1&lt;</title>" in html
    assert "<script>1" not in html


def test_the_cautions_say_corpus_score_and_synthetic(made):
    said = " ".join(made.cautions)
    assert "learnt from synth-mini: synthetic faces" in said
    assert re.search(r"a UF1 of 0\.\d\d \(95 % interval 0\.\d\d to [01]\.\d\d\)", said)
    assert "no interval of error" in said


# What is wrong is said


def refused(message, *asked, **more):
    with pytest.raises((ValueError, RunError), match=message):
        predict(*asked, **more)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Marks(apex=999), "Expected --apex from .* the frames of .* got 999"),
        (Marks(onset=12, apex=11), "Expected an onset before the apex"),
        (Marks(onset=12, apex=12), "Expected an onset before the apex"),
        (Marks(apex=14, offset=13), "an apex not after the offset"),
    ],
)
def test_marks_that_fit_no_clip(folder, frames, tmp_path, given, message):
    refused(message, write(tmp_path / "clip", frames[:6], 10), folder, given)


@pytest.mark.parametrize(("onset", "offset"), [(None, -1), (10, 5), (None, 0), (-3, None)])
def test_marks_that_fit_no_video(folder, tmp_path, onset, offset):
    (tmp_path / "text.mp4").write_text("no video")
    message = f"--offset after it, got {onset} and {offset}"
    refused(message, tmp_path / "text.mp4", folder, Marks(onset=onset, offset=offset))


def test_clips_that_are_none(folder, frames, tmp_path):
    refused("there is no .*nowhere", tmp_path / "nowhere", folder)
    refused("two frames at least, got 0 .*img001.png", write(tmp_path / "empty", []), folder)
    refused("two frames at least, got 1", write(tmp_path / "short", frames[:1]), folder)
    refused("single picture", tmp_path / "short" / "img0.png", folder)
    (tmp_path / "text.mp4").write_text("no video")
    refused("OpenCV can't read .*text.mp4", tmp_path / "text.mp4", folder)
    (broken := write(tmp_path / "broken", frames[:4])).joinpath("img2.png").write_bytes(
        b"\x89PNG cut off here"
    )
    refused(r"got unreadable image: img2.png \(cut off\)", broken, folder)
    cv2.imwrite(str(write(tmp_path / "sizes", frames[:3]) / "img1.png"), frames[0][:64])
    refused("of one clip and nothing else .* another size: img1.png", tmp_path / "sizes", folder)


def test_landmarks_that_are_missing(clip, folder, marks, tmp_path):
    refused("no file .*nowhere.csv", clip, folder, marks, tmp_path / "nowhere.csv")
    refused("Expected --eyes X,Y,X,Y", clip, folder, marks, eyes=(1, 2))
    refused("on the left of the picture first, got x 9 before 3", clip, folder, marks, eyes=(9, 1, 3, 1))


def test_a_method_that_aligns_every_frame_asks_where_the_face_is(clip, marks, amnet):
    refused("--landmarks FILE .* --eyes X,Y,X,Y", clip, amnet, marks)


def other(folder, place, **changes):
    """The same run, with something else in its record."""
    shutil.copytree(folder, place)
    record = json.loads((folder / "run.json").read_text())
    record["settings"] |= changes
    (place / "run.json").write_text(json.dumps(record))
    return place


def test_runs_that_have_no_network_to_ask(clip, folder, tmp_path):
    refused("no run.json", clip, tmp_path)
    refused("majority, which keeps nothing", clip, other(folder, tmp_path / "majority", method="majority"))
    refused("has none.*--keep-weights", clip, other(folder, tmp_path / "plain", keep_weights=False))
    begun = Run.open(other(folder, tmp_path / "begun"))
    begun.weights(begun.parts()[1]).unlink()
    refused("1 of 6 parts .*mer resume", clip, begun)
    begun.file(begun.parts()[0]).unlink()
    refused("2 of 6 parts .*mer resume", clip, begun)


def test_a_network_that_sees_clips_beside_others_is_not_asked_about_one_alone(clip, folder, tmp_path):
    record = json.loads((other(folder, tmp_path / "scaled") / "run.json").read_text())
    record["method"]["released"]["normalise"] = "fold"
    (tmp_path / "scaled" / "run.json").write_text(json.dumps(record))
    refused("yours comes alone", clip, tmp_path / "scaled")


def test_a_wrong_clip_ends_the_command_with_a_message_and_no_stack(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["mer", "predict", str(tmp_path / "nowhere"), "--run", str(folder)])
    with pytest.raises(SystemExit, match="mer: Expected a folder of pictures or a video"):
        main()
