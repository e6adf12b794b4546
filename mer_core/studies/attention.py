"""What the masks of FAMNet's tasks let through, and whether that is where the face moves."""

import torch
from torch import Tensor
from torch.nn import functional as F

from mer_core.methods.famnet import Branch


@torch.no_grad()
def attention_masks(branch: Branch, x: Tensor) -> dict[str, list[Tensor]]:
    """Of each task the masks of its levels, (B, C, [T,] H, W) of 0 … 1."""
    tasks = {"emotion": branch.emotion, "action units": branch.action_units}
    tasks = {name: task for name, task in tasks.items() if task is not None}
    if not all(task.masks for task in tasks.values()):
        raise ValueError(
            f"Only attention='hier' has masks of its own for each task; this branch has "
            f"{branch.settings.attention!r}."
        )
    made = {name: [] for name in tasks}
    hooks = [
        mask.register_forward_hook(lambda _, __, out, name=name: made[name].append(out))
        for name, task in tasks.items()
        for mask in task.masks
    ]
    try:
        branch.eval()(x)
    finally:
        for hook in hooks:
            hook.remove()
    return made


def mask_maps(mask: Tensor, frames: int, side: int) -> Tensor:  # (B, T, S, S)
    """The mean over channels of a mask, spread over the frames and pixels that it stands for."""
    mean = mask.mean(dim=1, keepdim=True)  # (B, 1, [T,] H, W)
    if mean.dim() == 4:
        mean = mean[:, :, None]  # a picture: at all times the same
    return F.interpolate(mean, size=(frames, side, side), mode="nearest")[:, 0]


def mask_contrast(maps: Tensor, moving: Tensor, face: Tensor) -> Tensor:  # (B,)
    """How much more a map (B, H, W) lets through where the face moves than on the rest of it; else NaN.

    >>> half = torch.tensor([[[True, False]]])
    >>> mask_contrast(torch.tensor([[[0.75, 0.5]]]), half, torch.ones_like(half))
    tensor([0.2500])
    """
    shapes = {tuple(given.shape) for given in (maps, moving, face)}
    if len(shapes) > 1:
        raise ValueError(f"Expected maps and regions of the same shape (B, H, W), got {sorted(shapes)}.")
    inside, outside = _mean_on(maps, face & moving), _mean_on(maps, face & ~moving)
    return inside - outside


def _mean_on(maps: Tensor, where: Tensor) -> Tensor:  # (B,)
    return (maps * where).sum(dim=(1, 2)) / where.sum(dim=(1, 2))
