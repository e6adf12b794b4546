r"""Where a network looks: which pixels of the input its answer depends on.

On synthetic faces the moving region is known exactly, so that a map can be scored: `share_inside` against the share of
the picture that the region covers, which is what a map that knows nothing reaches.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIGNIFICANT = 0.25  # of the clip's largest motion: from there on, a pixel counts as moving


def attribution(network: nn.Module, x: Tensor, target: Tensor, baseline: Tensor | None = None) -> Tensor:
    r"""Gradient × input: (B, T, H, W) and classes (B,) → maps (B, H, W), none below 0.

    $$A_{ij} = \sum_t \left| \frac{\partial s_y}{\partial x_{tij}} \, (x_{tij} - b_{tij}) \right|$$

    with the score $s_y$ of the class $y$: what the network would say otherwise, to first order, if the pixel were the
    baseline's $b$; 0 where none is given. `still(x)` asks what the answer owes to motion.
    """
    with _evaluating(network), torch.enable_grad():
        seen = x.detach().clone().requires_grad_()
        _scores(network, seen, target).sum().backward(inputs=seen)  # of a clip alone: clips do not mix
    changed = seen.grad * (x - (0 if baseline is None else baseline))
    return changed.abs().flatten(1, -3).sum(dim=1)


def maps_of_folds(
    networks: Sequence[nn.Module],
    fold: Tensor,
    x: Tensor,
    target: Tensor,
    baseline: Tensor,
    look: Callable[..., Tensor] = attribution,
) -> Tensor:
    """Maps (B, H, W) of clips, each by the network of its fold (B,), which never saw its subject."""
    maps = x.new_zeros(len(x), *x.shape[-2:])
    for number, network in enumerate(networks):
        if (mine := fold == number).any():
            maps[mine] = look(network, x[mine], target[mine], baseline=baseline[mine])
    return maps


@torch.no_grad()
def occlusion(
    network: nn.Module, x: Tensor, target: Tensor, patch: int = 8, baseline: Tensor | None = None
) -> Tensor:
    """How much the score of the class falls when a patch shows the baseline instead: maps (B, H, W), of either sign.

    Slower than a gradient and more honest: the network is asked, not extrapolated. One pass a patch.
    """
    baseline = torch.zeros_like(x) if baseline is None else baseline.expand_as(x)
    falls = x.new_zeros(len(x), *x.shape[-2:])
    with _evaluating(network):
        before = _scores(network, x, target)  # (B,)
        for rows, columns in _patches(*x.shape[-2:], patch):
            hidden = x.clone()
            hidden[..., rows, columns] = baseline[..., rows, columns]
            falls[:, rows, columns] = (before - _scores(network, hidden, target))[:, None, None]
    return falls


def still(x: Tensor) -> Tensor:
    """The clip in which nothing moves: its mean frame, at all times; (B, T, H, W)."""
    return x.mean(dim=1, keepdim=True).expand_as(x)


def moving_region(flow: Tensor, least: float = SIGNIFICANT) -> Tensor:
    """Where motion (B, 2, H, W) is at least that share of the clip's largest: (B, H, W), true or false."""
    far = flow.float().norm(dim=1)
    return (far > 0) & (far >= least * far.amax(dim=(1, 2), keepdim=True))


def share_inside(maps: Tensor, moving: Tensor) -> Tensor:
    """Of all that a map (B, H, W) marks, how much lies on moving pixels: (B,); what is below 0 does not count.

    A map that marks nothing has no share: NaN.

    >>> share_inside(torch.tensor([[[3.0, 1.0]]]), torch.tensor([[[True, False]]]))
    tensor([0.7500])
    """
    if maps.shape != moving.shape:
        raise ValueError(
            f"Expected maps and regions of the same shape (B, H, W), got {tuple(maps.shape)} and {tuple(moving.shape)}."
        )
    marked = maps.clamp(min=0)
    return (marked * moving).sum(dim=(1, 2)) / marked.sum(dim=(1, 2))


def peak_inside(maps: Tensor, moving: Tensor, width: int = 5) -> Tensor:
    """The pointing game: does the largest value of a map (B, H, W), a little blurred, lie on moving pixels? (B,)"""
    blurred = F.avg_pool2d(maps[:, None], width, 1, width // 2)[:, 0].flatten(1)
    best = blurred.argmax(dim=1, keepdim=True)
    return moving.flatten(1).gather(1, best)[:, 0]


def _scores(network: nn.Module, x: Tensor, target: Tensor) -> Tensor:  # (B,)
    outputs = network(x)["emotion"]
    if target.shape != outputs.shape[:1]:
        raise ValueError(f"Expected one class a clip, ({len(outputs)},), got {tuple(target.shape)}.")
    return outputs.gather(1, target[:, None])[:, 0]


def _patches(height: int, width: int, side: int) -> Iterator[tuple[slice, slice]]:
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield slice(top, top + side), slice(left, left + side)


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Statistics of batch norm as trained, nothing dropped; afterwards as it was before."""
    before = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(before)
