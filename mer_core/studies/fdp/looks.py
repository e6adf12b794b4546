"""Where the trained networks look."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import torch
from torch import Tensor
from torch.nn import functional as F

from mer_core.figures.images import seen_on, slideshow
from mer_core.studies.attribution import (
    attribution,
    maps_of_folds,
    moving_region,
    occlusion,
    share_inside,
    still,
)
from mer_core.studies.fdp.live import answers
from mer_core.studies.fdp.material import NOT_LABELLED, by_motion, short
from mer_core.studies.papers import Fitted, Material


@dataclass(frozen=True)
class Looks:
    """Which pixels the answers about some tested clips depend on, and which of them the expression moves."""

    given: Material
    trained: Sequence[Fitted]
    clips: int = 12  # those that move most

    @cached_property
    def places(self) -> np.ndarray:  # (m,)
        """Positions of the clips among those that are tested."""
        return np.sort(by_motion(self.given)[: self.clips])

    @cached_property
    def rows(self) -> np.ndarray:  # (m,)
        """Their positions among all clips."""
        return self.given.tested[self.places]

    @cached_property
    def x(self) -> Tensor:  # (m, 8, S, S)
        """What the network takes of them."""
        return torch.cat([fitted.test.inputs["x"] for fitted in self.trained])[self.places]

    @cached_property
    def regions(self) -> Tensor:  # (m, S, S)
        """Where the labelled movement has moved the face at the apex."""
        return moving_region(torch.stack([self._moves(row) for row in self.rows]))

    def _moves(self, row: int) -> Tensor:  # (2, S, S)
        spec, size = self.given.faces.spec(self.given.table["clip"][row]), self.given.method.settings.size
        flow = self.given.faces.flow(spec.clip, spec.onset, spec.apex, size, without=NOT_LABELLED)
        return torch.from_numpy(np.asarray(flow)).float()

    @cached_property
    def maps(self) -> dict[str, Tensor]:  # (m, S, S) each
        """Of the trained networks in two ways, each clip by the one that never saw its subject; and two controls."""
        x, base = self.x, still(self.x)
        networks = [fitted.network for fitted in self.trained]
        answered = torch.from_numpy(answers(self.trained)[self.places])
        sizes = [len(fitted.test.labels) for fitted in self.trained]
        fold = torch.from_numpy(np.repeat(np.arange(len(sizes)), sizes)[self.places])
        torch.manual_seed(self.given.settings.seed)
        untrained = self.given.method.network(self.given.n_classes).eval()
        return {
            "gradient": maps_of_folds(networks, fold, x, answered, base),
            "occlusion": maps_of_folds(networks, fold, x, answered, base, look=occlusion),
            "random weights": attribution(untrained, x, answered, base),
            "motion itself": (x - base).abs().sum(dim=1),
        }

    def pictures(self) -> go.Figure:
        """The maps over every second face."""
        height = self.x.shape[-1]
        faces = torch.from_numpy(np.asarray(self.given.clips.frames[self.rows, 0]) * 1.0)
        faces = F.adaptive_avg_pool2d(faces, height).byte().numpy()
        return slideshow(
            {
                short(self.given, self.rows[i]): [
                    seen_on(faces[i], marked[i].clamp(min=0).numpy(), self.regions[i].numpy())
                    for marked in self.maps.values()
                ]
                for i in range(0, len(self.rows), 2)
            },
            titles=list(self.maps),
            label="clip",
            alt="Six faces with what four maps mark in orange, and the outline of what the expression moves in white.",
            width=190,
        )

    def table(self) -> pd.DataFrame:
        """A row a map: its share on moving pixels, and in how many clips that is above the region's area."""
        area = self.regions.float().mean(dim=(1, 2))
        rows = {"even map (area of the region)": {"share inside": area.mean().item()}}
        for name, marked in self.maps.items():
            inside = share_inside(marked, self.regions)
            above = (inside > area).float().mean().item()
            rows[name] = {"share inside": inside.nanmean().item(), "above the area": above}
        return pd.DataFrame(rows).T


def says_looks(table: pd.DataFrame) -> str:
    """Whether training has brought the network to look at what moves."""
    inside = table["share inside"]
    more = "more" if inside["gradient"] > inside["random weights"] else "no more"
    return f"The trained network looks {more} at what moves than one with random weights."
