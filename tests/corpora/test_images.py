import os
import sys

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mer_core.corpora.images import (
    ImageError,
    depth,
    frame_number,
    index_frames,
    list_frames,
    look_at,
    others,
    read_image,
)
from tests.corpora.imitate import picture, write_frames

prefixes = st.text(
    st.characters(exclude_characters="0123456789/\0", exclude_categories=["Cs", "Nd"]), max_size=8
)


@given(prefixes, st.integers(0, 10**9), st.integers(0, 4))
def test_the_last_number_of_a_name_is_the_frame_however_it_is_padded(prefix, number, zeros):
    assert frame_number(f"{prefix}{'0' * zeros}{number}") == number
    assert frame_number(f"006_{prefix}_{number}") == number


@given(prefixes)
def test_a_name_without_a_number_is_no_frame(name):
    assert frame_number(name) is None


def test_frames_come_in_the_order_of_time_and_strays_are_passed_over(tmp_path):
    write_frames(tmp_path, (2, 10, 100), "img{}.jpg")
    for stray in ("Thumbs.db", "cover.jpg", "._img3.jpg", "img4.txt"):
        (tmp_path / stray).write_bytes(b"?")
    assert list(index_frames(tmp_path)) == [2, 10, 100]


MARKS = [" (3)", "(3)", " - Copy", " - Copy (2)", " - Kopie", " copy", " copy 2", " (copy)", " (3rd copy)"]


@given(prefixes, st.integers(0, 10**9), st.sampled_from(MARKS))
def test_the_number_of_a_copy_is_none_of_its_frame(prefix, number, mark):
    assert frame_number(f"{prefix}{number}{mark}") == number


def test_a_copy_comes_after_its_original_and_is_compared_with_it(tmp_path):
    write_frames(tmp_path, (3, 5), "img{}.jpg")
    write_frames(tmp_path, [5], "img{} (3).jpg")
    write_frames(tmp_path, [5], "img{:03d}.jpg", seed=1)
    frames = list_frames(tmp_path)
    assert {number: [path.name for path in files] for number, files in frames.items()} == {
        3: ["img3.jpg"],
        5: ["img005.jpg", "img5.jpg", "img5 (3).jpg"],
    }
    assert [path.name for path in others(frames[5])] == ["img5.jpg", "img5 (3).jpg"]
    assert others(frames[5][1:]) == []


def test_files_that_were_renamed_all_at_once_are_no_copies(tmp_path):
    write_frames(tmp_path, (1, 2, 11), "clip7 ({}).jpg")
    assert list(index_frames(tmp_path)) == [1, 2, 11]


def flaw(path):
    [picture] = look_at([path])
    return picture.flaw


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "tif"])
def test_a_picture_cut_off_anywhere_is_noticed(tmp_path, suffix):
    write_frames(tmp_path, [1], "{}." + suffix)
    path = tmp_path / f"1.{suffix}"
    data = path.read_bytes()
    assert flaw(path) == ""
    for share in (0.1, 0.5, 0.99):
        path.write_bytes(data[: int(share * len(data))])
        assert flaw(path) == "cut off" if suffix != "tif" else "damaged inside: TIFF_Error" in flaw(path)
    path.write_bytes(b"")
    assert flaw(path) == "empty file"
    path.write_bytes(b"<html>not found</html>")
    assert flaw(path) == "no picture"


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("damage", [bytes(30), b"\xa5\x5a" * 15])
def test_a_picture_damaged_inside_is_noticed_among_whole_ones_and_nothing_is_printed(
    tmp_path, suffix, damage, capfd
):
    write_frames(tmp_path, (1, 2, 3), "{}." + suffix)
    path = tmp_path / f"2.{suffix}"
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + damage + data[middle + 30 :])
    flaws = [picture.flaw for picture in look_at([tmp_path / f"{number}.{suffix}" for number in (1, 2, 3)])]
    assert [bool(flaw) for flaw in flaws] == [False, True, False]
    assert flaws[1].startswith("damaged inside: ")
    assert capfd.readouterr().err == ""


def test_what_is_no_complaint_about_a_picture_is_still_printed(tmp_path, capfd, monkeypatch):
    write_frames(tmp_path, [1], "{}.png")
    decode = cv2.imdecode
    monkeypatch.setattr(cv2, "imdecode", lambda *a: os.write(2, b"a warning\n") and decode(*a))
    monkeypatch.setattr(sys, "stderr", sys.__stderr__)
    assert flaw(tmp_path / "1.png") == ""
    assert capfd.readouterr().err == "a warning\n"


def test_what_is_no_file_is_named_and_nothing_waits_for_it(tmp_path):
    (tmp_path / "1.png").symlink_to("nowhere")
    (tmp_path / "2.png").symlink_to("2.png")
    (tmp_path / "3.png").mkdir()
    os.mkfifo(tmp_path / "4.png")
    flaws = [picture.flaw for picture in look_at([tmp_path / f"{number}.png" for number in (1, 2, 3, 4)])]
    assert flaws == ["a link to nothing", "Too many levels of symbolic links", "no file", "no file"]
    assert list(index_frames(tmp_path)) == [1, 2, 4]


def test_a_picture_beyond_the_limit_of_opencv_is_named(tmp_path):
    write_frames(tmp_path, [1], "{}.jpg")
    data = bytearray((tmp_path / "1.jpg").read_bytes())
    size = data.index(b"\xff\xc0") + 5
    data[size : size + 4] = b"\xea\x60\xea\x60"  # 60,000 × 60,000
    (tmp_path / "1.jpg").write_bytes(data)
    assert flaw(tmp_path / "1.jpg") == "more pixels than OpenCV reads: 2^30, and 2^20 a side"


def test_a_known_picture_is_decoded_again_only_if_its_file_is_another(tmp_path, monkeypatch):
    write_frames(tmp_path, (1, 2), "{}.png")
    paths = [tmp_path / "1.png", tmp_path / "2.png"]
    known = dict(zip(paths, look_at(paths), strict=True))
    write_frames(tmp_path, [2], "{}.png", seed=5)
    decoded, decode = [], cv2.imdecode
    monkeypatch.setattr(cv2, "imdecode", lambda *a: decoded.append(a) or decode(*a))
    first, second = look_at(paths, known)
    assert first == known[paths[0]]
    assert second.crc != known[paths[1]].crc
    assert len(decoded) == 1


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_values_of_a_camera_with_more_bits_are_scaled_and_not_black(tmp_path, suffix, bits):
    values = picture(0, 1).astype(np.uint16) << (bits - 8)
    path = tmp_path / f"1.{suffix}"
    path.write_bytes(cv2.imencode(f".{suffix}", values)[1].tobytes())
    [seen] = look_at([path])
    assert depth(seen.bits) == bits
    np.testing.assert_array_equal(read_image(path, colour=True, bits=bits)[..., ::-1], picture(0, 1))


def test_a_picture_is_read_with_red_first_from_any_path(tmp_path):
    folder = tmp_path / "größe mit Leerzeichen 表情"
    write_frames(folder, [1], "{}.png")
    image = read_image(folder / "1.png", colour=True)
    np.testing.assert_array_equal(image[..., ::-1], picture(0, 1))
    grey = read_image(folder / "1.png", colour=False)
    np.testing.assert_allclose(grey, cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), atol=1)


def test_what_is_no_picture_is_refused_by_name(tmp_path):
    (tmp_path / "1.jpg").write_bytes(b"text" * 10)
    with pytest.raises(ImageError, match=r"1.jpg can't be read as a picture: unpack it again"):
        read_image(tmp_path / "1.jpg", colour=False)


def test_another_picture_than_the_one_that_was_looked_at_is_refused(tmp_path):
    write_frames(tmp_path, [1], "{}.png")
    [seen] = look_at([tmp_path / "1.png"])
    write_frames(tmp_path, [1], "{}.png", seed=1)
    with pytest.raises(ImageError, match=r"1.png is another picture than it was: prepare the corpus again"):
        read_image(tmp_path / "1.png", colour=False, crc=seen.crc)
