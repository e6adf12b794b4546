"""A small network on optical flow: the book's first classifier, there to have predictions to score.

Three convolutions over the motion from onset to apex, after Off-ApexNet and STSTNet, which showed that so little is
enough for corpora this small. About 7,000 parameters.
"""

from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 28  # pixels; the size that STSTNet uses


def flow_input(flow: Tensor) -> Tensor:  # (N, 2, H, W) → (N, 2, 28, 28)
    """The motion that is left when each clip's median motion, the moving head, is taken away."""
    flow = flow.float()
    flow = flow - flow.flatten(2).median(dim=2).values[:, :, None, None]
    return F.adaptive_avg_pool2d(flow, SIDE)


class SmallFlowNet(nn.Sequential):
    """(N, 2, 28, 28) → (N, C) scores before the softmax.

    Group normalisation: unlike batch normalisation it needs no statistics to settle, which a few hundred steps are too
    few for.
    """

    def __init__(self, n_classes: int, width: int = 16) -> None:
        super().__init__(
            *_block(2, width),  # (N, 16, 14, 14)
            *_block(width, width),  # (N, 16, 7, 7)
            *_block(width, 2 * width),  # (N, 32, 3, 3)
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(2 * width * 9, n_classes),
        )


def _block(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1), nn.GroupNorm(4, after), nn.ReLU(), nn.MaxPool2d(2)]


def count_parameters(model: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
