import numpy as np
import pytest
import torch
from skimage.registration import optical_flow_tvl1

from mer_core import open_corpus
from mer_core.settings import SettingsError
from mer_core.vision import ESTIMATORS, estimate_flow, estimate_flows
from mer_core.vision import tvl1 as module
from mer_core.vision.tvl1 import FLAT, OPENCV, TVL1, tvl1

from .test_vision import moved, textured


def shifted(u, v, size=64, seed=0):
    """A pair (1, H, W) of pictures, the second moved by (u, v)."""
    image = textured(size, seed)
    return [side.astype(np.uint8)[None] for side in (image, moved(image, u, v))]


def inside(flow, edge=12):
    return np.median(flow[..., edge:-edge, edge:-edge], axis=(-2, -1))


def literal_gradient(u):  # (H, W) → (2, H, W)
    height, width = u.shape
    made = np.zeros((2, height, width))
    for y in range(height):
        for x in range(width):
            made[0, y, x] = u[y, x + 1] - u[y, x] if x < width - 1 else 0
            made[1, y, x] = u[y + 1, x] - u[y, x] if y < height - 1 else 0
    return made


def literal_divergence(p):  # (2, H, W) → (H, W), as the paper lists it: first, inner and last pixels
    _, height, width = p.shape
    made = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            made[y, x] += (
                p[0, y, x] if x == 0 else -p[0, y, x - 1] if x == width - 1 else p[0, y, x] - p[0, y, x - 1]
            )
            made[y, x] += (
                p[1, y, x] if y == 0 else -p[1, y - 1, x] if y == height - 1 else p[1, y, x] - p[1, y - 1, x]
            )
    return made


def literal_threshold(u, slope, rho, reach):  # of one pixel: three cases
    squared = slope @ slope + FLAT
    if rho < -reach * squared:
        return u + reach * slope
    if rho > reach * squared:
        return u - reach * slope
    return u - rho * slope / squared


def literal_solve(u, p, slope, residual, s):  # u (2, H, W), p (component, direction, H, W)
    _, height, width = u.shape
    for _ in range(s.iterations):
        v = np.zeros_like(u)
        for y in range(height):
            for x in range(width):
                at = (slice(None), y, x)
                rho = residual[y, x] + slope[at] @ u[at]
                v[at] = literal_threshold(u[at], slope[at], rho, s.attachment * s.tightness)
        for d in range(2):
            u[d] = v[d] + s.tightness * literal_divergence(p[d])
            gradient = literal_gradient(u[d])
            length = np.hypot(*gradient)
            p[d] = (p[d] + s.step / s.tightness * gradient) / (1 + s.step / s.tightness * length)
    return u


def test_the_inner_loop_equals_its_literal_reference():
    rng, settings = np.random.RandomState(0), TVL1(iterations=6)
    slope, residual, u = (
        rng.randn(2, 2, 9, 11) * 0.05,
        rng.randn(2, 9, 11) * 0.1,
        rng.randn(2, 2, 9, 11) * 0.3,
    )
    made = module._solve(
        *[torch.tensor(x, dtype=torch.float32) for x in (u, np.zeros((2, *u.shape)), slope, residual)],
        settings,
    )
    for pair in range(2):
        expected = literal_solve(
            u[:, pair].copy(), np.zeros((2, 2, 9, 11)), slope[:, pair], residual[pair], settings
        )
        np.testing.assert_allclose(made[:, pair], expected, atol=1e-5)


def test_the_reference_reaches_all_three_cases_of_the_threshold():
    slope = np.array([0.3, 0.4])
    squared = 0.25 + FLAT
    for rho, expected in ((-9, 2 * slope), (9, -2 * slope), (0.25, -0.25 / squared * slope)):
        np.testing.assert_allclose(literal_threshold(np.zeros(2), slope, rho, 2), expected)


def test_divergence_is_minus_the_adjoint_of_the_gradient():
    generator = torch.Generator().manual_seed(0)
    u, p = (torch.randn(*shape, generator=generator).double() for shape in ((2, 3, 7, 5), (2, 2, 3, 7, 5)))
    p[0, ..., -1] = p[1, ..., -1, :] = 0
    left, right = (module._gradient(u)() * p).sum((0, 1, 3, 4)), -(u * module._divergence(p)()).sum((0, 2, 3))
    torch.testing.assert_close(left, right)  # pair by pair: nothing leaks into the next picture
    assert left.abs().min() > 0.1


def test_differences_equal_their_literal_references():
    u = np.random.RandomState(0).randn(2, 3, 6, 7)
    gradient = module._gradient(torch.tensor(u))().numpy()
    for d, pair in np.ndindex(2, 3):
        np.testing.assert_allclose(gradient[:, d, pair], literal_gradient(u[d, pair]))
        made = module._divergence(torch.tensor(gradient))().numpy()
        np.testing.assert_allclose(made[d, pair], literal_divergence(gradient[:, d, pair]))


def test_slopes_are_exact_on_a_polynomial_of_degree_four():
    y, x = np.mgrid[:9, :11] / 10
    across, down = module._slope(torch.tensor((x**4 - 2 * y**4 + x * y)[None])).numpy()[:, 0, 2:-2, 2:-2] * 10
    np.testing.assert_allclose(across, (4 * x**3 + y)[2:-2, 2:-2])
    np.testing.assert_allclose(down, (x - 8 * y**3)[2:-2, 2:-2])


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_a_warp_by_whole_pixels_is_a_shift(mode):
    picture = torch.rand(2, 8, 9, generator=torch.Generator().manual_seed(0))
    flow = torch.tensor([2.0, -1.0]).view(2, 1, 1, 1).expand(2, 2, 8, 9)
    warped = module._warp(picture, flow, mode)
    torch.testing.assert_close(warped[:, 1:, :-2], picture[:, :-1, 2:], atol=1e-5, rtol=0)
    torch.testing.assert_close(
        warped[:, 0, -1], picture[:, 0, -1], atol=1e-5, rtol=0
    )  # beyond the edge it goes on


@pytest.mark.parametrize("settings", [TVL1(), OPENCV], ids=["ours", "OpenCV's"])
@pytest.mark.parametrize("shift", [(0.3, -0.2), (-0.1, 0.6), (5.0, 3.0)])
def test_a_shift_is_found(shift, settings):
    flow = tvl1(*shifted(*shift), settings)
    np.testing.assert_allclose(inside(flow)[0], shift, atol=0.06)


def test_a_still_face_does_not_move():
    still, _ = shifted(0, 0)
    assert np.abs(tvl1(still, still)).max() < 1e-4


def test_an_empty_picture_does_not_move():
    grey = np.full((1, 32, 32), 7, np.uint8)
    assert not tvl1(grey, grey + 90).any()


def test_a_lamp_moves_nothing():
    first, second = shifted(0.4, 0)
    dimmed = (second * 0.8).astype(np.uint8)
    even, uneven = (
        np.abs(tvl1(first, dimmed, TVL1(even_light=light))[0, 0] - 0.4).mean() for light in (True, False)
    )
    assert even < 0.05 < 0.1 < uneven


def waves(u, v, size=64):
    """A smooth picture (H, W) moved by exactly (u, v)."""
    y, x = np.mgrid[:size, :size] - np.array([v, u])[:, None, None]
    wave = np.sin(x / 3) + np.sin(y / 4) + np.sin((x + y) / 5 + 1) + np.sin((x - y) / 6)
    return (127.5 + 30 * wave).round().astype(np.uint8)


def test_it_agrees_with_scikit_image_on_a_smooth_picture():
    pair = waves(0, 0), waves(0.6, -0.3)
    y, x = optical_flow_tvl1(*pair)
    ours = tvl1(*[side[None] for side in pair], TVL1(attachment=15.0, even_light=False))[0]
    difference = np.linalg.norm(ours - np.stack([x, y]), axis=0)[8:-8, 8:-8]
    assert (
        difference.mean() < 0.03
    )  # px: other slopes and iterations; theirs is 0.022 from the truth, ours 0.018


def synthetic_pairs(n=4, size=128):
    corpus = open_corpus("synth-mini")
    for clip in corpus.clips["clip"][:: len(corpus.clips) // n][:n]:
        times = corpus.spec(clip).onset, corpus.spec(clip).apex
        frames = corpus.frames(clip, times, size, colour=False)
        yield *frames, corpus.flow(clip, *times, size), corpus.mask(clip, times[0], size)


def test_on_faces_it_is_nearer_to_the_exact_flow_than_scikit_image():
    firsts, seconds, exact, faces = (np.stack(some) for some in zip(*synthetic_pairs(), strict=True))
    theirs = [optical_flow_tvl1(*pair)[::-1] for pair in zip(firsts, seconds, strict=True)]
    ours, theirs, still = (
        np.linalg.norm(flow - exact, axis=1)[faces].mean()
        for flow in (tvl1(firsts, seconds), np.stack(theirs), 0)
    )
    assert ours < theirs
    assert ours < 0.25 * still


def random_pairs(n, shape=(37, 41)):
    return np.random.RandomState(0).randint(0, 256, (2, n, *shape)).astype(np.uint8)


@pytest.mark.parametrize("warp", ["bilinear", "bicubic"])
def test_a_flow_does_not_depend_on_the_pairs_beside_it(warp, monkeypatch):
    firsts, seconds = random_pairs(7)
    settings = TVL1(warp=warp, levels=3)
    together = tvl1(firsts, seconds, settings)
    monkeypatch.setattr(module, "CHUNK", 3 * 37 * 41)
    np.testing.assert_array_equal(tvl1(firsts, seconds, settings), together)
    for i in range(7):
        np.testing.assert_array_equal(
            tvl1(firsts[i : i + 1], seconds[i : i + 1], settings), together[i : i + 1]
        )


def test_a_flow_does_not_depend_on_the_number_of_threads():
    pairs, before = random_pairs(3, (130, 131)), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = tvl1(*pairs)
        torch.set_num_threads(2)
        np.testing.assert_array_equal(tvl1(*pairs), alone)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_pictures_may_be_small_or_oblong():
    for shape in ((4, 5), (16, 90), (33, 17)):
        flow = tvl1(*random_pairs(2, shape))
        assert flow.shape == (2, 2, *shape)
        assert flow.dtype == np.float32
        assert np.isfinite(flow).all()


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_many_pairs_give_what_each_gives_alone(kind):
    firsts, seconds = (
        np.concatenate(side) for side in zip(shifted(0.5, 0), shifted(0, 1, seed=1), strict=True)
    )
    flows = estimate_flows(firsts, seconds, kind)
    alone = [estimate_flow(*pair, kind) for pair in zip(firsts, seconds, strict=True)]
    np.testing.assert_array_equal(flows, alone)
    assert flows.dtype == np.float32
    assert estimate_flows(firsts[:0], seconds[:0], kind).shape == (0, 2, 64, 64)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_finds_the_same_flow():
    pair = shifted(0.6, -0.3)
    np.testing.assert_allclose(
        estimate_flows(*pair, "tvl1", "cuda"), estimate_flows(*pair, "tvl1"), atol=1e-3
    )


def test_wrong_input_is_refused():
    grey = np.zeros((2, 8, 8), np.uint8)
    with pytest.raises(
        ValueError, match=r"Expected grey frames \(P, H, W\).*got \(2, 8, 8\).*and \(1, 8, 8\)"
    ):
        estimate_flows(grey, grey[:1], "tvl1")
    with pytest.raises(ValueError, match="of uint8"):
        estimate_flows(grey / 255, grey, "tvl1")
    with pytest.raises(ValueError, match="there are dis, farneback, tvl1"):
        estimate_flows(grey, grey, "tv-l1")
    with pytest.raises(SettingsError, match=r"step = 0\.3"):
        TVL1(step=0.3)
