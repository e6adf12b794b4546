import sys
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mer_core import open_corpus
from mer_core.vision import landmarks as module
from mer_core.vision.align import eye_distance
from mer_core.vision.landmarks import COLUMNS, LandmarkError, Landmarks, detect, eye_centres, read_landmarks

FACE = np.random.RandomState(0).uniform(0, 300, (68, 2))


def known():
    """Two clips: one with three frames, one with a single frame."""
    frames = {46: FACE, 47: FACE + 1, 60: FACE + 2}
    return Landmarks({"sub01/EP02_01f": frames, "sub02/EP01": {3: FACE * 2}}, "a test")


def written(path, table):
    table.to_parquet(path) if path.suffix == ".parquet" else table.to_csv(path, index=False)
    return path


def same(some, others):
    assert some.points.keys() == others.points.keys()
    for clip in some.points:
        assert some.points[clip].keys() == others.points[clip].keys()
        for frame in some.points[clip]:
            np.testing.assert_allclose(some.of(clip, frame), others.of(clip, frame))


def test_the_groups_are_where_the_face_has_them():
    corpus = open_corpus("synth-mini")
    points = corpus.landmarks(corpus.clips["clip"][0], 0.1, 128)
    groups = [name for name in vars(module) if isinstance(getattr(module, name), slice)]
    middle = {name: points[getattr(module, name)].mean(axis=0) for name in groups}
    assert sum(len(points[getattr(module, name)]) for name in groups) == 68
    for left, right in (("LEFT_BROW", "RIGHT_BROW"), ("LEFT_EYE", "RIGHT_EYE")):
        assert middle[left][0] < middle["NOSE_BRIDGE"][0] < middle[right][0]
    heights = [middle[name][1] for name in ("LEFT_BROW", "LEFT_EYE", "NOSTRILS", "OUTER_LIPS")]
    assert heights == sorted(heights)
    np.testing.assert_allclose(eye_centres(points), [middle["LEFT_EYE"], middle["RIGHT_EYE"]])


def test_a_frame_has_its_own_points_and_a_lone_frame_stands_for_its_clip():
    np.testing.assert_array_equal(known().of("sub01/EP02_01f", 47), FACE + 1)
    np.testing.assert_array_equal(known().of("sub02/EP01", 99), FACE * 2)
    assert "sub02/EP01" in known()
    assert "sub03/EP01" not in known()


def test_what_is_not_known_is_named():
    with pytest.raises(
        LandmarkError, match="no landmarks of sub01/EP02_01f, frame 50; it has 3 others, from 46"
    ):
        known().of("sub01/EP02_01f", 50)
    with pytest.raises(LandmarkError, match="none of this clip"):
        known().of("sub03/EP01", 1)


def test_only_some_clips_can_be_kept():
    assert list(known().only(["sub02/EP01", "sub03/EP01"]).points) == ["sub02/EP01"]


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_what_is_written_is_read_again(tmp_path, suffix):
    same(read_landmarks(written(tmp_path / f"points{suffix}", known().table())), known())
    known().write(tmp_path / "own.parquet")
    same(read_landmarks(tmp_path / "own.parquet"), known())


def test_a_folder_of_openface_tables_is_read(tmp_path):
    for clip, rows in known().table().groupby("clip"):
        path = tmp_path / f"{clip}.csv"
        path.parent.mkdir()
        lost = rows.iloc[:1].assign(frame=999, x_0=0)
        table = pd.concat([rows.assign(success=1), lost.assign(success=0)]).drop(columns="clip")
        table.insert(1, "X_0", 7.0)  # three-dimensional points have the same names in capitals
        lines = table.to_csv(index=False).replace(",", ", ")
        path.write_text(lines)
    same(read_landmarks(tmp_path), known())


def test_a_folder_of_tables_with_clips_is_read(tmp_path):
    table = known().table()
    written(tmp_path / "a.csv", table[:2])
    written(tmp_path / "b.parquet", table[2:])
    same(read_landmarks(tmp_path), known())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="frame"), r"missing: frame \(1 in all\)"),
        (lambda t: t.drop(columns="clip"), r"missing: clip \(1 in all\)"),
        (lambda t: t[["clip", "frame", *COLUMNS[:5], *COLUMNS[68:73]]], r"68 points .* x_5, x_6, x_7, x_8 … \(126"),
        (lambda t: t.assign(y_7=["1", "2", "n/k", "4"]), "expected a number as y_7, got 'n/k' in row 3"),
        (lambda t: t.assign(x_3=[1, np.nan, 3, 4]), "expected a number as x_3, got .*nan.* in row 2"),
        (lambda t: t.assign(x_3=[1, 2, 3, np.inf]), "x_3, got .*inf.* in row 4"),
        (lambda t: t.assign(frame=[1, 2, 3, 4.5]), "expected a whole number as frame, got .*4.5"),
        (lambda t: t.assign(clip=["a", None, "b", "c"]), "expected a clip in each row, got none in row 2"),
        (lambda t: pd.concat([t, t[1:2]]), "frame 47 of sub01/EP02_01f is there twice"),
        (lambda t: t[:0], "expected a row a frame, got none"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_table_that_is_no_table_of_landmarks_is_refused(tmp_path, suffix, change, message):
    path = written(tmp_path / f"points{suffix}", change(known().table()))
    with pytest.raises(LandmarkError, match=message):
        read_landmarks(path)


def test_values_under_the_wrong_names_are_refused(tmp_path):
    lines = known().table().to_csv(index=False).splitlines()
    (tmp_path / "points.csv").write_text("\n".join([lines[0], *(f"1,{line}" for line in lines[1:])]))
    with pytest.raises(LandmarkError, match="more values than it names columns"):
        read_landmarks(tmp_path / "points.csv")


def test_a_clip_in_two_files_is_refused(tmp_path):
    for name in "ab":
        written(tmp_path / f"{name}.csv", known().table())
    with pytest.raises(LandmarkError, match="there twice"):
        read_landmarks(tmp_path)


@pytest.mark.parametrize("name", ["empty", "nowhere.csv"])
def test_a_place_without_landmarks_is_named(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(LandmarkError, match=rf"no landmarks at .*{name}: give a"):
        read_landmarks(tmp_path / name)


CELLS = st.sampled_from(["1", "2.5", "-3", "1e400", "", "nan", "clip", "a b", '"', "é", "1,2", " 4"])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=140), max_size=4), st.booleans())
def test_whatever_a_file_holds_it_is_read_or_refused(tmp_path_factory, rows, has_header):
    header = [",".join(["clip", "frame", *COLUMNS])] if has_header else []
    path = tmp_path_factory.mktemp("random") / "points.csv"
    path.write_text("\n".join(header + [",".join(row) for row in rows]))
    try:
        made = read_landmarks(path)
    except LandmarkError:
        return
    assert all(np.isfinite(face).all() for frames in made.points.values() for face in frames.values())


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=60)
@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_file_of_any_bytes_is_refused(tmp_path_factory, suffix, data):
    path = tmp_path_factory.mktemp("random") / f"points{suffix}"
    path.write_bytes(data)
    with pytest.raises(LandmarkError):
        read_landmarks(path)


# The detector


@pytest.mark.parametrize("package", ["dlib", "face_recognition_models"])
def test_a_detector_that_is_not_installed_says_how_to_install_it(monkeypatch, package):
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == package else find_spec("json"))
    with pytest.raises(LandmarkError, match=r"pip install mer-core\[landmarks\]"):
        detect([])


@pytest.fixture
def dlib():
    pytest.importorskip("dlib", reason="the detector is an extra: make landmarks")
    if find_spec("face_recognition_models") is None:
        pytest.skip("the detector's model is an extra: make landmarks")


@pytest.mark.usefixtures("dlib")
def test_the_detector_finds_synthetic_faces_and_names_pictures_without_one():
    corpus = open_corpus("synth-mini")
    clips = corpus.clips["clip"][::8]
    faces = {clip: corpus.frames(clip, [0.1], 256)[0] for clip in clips}
    found, without = detect({**faces, "wall": np.full((256, 200), 128, np.uint8)}.items())
    assert without == {"wall": "no face found in 200 × 256 pixels"}
    for clip in clips:
        exact = corpus.landmarks(clip, 0.1, 256)
        off = np.linalg.norm(found[clip] - exact, axis=1)[17:]  # the jaw is a contour: its points may slide
        assert off.mean() < 0.08 * eye_distance(exact)


@pytest.mark.usefixtures("dlib")
def test_the_detector_takes_the_largest_face():
    corpus = open_corpus("synth-mini")
    large, small = (
        corpus.frames(corpus.clips["clip"][0], [0.1], size, colour=False)[0] for size in (256, 128)
    )
    both = np.full((256, 400), 128, np.uint8)
    both[60:188, :128], both[:, 144:] = small, large
    found, _ = detect({"both": both, "large": large}.items())
    np.testing.assert_allclose(found["both"], found["large"] + [144, 0], atol=3)


@pytest.mark.usefixtures("dlib")
def test_the_detector_leaves_its_models_package_alone():
    detect([])
    assert "face_recognition_models" not in sys.modules
