import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mer_core.corpora.images import ImageError, flaw, frame_number, index_frames, read_image
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


def test_two_files_for_one_frame_are_refused(tmp_path):
    write_frames(tmp_path, [7], "img{}.jpg")
    write_frames(tmp_path, [7], "img{:03d}.jpg")
    with pytest.raises(ImageError, match=r"img007.jpg and img7.jpg are both frame 7"):
        index_frames(tmp_path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp"])
def test_a_picture_cut_off_anywhere_is_noticed(tmp_path, suffix):
    write_frames(tmp_path, [1], "{}." + suffix)
    path = tmp_path / f"1.{suffix}"
    data = path.read_bytes()
    assert flaw(path) is None
    for share in (0.1, 0.5, 0.99):
        path.write_bytes(data[: int(share * len(data))])
        assert flaw(path) == "cut off"
    path.write_bytes(b"")
    assert flaw(path) == "empty file"
    path.write_bytes(b"<html>not found</html>")
    assert flaw(path) == "no picture"


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
