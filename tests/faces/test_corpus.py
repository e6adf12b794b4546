import hashlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pandas as pd
import pytest

from mer_core import View, corpus_names, open_corpus
from mer_core.clips import check_clips, spread
from mer_core.faces.corpus import CARDS, FaceCamera
from mer_core.faces.plan import subject_seed
from mer_core.vision import dynamic_image, estimate_flow

# clips, subjects, and the first 12 digits of the checksum of the table of labels: labels never change silently.
TABLES = {
    "synth": (255, 26, "e87c8363dd7a"),
    "synth-easy": (255, 26, "6c3b952e055e"),
    "synth-hard": (255, 26, "85a9b4dcac92"),
    "synth-large": (2295, 120, "06354fdfd769"),
    "synth-macro": (360, 60, "ba9f0ebb7e59"),
    "synth-samm": (159, 28, "dd92589fc329"),
    "synth-smic": (164, 16, "e55ac7ebf60e"),
    "synth-mini": (24, 6, "0c0494c62eb0"),
    "synth-dev-a": (255, 26, "b85eba470045"),
    "synth-dev-b": (255, 26, "f6d472523f87"),
}
DEVELOPMENT = ("synth-dev-a", "synth-dev-b")
SMALL = View(frames=2, size=32, landmarks=False)


@cache
def table(name):
    return open_corpus(name).clips


# Labels


@pytest.mark.parametrize("name", corpus_names())
def test_the_table_of_labels_is_the_known_one(name):
    clips = table(name)
    digest = hashlib.sha256(clips.to_csv(index=False, lineterminator="\n").encode()).hexdigest()
    assert (len(clips), clips["subject"].nunique(), digest[:12]) == TABLES[name]
    check_clips(clips)


def test_the_book_s_corpus_has_the_classes_of_casme2():
    assert table("synth")["emotion"].value_counts().to_dict() == {
        "others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25, "sadness": 7, "fear": 2,
    }  # fmt: skip


def test_large_is_large_and_samm_has_its_emotions():
    assert len(table("synth-large")) >= 2000
    assert table("synth-large")["subject"].nunique() >= 100
    assert {"anger", "contempt"} < set(table("synth-samm")["emotion"])
    assert set(table("synth-smic")["emotion"]) == {"negative", "positive", "surprise"}


def test_no_subject_is_shared():
    faces = {}
    for name in corpus_names():
        for subject in set(table(name)["subject"]):
            assert faces.setdefault(subject_seed(CARDS[name].number, subject), subject) == subject
    seeds = [outline.seed for name in corpus_names() for outline in open_corpus(name).outline]
    assert len(seeds) == len(set(seeds))
    assert not set(seeds) & set(faces)


def test_recipes_are_chosen_on_people_and_clips_that_no_score_is_reported_on():
    """Of synth's difficulty and size, but no face, no plan and no random stream of it."""
    drawn = {name: set(open_corpus(name).outline) for name in corpus_names()}
    seeds = {name: {outline.seed for outline in outlines} for name, outlines in drawn.items()}
    for dev in DEVELOPMENT:
        assert CARDS[dev].replace(name="synth", about="", number=1) == CARDS["synth"].replace(about="")
        for name in set(corpus_names()) - {dev}:
            assert CARDS[dev].number != CARDS[name].number
            assert not set(table(dev)["subject"]) & set(table(name)["subject"])
            assert not seeds[dev] & seeds[name]


def test_frames_and_seconds_agree():
    clips = table("synth")
    for name in ("onset", "apex", "offset"):
        np.testing.assert_allclose(clips[name] / clips["fps"], clips[f"{name}_seconds"], atol=1e-12)
    np.testing.assert_allclose((clips["frames"] - 1) / clips["fps"], clips["seconds"], atol=1e-12)


def test_a_corpus_with_partial_labels_has_gaps_and_says_so():
    clips = table("synth-smic")
    gaps = ["apex", "apex_seconds", "action_units", "intensities", "peak_pixels"]
    assert clips[gaps].isna().all().all()
    assert clips[["onset", "offset", "onset_seconds", "emotion"]].notna().all().all()
    assert "stands in" in CARDS["synth-smic"].table().loc["not labelled", ""]


def test_an_emotion_says_nothing_about_the_subject():
    """The share of an emotion that its most frequent subject shows is what chance gives."""
    clips = table("synth-large")
    counts = pd.crosstab(clips["subject"], clips["emotion"])[["others", "disgust", "happiness"]]
    expected = np.outer(counts.sum(1), counts.sum(0)) / counts.to_numpy().sum()
    chi2 = ((counts - expected) ** 2 / expected).to_numpy().sum() / (119 * 2)
    assert chi2 == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("name", corpus_names())
def test_a_card_tells_what_is_there_and_where_it_ends(name):
    card = CARDS[name].table()[""]
    assert card["corpus"] == name
    assert str(len(table(name))) in card["clips"]
    assert "resemble no person" in card["limits"]
    assert "nothing about" in card["limits"]


# Subsets


@pytest.mark.parametrize("limit", [7, 20, 100])
def test_a_subset_holds_every_emotion_many_subjects_and_every_smaller_subset(limit):
    clips = table("synth")
    rows = spread(clips["emotion"], limit)
    assert len(rows) == len(set(rows)) == limit
    assert clips["emotion"].iloc[rows].nunique() == 7
    assert clips["subject"].iloc[rows].nunique() >= min(limit, 26) / 2
    assert set(spread(clips["emotion"], limit - 1)) < set(rows)


def test_no_limit_is_the_table():
    np.testing.assert_array_equal(spread(table("synth")["emotion"], None), np.arange(255))


# Bad requests


def test_what_is_not_there_is_answered_with_what_is():
    corpus = open_corpus("synth-mini")
    with pytest.raises(ValueError, match=r"no corpus 'casme2'\. It can be one of synth, synth-easy"):
        open_corpus("casme2")
    with pytest.raises(
        ValueError, match="no clip 'x'; they run from 'synth-mini/s01/01' to 'synth-mini/s06/"
    ):
        corpus.spec("x")
    with pytest.raises(
        ValueError, match="no subject 's9'; they run from 'synth-mini/s01' to 'synth-mini/s06'"
    ):
        corpus.scene("s9")
    with pytest.raises(ValueError, match="limit of 1 to 24 clips, got 25"):
        corpus.clipset(SMALL, limit=25)
    with pytest.raises(ValueError, match="leave out sampling='blend'"):
        corpus.clipset(View(sampling="blend"))
    for ask in (lambda c: c.clipset(View(colour=True)), lambda c: c.frames("x", [0], colour=True)):
        with pytest.raises(ValueError, match="synth-samm is grey: ask for colour=False"):
            ask(open_corpus("synth-samm"))
    with pytest.raises(ValueError, match=r"lasts from 0 to 0\.\d+ s; there is nothing at 5\.000 s"):
        corpus.flow("synth-mini/s01/01", 0, 5)
    with pytest.raises(ValueError, match="is a set of action, head"):
        corpus.landmarks("synth-mini/s01/01", 0, without={"wind"})
    with pytest.raises(TypeError, match="witout"):
        corpus.mask("synth-mini/s01/01", 0, witout={"head"})


# Exact answers


def test_every_question_about_a_clip_has_an_answer():
    corpus, clip = open_corpus("synth-mini"), "synth-mini/s02/01"
    spec = corpus.spec(clip)
    times = np.arange(spec.onset, spec.offset, 1 / 30)  # any frame rate
    assert corpus.frames(clip, times, 32, magnify=3).shape == (len(times), 32, 32, 3)
    assert corpus.frames(clip, times[:2], 48, colour=False, without={"noise"}).shape == (2, 48, 48)
    assert open_corpus("synth-samm").frames("synth-samm/s01/01", [0.1], 32).shape == (1, 32, 32)
    moment = (spec.onset, spec.apex)
    total, parts = corpus.flow(clip, *moment, 32), corpus.flow_parts(clip, *moment, 32)
    np.testing.assert_allclose(sum(parts.values()), total, atol=1e-9)
    assert corpus.visibility(clip, *moment, 32).shape == corpus.mask(clip, spec.apex, 32).shape == (32, 32)
    assert corpus.landmarks(clip, spec.apex, 32).shape == (68, 2)
    assert corpus.clean_dynamic_image(clip, 4, 32).shape == (32, 32)


def test_landmarks_move_as_the_exact_flow_says():
    """A landmark's pixel sees the skin around it, except on an edge, where it may see what lies behind."""
    corpus, differences = open_corpus("synth-mini"), []
    for clip in table("synth-mini")["clip"][::6]:
        moment = corpus.spec(clip).onset, corpus.spec(clip).apex
        before, after = (corpus.landmarks(clip, t, 256) for t in moment)
        x, y = np.rint(before).astype(int).T
        difference = np.abs(corpus.flow(clip, *moment, 256)[:, y, x].T - (after - before)).max(axis=1)
        differences.append(np.where(corpus.visibility(clip, *moment, 256)[y, x], difference, np.nan))
    assert np.isfinite(differences).mean() > 0.5
    assert np.nanmedian(differences) < 0.02
    assert np.nanmax(np.array(differences)[:, 17:36]) < 0.2  # brows and nose have no edge


def test_what_moves_lies_in_the_mask_and_what_stays_visible_too():
    corpus, clip = open_corpus("synth-mini"), "synth-mini/s02/01"
    spec = corpus.spec(clip)
    mask = corpus.mask(clip, spec.onset, 64)
    assert 0.2 < mask.mean() < 0.9
    assert not corpus.flow(clip, spec.onset, spec.apex, 64)[:, ~mask].any()
    assert not corpus.visibility(clip, spec.onset, spec.apex, 64)[~mask].any()


def test_every_answer_knows_magnification_and_what_is_switched_off():
    corpus, clip = open_corpus("synth-mini"), "synth-mini/s02/01"
    spec = corpus.spec(clip)
    moment = (clip, spec.onset, spec.apex, 64)
    still = {"head", "distractors", "blink", "gaze"}
    np.testing.assert_allclose(
        corpus.flow(*moment, without=still),
        corpus.flow_parts(*moment, without=still)["action"],
        atol=1e-9,
    )
    once, thrice = (corpus.flow(*moment, without=still, magnify=factor) for factor in (1, 3))
    assert np.abs(thrice).max() == pytest.approx(3 * np.abs(once).max(), rel=0.05)  # perspective
    assert not corpus.flow(*moment, without={*still, "action"}).any()
    moved = [corpus.landmarks(clip, spec.apex, magnify=factor) for factor in (1, 3)]
    assert np.abs(moved[1] - moved[0]).max() > 0.3


def test_the_clean_dynamic_image_shows_the_labelled_movement_alone():
    corpus, clip = open_corpus("synth-mini"), "synth-mini/s02/01"
    spec, scene = corpus.spec(clip), corpus.scene("synth-mini/s02")
    start, end = spec.state(spec.onset), spec.state(spec.apex)
    moved = np.hypot(*scene.flow_parts(start, end, 64)["action"])
    image = np.abs(corpus.clean_dynamic_image(clip, 8, 64))
    assert image[moved > 0.1].mean() > 5 * image[moved < 0.005].mean()


# ClipSets


def test_a_view_is_rendered_as_it_was_asked_for(tmp_path):
    view = View(frames=3, size=32, colour=True, flow="dis", dynamic_image="frames")
    made = open_corpus("synth-mini", tmp_path).clipset(view, limit=4, workers=1)
    assert len(made) == 4
    assert made.frames.shape == (4, 3, 32, 32, 3)
    assert made.landmarks.shape == (4, 3, 68, 2)
    assert made.flow.shape == (4, 2, 32, 32)
    assert made.dynamic_image.shape == (4, 32, 32)
    assert made.clips["clip"].isin(table("synth-mini")["clip"]).all()
    assert made.provenance["left out"] == []
    made.verify()


def test_the_first_frame_is_the_onset_and_the_flow_ends_at_the_apex(tmp_path):
    corpus = open_corpus("synth-mini", tmp_path)
    made = corpus.clipset(View(frames=2, size=32, span="onset-apex", flow="exact"), limit=1, workers=1)
    clip = made.clips["clip"][0]
    spec = corpus.spec(clip)
    frames = corpus.frames(clip, [spec.onset, spec.apex], 32, colour=False)
    np.testing.assert_array_equal(made.frames[0], frames)
    np.testing.assert_allclose(
        made.flow[0], corpus.flow(clip, spec.onset, spec.apex, 32), atol=2e-3
    )  # float16


def test_without_an_apex_the_middle_is_taken(tmp_path):
    corpus = open_corpus("synth-smic", tmp_path)
    made = corpus.clipset(View(frames=2, size=32, span="onset-apex", flow="exact"), limit=1, workers=1)
    spec = corpus.spec(made.clips["clip"][0])
    middle = (spec.onset + spec.offset) / 2
    assert middle != pytest.approx(spec.apex, abs=1e-4)
    np.testing.assert_allclose(made.flow[0], corpus.flow(spec.clip, spec.onset, middle, 32), atol=2e-3)


def test_exact_au_flow_is_the_labelled_part_of_the_exact_flow(tmp_path):
    corpus = open_corpus("synth-mini", tmp_path)
    made = corpus.clipset(View(frames=2, size=32, flow="exact-au"), limit=1, workers=1)
    spec = corpus.spec(made.clips["clip"][0])
    part = corpus.flow_parts(spec.clip, spec.onset, spec.apex, 32)["action"]
    np.testing.assert_allclose(made.flow[0], part, atol=2e-3)


def test_landmarks_and_dynamic_images_equal_the_direct_answers(tmp_path):
    corpus = open_corpus("synth-mini", tmp_path)
    clean, noisy = (
        corpus.clipset(View(frames=5, size=48, dynamic_image=kind), limit=2, workers=1)
        for kind in ("clean", "frames")
    )
    for row, clip in enumerate(clean.clips["clip"]):
        spec = corpus.spec(clip)
        times = np.linspace(spec.onset, spec.offset, 5)
        np.testing.assert_array_equal(clean.frames[row], corpus.frames(clip, times, 48, colour=False))
        points = [corpus.landmarks(clip, t, 48) for t in times]
        np.testing.assert_allclose(clean.landmarks[row], points, atol=1e-4)  # float32
        expected = corpus.clean_dynamic_image(clip, 5, 48)
        np.testing.assert_allclose(clean.dynamic_image[row], expected, atol=0.03)  # float16
        np.testing.assert_allclose(noisy.dynamic_image[row], dynamic_image(noisy.frames[row]), atol=0.1)


@pytest.mark.parametrize("colour", [False, True])
def test_estimated_flow_is_that_of_the_pictures_whatever_else_is_shown(colour):
    corpus = open_corpus("synth-mini")
    spec, scene = corpus.spec("synth-mini/s02/01"), corpus.scene("synth-mini/s02")
    view = View(frames=3, size=48, colour=colour, flow="dis", span="onset-apex")
    made = FaceCamera(spec, scene, view).arrays()
    grey = [frame if not colour else cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in made["frames"]]
    np.testing.assert_array_equal(made["flow"], estimate_flow(grey[0], grey[-1], "dis"))
    whole = FaceCamera(spec, scene, view.replace(span="onset-offset")).arrays()
    np.testing.assert_array_equal(whole["flow"], made["flow"])


@pytest.mark.parametrize("flow", ["dis", "exact", "exact-au"])
def test_a_hidden_apex_leaves_no_trace(flow):
    """The label alone is moved, the movement stays: whoever sees the arrays can't tell."""
    corpus, view = open_corpus("synth-smic"), View(frames=3, size=32, span="onset-apex", flow=flow)
    spec, scene = corpus.spec("synth-smic/s01/01"), corpus.scene("synth-smic/s01")
    moved = replace(spec, apex=spec.apex + 0.03)
    made, other = (FaceCamera(one, scene, view, has_apex=False).arrays() for one in (spec, moved))
    assert all(np.array_equal(made[name], other[name]) for name in view.arrays())
    assert not np.array_equal(
        FaceCamera(moved, scene, view).arrays()["flow"], FaceCamera(spec, scene, view).arrays()["flow"]
    )


def test_provenance_says_what_made_it(tmp_path):
    made = open_corpus("synth-mini", tmp_path).clipset(SMALL, limit=1, workers=1)
    assert {"corpus", "view", "code", "numpy", "opencv", "left out", "sha256"} <= set(made.provenance)
    assert made.provenance["opencv"] == cv2.__version__
    assert open_corpus("synth-mini", tmp_path).clipset(SMALL, limit=2, workers=1).folder != made.folder


def test_a_damaged_set_is_rendered_again_and_that_is_said(tmp_path, capsys):
    made = open_corpus("synth-mini", tmp_path).clipset(SMALL, limit=1, workers=1)
    whole = np.array(made.frames)
    np.load(made.folder / "frames.npy", mmap_mode="r+")[:] = 0
    again = open_corpus("synth-mini", tmp_path).clipset(SMALL, limit=1, workers=1)
    np.testing.assert_array_equal(again.frames, whole)
    assert "frames.npy is not the file that was written" in capsys.readouterr().err


RENDER = """
import sys
from mer_core import View, open_corpus
if __name__ == "__main__":
    open_corpus("synth-mini", sys.argv[1]).clipset(View(frames=4, size=32, flow="dis"), workers=int(sys.argv[2]))
"""


def start(tmp_path, cache, workers):
    script = tmp_path / "render.py"
    script.write_text(RENDER)
    return subprocess.Popen([sys.executable, script, cache, str(workers)])


def checksums(cache):
    sealed = [folder for folder in cache.iterdir() if (folder / "provenance.json").exists()]
    assert len(sealed) == 1, sorted(cache.iterdir())
    view = View(frames=4, size=32, flow="dis")
    made = open_corpus("synth-mini", cache).clipset(view, workers=1)
    assert made.folder == sealed[0], "it was not read from the cache"
    made.verify()
    return made.provenance["sha256"]


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    assert start(folder, folder / "cache", 1).wait(120) == 0
    return checksums(folder / "cache")


def test_workers_change_no_byte_and_two_processes_share_one_result(tmp_path, reference):
    both = [start(tmp_path, tmp_path / "cache", workers) for workers in (2, 1)]
    assert [process.wait(120) for process in both] == [0, 0]
    assert checksums(tmp_path / "cache") == reference


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_preparation_goes_on_where_it_stopped(tmp_path, reference, workers):
    killed = start(tmp_path, tmp_path / "cache", workers)
    done = None
    while not done and killed.poll() is None:
        time.sleep(0.01)
        marks = [np.fromfile(path, np.uint8)[-24:] for path in tmp_path.glob("cache/*.partial/done.npy")]
        done = int(marks[0].sum()) if marks and marks[0].size == 24 else 0
        done = done if done >= 3 else None
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait(10) == -signal.SIGKILL, "it had ended before it could be killed"
    assert not list(tmp_path.glob("cache/*/provenance.json")), "nothing half-written has the final name"
    assert start(tmp_path, tmp_path / "cache", 1).wait(120) == 0
    assert checksums(tmp_path / "cache") == reference
