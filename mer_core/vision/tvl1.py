r"""TV-L1 optical flow, many pairs at once, on any device.

C. Zach, T. Pock and H. Bischof, "A Duality Based Approach for Realtime TV-L1 Optical Flow", DAGM 2007; as written down
by J. Sánchez, E. Meinhardt-Llopis and G. Facciolo, "TV-L1 Optical Flow Estimation", IPOL 2013. The flow $u$ minimises

$$\int |\nabla u_1| + |\nabla u_2| + \lambda\,|I_1(x + u) - I_0(x)|\;dx:$$

it is smooth but for edges (total variation), and what moves keeps its brightness but for outliers (absolute value).
Small pictures come first, large ones refine their flow. At each size $I_1$ is warped by the flow $u^0$ so far and
taken to be linear around it, $\rho(u) = I_1(x + u^0) + \langle\nabla I_1, u - u^0\rangle - I_0(x)$. A second flow $v$
close to $u$ splits the problem in two that have answers:

- $v = u - \nabla I_1\,\rho(u) / |\nabla I_1|^2$, with the quotient clipped at $\pm\lambda\theta$ (thresholding);
- $u = v + \theta\,\mathrm{div}\,p$ for each component of $u$, by its dual
  $p \leftarrow (p + \frac{\tau}{\theta}\nabla u) / (1 + \frac{\tau}{\theta}|\nabla u|)$.

Ours: both pictures get one brightness and contrast first, and $\nabla I_1$ is averaged with $\nabla I_0$. A pair's flow
depends neither on the pairs beside it nor on the number of threads.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from mer_core.devices import one_thread
from mer_core.settings import Settings

SMALLEST = 16  # pixels: no picture is made smaller
CONTRAST = 0.2  # spread of grey levels that a picture is brought to: about that of a lit face
FLAT = 1e-6  # squared slope of grey levels, added to it: where nothing can be seen to move, nothing does
CHUNK = 2**16  # pixels at once on a processor: fewer are slowed by the calls, more by the memory (measured)


class TVL1(Settings):
    """How the flow is found.

    Chosen for the mean error against exact flow on `synth`, `synth-easy` and `synth-hard` at 128 pixels, onset to apex
    and between neighbours of eight frames: 48 pairs, of subjects with even numbers; the sizes for `synth-macro` too. On
    72 pairs of the other subjects the error is 0.147 px (0.208 with `even_light=False`, 0.99 if nothing moved). More
    iterations or a median filter after each warp gain less than 0.001 px, bicubic warps lose 0.004.
    """

    attachment: float = Field(25.0, gt=0, description="λ, for grey levels 0 to 1: more follows the pictures")
    tightness: float = Field(0.3, gt=0, description="θ: less keeps v closer to u")
    step: float = Field(0.25, gt=0, le=0.25, description="τ of the dual: above 1/4 it need not converge")
    levels: int = Field(5, ge=1, description="sizes of the pictures: five find movements of 8 pixels")
    shrink: float = Field(0.7, ge=0.3, le=0.95, description="from one size to the next")
    warps: int = Field(2, ge=1, description="linearisations at each size")
    iterations: int = Field(20, ge=1, description="of v, u and p after each warp")
    warp: Literal["bilinear", "bicubic"] = Field(
        "bilinear",
        description="interpolation; bicubic, as in OpenCV (a = -0.75), moves even a ramp by 0.05 px",
    )
    even_light: bool = Field(True, description="one brightness and contrast for both pictures: lamps flicker")


# What OpenCV's `DualTVL1OpticalFlow` begins with; its λ is for grey levels up to 255. It may take 300 iterations but
# stops when little changes, on faces after 25. Its median filter, which changes nothing that counts, and its slopes
# are left out: on 36 pairs of synthetic faces the flow differs by 0.05 px on average, and its error is no larger.
OPENCV = TVL1(attachment=0.15 * 255, shrink=0.8, warps=5, iterations=30, warp="bicubic", even_light=False)


@torch.no_grad()
def tvl1(
    firsts: np.ndarray, seconds: np.ndarray, settings: TVL1 | None = None, device: str = "cpu"
) -> np.ndarray:
    """Motion from one picture to the other of each pair: (P, H, W) uint8 each → (P, 2, H, W) float32, x first."""
    settings = settings or TVL1()
    pairs = torch.from_numpy(np.stack([firsts, seconds])).to(device)
    pictures = _even_light(pairs) if settings.even_light else pairs.float() / 255  # (2, P, H, W)
    with one_thread():  # so short a call waits for other threads more than it works
        flow = _coarse_to_fine(pictures, settings)
    return np.ascontiguousarray(flow.transpose(0, 1).cpu().numpy())


def _even_light(pairs: Tensor) -> Tensor:
    """Pictures of mean 0 and one contrast. Sums of whole numbers: exact in any order."""
    n = pairs[0, 0].numel()
    total = pairs.sum((-2, -1), dtype=torch.long, keepdim=True)
    squares = pairs.long().square().sum((-2, -1), keepdim=True)
    spread = (n * squares - total.square()).sqrt() / n  # in grey levels
    return (pairs - total / n) * (CONTRAST / spread.clamp(min=1))


def _coarse_to_fine(pictures: Tensor, settings: TVL1) -> Tensor:
    """(2, P, H, W) → flow (2, P, H, W), level by level and some pairs at a time."""
    levels = _pyramid(pictures, settings)
    flow = torch.zeros_like(levels[-1])
    for level in reversed(levels):
        flow = _enlarged(flow, level.shape[-2:])
        chunk = max(1, CHUNK // level[0, 0].numel()) if level.device.type == "cpu" else level.shape[1]
        parts = zip(level.split(chunk, 1), flow.split(chunk, 1), strict=True)
        flow = torch.cat([_refine(*part, settings) for part in parts], 1)
    return flow


def _pyramid(pictures: Tensor, settings: TVL1) -> list[Tensor]:
    """The pictures (2, P, H, W), and ever smaller ones."""
    made = [pictures]
    while len(made) < settings.levels:
        size = [round(side * settings.shrink) for side in made[-1].shape[-2:]]
        if min(size) < SMALLEST:
            break
        made.append(_resized(made[-1], size))
    return made


def _resized(fields: Tensor, size: Sequence[int]) -> Tensor:
    """(2, P, H, W) in another size; shrinking averages."""
    single = fields.flatten(0, 1)[:, None]
    made = F.interpolate(single, size, mode="bilinear", align_corners=False, antialias=True)
    return made.view(*fields.shape[:2], *size)


def _enlarged(flow: Tensor, size: Sequence[int]) -> Tensor:
    """The flow on larger pictures: more pixels, and further in pixels."""
    (height, width), (old_height, old_width) = size, flow.shape[-2:]
    scale = flow.new_tensor([width / old_width, height / old_height])
    return _resized(flow, size) * scale.view(2, 1, 1, 1)


def _refine(pictures: Tensor, flow: Tensor, settings: TVL1) -> Tensor:
    """Several warps at one size."""
    first, second = pictures  # (P, H, W)
    dual = flow.new_zeros(2, *flow.shape)  # (direction, component, P, H, W)
    first_slope = _slope(first)
    for _ in range(settings.warps):
        warped = _warp(second, flow, settings.warp)
        slope = (first_slope + _slope(warped)) / 2  # (2, P, H, W)
        residual = warped - first - (slope * flow).sum(0)  # ρ(u) without its term in u
        flow = _solve(flow, dual, slope, residual, settings)
    return flow


def _solve(start: Tensor, p: Tensor, slope: Tensor, residual: Tensor, settings: TVL1) -> Tensor:
    """The linearised problem. `p` is changed in place: the next warp begins with it."""
    reach, ratio = settings.attachment * settings.tightness, settings.step / settings.tightness
    inverse = 1 / (slope.square().sum(0) + FLAT)
    residual = residual * inverse  # of ρ / |∇I₁|²: ρ itself is not needed
    along_x, along_y = slope * inverse
    u = start.clone(memory_format=torch.contiguous_format)
    u_x, u_y = u
    gradient, divergence = _gradient(u), _divergence(p)
    for _ in range(settings.iterations):
        quotient = torch.addcmul(residual, along_x, u_x).addcmul_(along_y, u_y).clamp_(-reach, reach)
        u.addcmul_(slope, quotient, value=-1)  # this is v
        u.add_(divergence(), alpha=settings.tightness)
        x, y = slant = gradient()
        length = x.square().addcmul_(y, y).sqrt_()
        p.add_(slant, alpha=ratio).div_(length.mul_(ratio).add_(1))
    return u


def _gradient(u: Tensor) -> Callable[[], Tensor]:
    """Gives, at each call, the differences (2, …, H, W) of u as it is then: to the next pixel, x first, 0 at the last.

    They always lie in the same memory: for small pictures, making room and views would take longer than the numbers.
    """
    made, width = u.new_empty(2, *u.shape), u.shape[-1]
    row, x, y = u.view(-1), made[0].view(-1)[:-1], made[1].view(-1)[:-width]  # one long row is fastest
    left, right, above, below = row[:-1], row[1:], row[:-width], row[width:]
    breaks = made[0, ..., -1], made[1, ..., -1, :]

    def gradient() -> Tensor:
        torch.sub(right, left, out=x)
        torch.sub(below, above, out=y)
        for last in breaks:
            last.zero_()
        return made

    return gradient


def _divergence(p: Tensor) -> Callable[[], Tensor]:
    """Gives, at each call, the divergence (…, H, W) of p as it is then.

    It is the gradient's adjoint but for the sign: p is 0 at the last pixels.
    """
    made, width = p.new_empty(p.shape[1:]), p.shape[-1]
    (x, y), row = p, made.view(-1)
    left, above = x.view(-1)[:-1], y.view(-1)[:-width]  # what comes over from another row or picture is 0
    right, below = row[1:], row[width:]

    def divergence() -> Tensor:
        torch.add(x, y, out=made)
        right.sub_(left)
        below.sub_(above)
        return made

    return divergence


def _slope(picture: Tensor) -> Tensor:
    """(P, H, W) → (2, P, H, W): derivatives over five pixels, x first."""
    wide = F.pad(picture, (2, 2, 2, 2), mode="replicate")
    across, down = wide[:, 2:-2], wide[..., 2:-2]
    x = 8 * (across[..., 3:-1] - across[..., 1:-3]) - (across[..., 4:] - across[..., :-4])
    y = 8 * (down[:, 3:-1] - down[:, 1:-3]) - (down[:, 4:] - down[:, :-4])
    return torch.stack([x, y]) / 12


def _warp(picture: Tensor, flow: Tensor, mode: str) -> Tensor:
    """The picture (P, H, W) seen where the flow points."""
    height, width = picture.shape[-2:]
    x = torch.arange(width, device=flow.device) + flow[0]
    y = torch.arange(height, device=flow.device)[:, None] + flow[1]
    grid = torch.stack([(2 * x + 1) / width, (2 * y + 1) / height], -1) - 1  # its corners are -1 and 1
    return F.grid_sample(picture[:, None], grid, mode, "border", align_corners=False)[:, 0]
