r"""TV-L1 optical flow, many pairs at once, on any device.

C. Zach, T. Pock and H. Bischof, "A Duality Based Approach for Realtime TV-L1 Optical Flow", DAGM 2007; in the form of
J. Sánchez, E. Meinhardt-Llopis and G. Facciolo, "TV-L1 Optical Flow Estimation", IPOL 2013. The flow $u$ minimises

$$\int |\nabla u_1| + |\nabla u_2| + \lambda\,|I_1(x + u) - I_0(x)|\;dx:$$

it is smooth but for edges (total variation), and pixels keep their brightness but for outliers (absolute values). The
pictures are compared from coarse to fine; at each size $I_1$ is warped by the flow so far and taken to be linear around
it, $\rho(u) = I_1(x + u^0) + \langle\nabla I_1, u - u^0\rangle - I_0$. An auxiliary $v$ near $u$ splits the problem into two
that have answers: $v$ pixel by pixel, $u$ by total-variation denoising through its dual $p$.

Each pair is worked on by itself: its flow does not depend on the pairs beside it in the batch.
"""

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from mer_core.settings import Settings

SMALLEST = 16  # pixels: a picture this small is not halved again
FLAT = 1e-6  # squared gradients below it carry no motion
CHUNK = 2**18  # pixels worked on at once: measured, the fields of so many stay in the cache


class TVL1(Settings):
    """How the flow is found."""

    attachment: float = Field(15.0, gt=0, description="λ, for grey levels from 0 to 1; more follows the pictures closer")
    tightness: float = Field(0.3, gt=0, description="θ: how near v stays to u")
    step: float = Field(0.25, gt=0, le=0.25, description="τ of the dual; up to 1/4 it converges")
    warps: int = Field(5, ge=1, description="linearisations at each size")
    iterations: int = Field(10, ge=1, description="of v, u and p after each warp")


@torch.no_grad()
def tvl1(firsts: np.ndarray, seconds: np.ndarray, settings: TVL1 | None = None, device: str = "cpu") -> np.ndarray:
    """Motion from one picture of each pair to the other: (P, H, W) uint8 each → (P, 2, H, W) float32, x first."""
    settings = settings or TVL1()
    pairs = [torch.from_numpy(np.ascontiguousarray(side)) for side in (firsts, seconds)]
    chunk = max(1, CHUNK // firsts[0].size) if device == "cpu" else len(firsts)
    flows = [
        _coarse_to_fine(*[side.to(device).float() / 255 for side in some], settings).cpu()
        for some in zip(*[side.split(chunk) for side in pairs], strict=True)
    ]
    return torch.cat(flows).numpy()


def _coarse_to_fine(first: Tensor, second: Tensor, settings: TVL1) -> Tensor:  # (P, 2, H, W)
    pyramid = [(first[:, None], second[:, None])]
    while min(pyramid[-1][0].shape[-2:]) >= 2 * SMALLEST:
        pyramid.append(tuple(F.avg_pool2d(side, 2, ceil_mode=True) for side in pyramid[-1]))
    flow = torch.zeros(len(first), 2, *pyramid[-1][0].shape[-2:], device=first.device)
    for pair in reversed(pyramid):
        size = pair[0].shape[-2:]
        scale = size[0] / flow.shape[-2]
        flow = F.interpolate(flow, size, mode="bilinear", align_corners=False) * (2 if scale > 1 else 1)
        flow = _refine(*pair, flow, settings)
    return flow


def _refine(first: Tensor, second: Tensor, flow: Tensor, settings: TVL1) -> Tensor:
    """Several warps at one size."""
    dual = torch.zeros(2, *flow.shape, device=flow.device)  # (direction, P, component, H, W)
    for _ in range(settings.warps):
        warped = _warp(second, flow)
        slope = _slope(warped)  # (P, 2, H, W)
        residual = warped - first - (slope * flow).sum(1, keepdim=True)  # ρ without ⟨∇I₁, u⟩
        flow = _denoise(flow, dual, slope, residual, settings)
    return flow


def _denoise(u: Tensor, p: Tensor, slope: Tensor, residual: Tensor, settings: TVL1) -> Tensor:
    """The inner loop; `p` is changed in place and kept for the next warp."""
    reach = settings.attachment * settings.tightness
    inverse = 1 / (slope.square().sum(1, keepdim=True) + FLAT)
    ratio = settings.step / settings.tightness
    for _ in range(settings.iterations):
        rho = torch.addcmul(residual, slope[:, :1], u[:, :1]).addcmul_(slope[:, 1:], u[:, 1:])
        v = torch.addcmul(u, slope, (rho * inverse).clamp_(-reach, reach), value=-1)
        u = v.add_(_divergence(p), alpha=settings.tightness)
        gradient = _gradient(u)
        length = torch.linalg.vector_norm(gradient, dim=0)  # (P, 2, H, W)
        p.add_(gradient, alpha=ratio).div_(length.mul_(ratio).add_(1))
    return u


def _gradient(u: Tensor) -> Tensor:
    """Forward differences (2, …, H, W), x first; 0 beyond the edge."""
    made = torch.zeros(2, *u.shape, device=u.device)
    torch.sub(u[..., 1:], u[..., :-1], out=made[0, ..., :-1])
    torch.sub(u[..., 1:, :], u[..., :-1, :], out=made[1, ..., :-1, :])
    return made


def _divergence(p: Tensor) -> Tensor:
    """Backward differences (…, H, W): the gradient's adjoint, but for the sign. `p` is 0 in its last column and row."""
    made = p[0] + p[1]
    made[..., 1:] -= p[0][..., :-1]
    made[..., 1:, :] -= p[1][..., :-1, :]
    return made


def _slope(image: Tensor) -> Tensor:  # (P, 1, H, W) → (P, 2, H, W)
    """Central differences, x first."""
    wide = F.pad(image, (1, 1, 1, 1), mode="replicate")
    across = wide[..., 1:-1, 2:] - wide[..., 1:-1, :-2]
    down = wide[..., 2:, 1:-1] - wide[..., :-2, 1:-1]
    return torch.cat([across, down], dim=1) / 2


def _warp(image: Tensor, flow: Tensor) -> Tensor:  # (P, 1, H, W)
    """The picture seen where the flow points."""
    height, width = image.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    here = torch.stack([x, y]).to(flow)  # (2, H, W)
    size = torch.tensor([width, height], device=flow.device).view(2, 1, 1)
    grid = (2 * (here + flow) + 1) / size - 1
    return F.grid_sample(image, grid.permute(0, 2, 3, 1), "bicubic", "border", align_corners=False)
