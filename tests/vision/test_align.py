import cv2
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from mer_core import open_corpus
from mer_core.vision.align import eye_distance, face_square, move_flow, move_points, similarity, warp
from mer_core.vision.landmarks import eye_centres


def transform(turn=0.0, zoom=1.0, x=0.0, y=0.0):
    a, b = zoom * np.cos(turn), zoom * np.sin(turn)
    return np.array([[a, -b, x], [b, a, y]])


def then(first, second):
    return (np.vstack([second, [0, 0, 1]]) @ np.vstack([first, [0, 0, 1]]))[:2]


def cloud(points=68, seed=0):
    return np.random.RandomState(seed).uniform(0, 200, (points, 2))


def picture(height=90, width=120, seed=0):
    noise = np.random.RandomState(seed).rand(height, width).astype(np.float32)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


@pytest.fixture(scope="module")
def face():
    """A picture of a face and its landmarks."""
    corpus = open_corpus("synth-mini")
    clip = corpus.clips["clip"][0]
    return corpus.frames(clip, [0.1], 256, colour=False)[0], corpus.landmarks(clip, 0.1, 256)


@pytest.mark.parametrize("known", [transform(), transform(0.4, 1.7, -3, 8), transform(3, 0.2, 50, 0)])
@pytest.mark.parametrize("points", [2, 3, 68])
def test_a_known_similarity_is_recovered(known, points):
    np.testing.assert_allclose(
        similarity(cloud(points), move_points(cloud(points), known)), known, atol=1e-10
    )


def umeyama(points, target):
    """Umeyama 1991, equations 34 to 42, for K points in any dimension."""
    p, q = points - points.mean(axis=0), target - target.mean(axis=0)
    left, sizes, right = np.linalg.svd(q.T @ p / len(p))
    sign = np.array([1, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    turn = left @ np.diag(sign) @ right
    zoom = (sizes * sign).sum() / (p**2).sum(axis=1).mean()
    return np.column_stack([zoom * turn, target.mean(axis=0) - zoom * turn @ points.mean(axis=0)])


def test_the_nearest_similarity_is_umeyamas_and_never_mirrors():
    points, noisy, mirrored = cloud(), cloud() + cloud(seed=1) / 10, cloud() * [-1, 1]
    np.testing.assert_allclose(similarity(points, noisy), umeyama(points, noisy), atol=1e-10)
    np.testing.assert_allclose(similarity(points, mirrored), umeyama(points, mirrored), atol=1e-10)
    assert np.linalg.det(similarity(points, mirrored)[:, :2]) > 0


@pytest.mark.parametrize(
    "wrong", [np.ones((4, 2)), np.full((4, 2), np.nan), np.zeros((4, 3)), np.zeros((0, 2))]
)
def test_points_that_fix_no_similarity_are_refused(wrong):
    for points, target in ((wrong, cloud(4)), (cloud(4), wrong)):
        with pytest.raises(ValueError, match="Expected"):
            similarity(points, target)


def test_a_crop_has_level_eyes_and_the_five_points_in_its_middle():
    points = cloud()
    crop = move_points(points, face_square(points, 64))
    (left, right), five = eye_centres(crop), np.vstack([eye_centres(crop), crop[[30, 48, 54]]])
    assert left[1] == pytest.approx(right[1])
    assert left[0] < right[0]
    np.testing.assert_allclose(five.min(axis=0) + five.max(axis=0), 63)  # pixels 0 to 63
    assert np.ptp(five, axis=0).max() == pytest.approx(63 / 2.5)


def test_a_face_is_cropped_alike_wherever_it_is(face):
    image, points = face
    move = transform(0.3, 1.4, 60, -20)
    moved = cv2.warpAffine(image, move, (420, 420), flags=cv2.INTER_CUBIC)
    crop, matrix = face_square(points, 64), face_square(move_points(points, move), 64)
    np.testing.assert_allclose(then(move, matrix), crop, atol=1e-9)
    difference = warp(moved, matrix, 64).astype(float) - warp(image, crop, 64)
    assert np.abs(difference).mean() < 1.5


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.ones((68, 2)), "eyes at least a pixel apart"),
        (cloud() / 1000, "not in pixels"),
        (np.where(np.arange(136).reshape(68, 2) == 7, np.nan, 1.0), r"of \[3\] the place is not a number"),
        (cloud(5), r"got \(5, 2\)"),
    ],
)
def test_landmarks_that_are_no_face_are_refused(points, message):
    with pytest.raises(ValueError, match=message):
        face_square(points, 64)


@pytest.mark.parametrize(
    "move", [transform(0.5, 0.9, 10, -6), transform(-0.2, 0.3, 8, 20), transform(0, 2, -90, -70)]
)
def test_a_dot_goes_where_move_points_says(move):
    dot = np.array([60.3, 51.8])
    y, x = np.mgrid[:90, :120]
    image = (250 * np.exp(-((x - dot[0]) ** 2 + (y - dot[1]) ** 2) / 50)).astype(np.uint8)
    moved = warp(image, move, 80).astype(float)
    y, x = np.mgrid[:80, :80]
    centre = np.array([(moved * x).sum(), (moved * y).sum()]) / moved.sum()
    np.testing.assert_allclose(centre, move_points(dot, move), atol=0.06)


def test_batches_keep_their_shape():
    clips = np.random.RandomState(0).rand(3, 4, 68, 2)
    assert eye_centres(clips).shape == (3, 4, 2, 2)
    assert eye_distance(clips).shape == (3, 4)
    moved = move_points(clips, transform(0.1, 2, 3, 4))
    np.testing.assert_allclose(moved[1, 2], move_points(clips[1, 2], transform(0.1, 2, 3, 4)))
    assert eye_distance(moved) == pytest.approx(2 * eye_distance(clips))


def test_a_picture_left_alone_stays_and_goes_on_at_its_edge_as_the_edge_is():
    image = picture(50, 40)
    colour = np.stack([image, image, 255 - image], axis=-1)
    np.testing.assert_array_equal(warp(image, transform(), 40), image[:40])
    np.testing.assert_array_equal(warp(colour, transform(), 40), colour[:40])
    shifted = warp(image, transform(x=3), 40)
    np.testing.assert_array_equal(shifted[:, 3:], image[:40, :37])
    np.testing.assert_array_equal(shifted[:, :3], np.repeat(image[:40, :1], 3, axis=1))


def area_sampled(image, matrix, size, finer=16):
    """The mean of 16 × 16 samples of each new pixel."""
    inverse = cv2.invertAffineTransform(matrix)
    places = (np.arange(size)[:, None] + (np.arange(finer) + 0.5) / finer - 0.5).ravel()
    x, y = np.moveaxis(move_points(np.stack(np.meshgrid(places, places), axis=-1), inverse), -1, 0)
    values = map_coordinates(image.astype(float), [y, x], order=1, mode="nearest")
    return values.reshape(size, finer, size, finer).mean(axis=(1, 3))


@pytest.mark.parametrize("shrink", [1.6, 2, 2.4, 3.3, 6])
def test_a_picture_that_shrinks_is_averaged_not_thinned_out(shrink):
    hair = np.random.RandomState(0).randint(0, 256, (240, 240)).astype(np.uint8)
    matrix = transform(0.2, 1 / shrink, 12 / shrink, -12 / shrink)
    exact = area_sampled(hair, matrix, 32)
    thinned = cv2.warpAffine(hair, matrix, (32, 32), borderMode=cv2.BORDER_REPLICATE)
    error, before = (np.sqrt(np.mean((made - exact) ** 2)) for made in (warp(hair, matrix, 32), thinned))
    assert error < 8
    assert error < before / 3


def test_motion_between_moved_pictures_is_that_of_the_moved_points():
    first, second = transform(0.1, 1.2, -9, 4), transform(-0.2, 0.9, 14, 2)
    y, x = np.mgrid[:40, :50].astype(np.float32)
    moved = move_flow(np.stack([0.1 * x - 2, 0.05 * y + 1]), first, second)  # (2, H, W)
    for point in ([25.0, 20.0], [18.0, 25.0]):
        before = move_points(np.array(point), np.linalg.inv(np.vstack([first, [0, 0, 1]]))[:2])
        after = before + np.array([0.1 * before[0] - 2, 0.05 * before[1] + 1])
        known = move_points(after, second) - point
        np.testing.assert_allclose(moved[:, int(point[1]), int(point[0])], known, atol=0.02)


def test_pictures_that_move_together_keep_their_motion():
    flow = np.random.RandomState(0).randn(2, 20, 30).astype(np.float32)
    np.testing.assert_allclose(move_flow(flow, transform(), transform()), flow, atol=1e-5)
