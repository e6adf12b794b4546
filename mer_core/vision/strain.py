"""Optical strain: how much the skin is stretched, whatever way it moves as a whole."""

import numpy as np


def optical_strain(flow: np.ndarray) -> np.ndarray:
    r"""Motion (…, 2, H, W) → (…, H, W): the magnitude of its infinitesimal strain tensor,

    $$\sqrt{\epsilon_{xx}^2 + \epsilon_{yy}^2 + \epsilon_{xy}^2 + \epsilon_{yx}^2}, \qquad
      \epsilon = \tfrac12\,(\nabla f + \nabla f^\top).$$

    A turn or a shift of the whole face stretches nothing: its strain is 0.
    """
    du_dy, du_dx = np.gradient(flow[..., 0, :, :], axis=(-2, -1))
    dv_dy, dv_dx = np.gradient(flow[..., 1, :, :], axis=(-2, -1))
    shear = (du_dy + dv_dx) / 2
    return np.sqrt(du_dx**2 + dv_dy**2 + 2 * shear**2)
