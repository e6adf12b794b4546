import numpy as np
import pytest

from mer_core.faces.head import load_head
from mer_core.faces.render import project, rasterise, vertex_normals


def slow_rasterise(points, triangles, shape):
    """The same, triangle by triangle and pixel by pixel: (H, W) number of the nearest triangle, −1 where none is."""
    nearest, winner = np.zeros(shape), np.full(shape, -1)
    for number, (a, b, c) in enumerate(points[triangles]):
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if area >= 0:
            continue
        low, high = np.min([a, b, c], 0), np.max([a, b, c], 0)
        for y in range(max(0, int(low[1])), min(shape[0], int(high[1]) + 2)):
            for x in range(max(0, int(low[0])), min(shape[1], int(high[0]) + 2)):
                second = ((x - a[0]) * (c[1] - a[1]) - (y - a[1]) * (c[0] - a[0])) / area
                third = ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])) / area
                closeness = a[2] + second * (b[2] - a[2]) + third * (c[2] - a[2])
                if min(second, third, 1 - second - third) >= 0 and closeness > nearest[y, x]:
                    nearest[y, x], winner[y, x] = closeness, number
    return winner


@pytest.mark.parametrize("size", [24, 40])
def test_the_z_buffer_equals_a_literal_one(size):
    head = load_head()
    points = project(
        head.shape(np.random.RandomState(size).normal(0, 0.5, 40)) + np.array([0.05, 0, 0]), size
    )
    raster = rasterise(points, head.triangles, (size, size))
    np.testing.assert_array_equal(
        raster.image(raster.triangle, -1), slow_rasterise(points, head.triangles, (size, size))
    )


def test_random_triangles_equal_the_literal_z_buffer_even_outside_the_picture():
    points = np.random.RandomState(1).uniform([-20, -20, 0.5], [60, 50, 1.5], (60, 3))
    triangles = np.arange(60).reshape(20, 3)
    raster = rasterise(points, triangles, (30, 40))
    np.testing.assert_array_equal(
        raster.image(raster.triangle, -1), slow_rasterise(points, triangles, (30, 40))
    )


def test_weights_give_back_the_pixel_itself():
    head = load_head()
    points = project(head.mean, 64)
    raster = rasterise(points, head.triangles, (64, 64))
    u, v, _ = raster.interpolate(points.T[:, head.triangles])
    np.testing.assert_allclose(u, raster.pixels % 64, atol=1e-9)
    np.testing.assert_allclose(v, raster.pixels // 64, atol=1e-9)
    assert raster.weights.min() > -1e-6


def test_neighbouring_triangles_leave_no_hole():
    square = np.array(
        [[2.0, 2.0, 1.0], [2.0, 20.0, 1.0], [20.0, 20.0, 1.0], [20.0, 2.0, 1.0]]
    )  # edges meet pixel centres
    raster = rasterise(square, np.array([[0, 1, 2], [0, 2, 3]]), (24, 24))
    assert raster.mask[2:21, 2:21].all()
    assert raster.mask.sum() == 19 * 19


def test_triangles_seen_from_behind_are_left_out():
    square = np.array([[2.0, 2.0, 1.0], [2.0, 20.0, 1.0], [20.0, 20.0, 1.0]])
    assert len(rasterise(square, np.array([[0, 2, 1]]), (24, 24)).pixels) == 0


def test_every_size_shows_the_same_scene():
    points = np.random.RandomState(2).uniform(-1, 1, (10, 3))
    small, large = project(points, 64), project(points, 128)
    np.testing.assert_allclose(
        large[:, :2], 2 * small[:, :2] + 0.5
    )  # pixel 0 of one covers pixels 0 and 1 of the other
    np.testing.assert_allclose(small[:, 2], large[:, 2])


def test_nearer_points_are_closer_and_spread_wider():
    near, far = project(np.array([[0.5, 0, 0.4], [0.5, 0, -0.4]]), 128)
    assert near[2] > 1 > far[2]
    assert near[0] > far[0]


def test_normals_of_a_tetrahedron_point_outwards():
    points = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    triangles = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])
    np.testing.assert_allclose(vertex_normals(points, triangles).T, points / np.sqrt(3), atol=1e-12)
