"""What several methods truly share."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mer_core.vision.strain import optical_strain


def flow_input(flow: np.ndarray, side: int, *, strain: bool = False) -> Tensor:
    """Motion (N, 2, H, W) → (N, 2 or 3, side, side): u, v and, if asked for, the strain.

    The clip's median motion is taken away first: it is the head's, as large as the expression's own.
    """
    flow = flow.astype(np.float32)
    flow = flow - np.median(flow, axis=(2, 3), keepdims=True)
    maps = [flow, optical_strain(flow)[:, None]] if strain else [flow]
    return F.adaptive_avg_pool2d(torch.from_numpy(np.concatenate(maps, axis=1)), side)
