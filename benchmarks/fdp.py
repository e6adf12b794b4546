"""What a training step of FDP costs in the paper's size, beside the same network with its frames one by one.

    python benchmarks/fdp.py [--device cuda] [--batches 4 36]

Goals on two idle cores: with four clips a step at least 1.4 times as fast as frame by frame, with 36 not slower, and at
most 1.2 times the memory. The share compares a step with what this machine reaches in one large product of matrices.
Expect seven minutes.
"""

import mer_core.pinned

from collections.abc import Callable

import torch
from side_by_side import Case, main
from torch import Tensor, nn

from mer_core.methods import Stage, create_method
from mer_core.methods.fdp import FDPNet


class FrameByFrame(nn.Module):
    """The same mathematics as it is published: a loop over frames, and a 3-D convolution over the volume."""

    def __init__(self, network: FDPNet) -> None:
        super().__init__()
        self.network = network
        self.pool = nn.Conv3d(1, 8, (3, 3, 8), padding=(1, 1, 0))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(B, 8, H, W) → emotion (B, C), dynamic_image (B, S, S)."""
        vectors = torch.stack(
            [self.network.encode(frame[:, None]) for frame in x.unbind(1)], dim=2
        )  # (B, V, 8)
        side = self.network.pool.side
        dynamics = self.pool(vectors.unflatten(1, (side, side))[:, None]).squeeze(4)  # (B, 8, S, S)
        image = self.network.draw(dynamics).squeeze(1).sigmoid()
        return {"emotion": self.network.recognise(dynamics), "dynamic_image": image}


def build(way: str, batch: int, device: str) -> Callable[[], Tensor]:
    """A forward pass on noise, and its loss."""
    method = create_method("fdp", preset="paper")
    model = method.network(5).to(device, memory_format=torch.channels_last)
    model = FrameByFrame(model).to(device) if way == "frame by frame" else model
    clips = {"x": torch.randn(batch, 8, 64, 64), "dynamic_image": torch.rand(batch, 64, 64)}
    clips = {name: values.to(device) for name, values in {**clips, "label": torch.arange(batch) % 5}.items()}
    batch_of = {**clips, "class_weight": None}
    return lambda: sum(method.losses(model(clips["x"]), batch_of, Stage("all", 1)).values())


if __name__ == "__main__":
    main(Case(__doc__, __file__, "fdp", (8, 64, 64), ("at once", "frame by frame"), build, batches=(4, 36)))
