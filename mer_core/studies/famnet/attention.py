"""What the masks of FAMNet's tasks let through, and whether that is where the face moves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from mer_core.faces.expression import PARTS
from mer_core.methods.famnet import Branch
from mer_core.scoring.statistics import Interval
from mer_core.studies.attribution import SIGNIFICANT, attribution, share_inside, still
from mer_core.studies.famnet.complementarity import mean_interval
from mer_core.studies.famnet.live import Live
from mer_core.studies.famnet.material import Material

LEVELS = {f"level {i + 1}": i for i in range(3)}  # the fourth has hardly a place


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


# Where the trained clip branch looks


@dataclass(frozen=True)
class Watched:
    """The tested clips whose skin moves most, with what the expression moves."""

    rows: np.ndarray  # (B,) of the corpus's clips
    places: np.ndarray  # (B,) among the tested clips
    folds: np.ndarray  # (B,) whose network never saw them
    apex: np.ndarray  # (B,) the frame nearest to it
    moving: Tensor  # (B, T, S, S) since the onset
    skin: Tensor  # (B, S, S)

    @property
    def ever_moving(self) -> Tensor:  # (B, S, S)
        """At any frame."""
        return self.moving.any(dim=1)


def moving_since_onset(given: Material, row: int) -> tuple[Tensor, Tensor]:  # (T, S, S), (S, S)
    """Which pixels the expression of a clip has moved at each frame, and which are skin."""
    chosen, faces = given.method.settings, given.faces
    spec = faces.spec(given.table["clip"][row])
    times = np.linspace(spec.onset, spec.offset, chosen.frames)
    others = set(PARTS) - {"action"}
    flows = [faces.flow(spec.clip, spec.onset, time, chosen.size, without=others) for time in times]
    far = torch.from_numpy(np.stack(flows)).float().norm(dim=1)
    return far >= SIGNIFICANT * far.max(), torch.from_numpy(faces.mask(spec.clip, spec.onset, chosen.size))


def fold_of(given: Material) -> np.ndarray:  # (n,)
    """The fold of each tested clip."""
    return np.repeat(np.arange(len(given.folds)), [len(fold.test) for fold in given.folds])


def watch(given: Material, count: int = 16) -> Watched:
    """The tested clips with the largest motion, as many as are asked for."""
    moves = given.table["peak_pixels"].to_numpy()[given.tested]
    places = np.sort(np.argsort(-moves)[:count])
    rows = given.tested[places]
    apex = given.method.view.apex_moment(given.table.iloc[rows])
    moving, skin = (
        torch.stack(one) for one in zip(*(moving_since_onset(given, row) for row in rows), strict=True)
    )
    return Watched(rows, places, fold_of(given)[places], apex, moving, skin)


def trained_and_random(live: Live) -> dict[str, list[Branch]]:
    """The clip's networks, fold by fold, and one with its first, random weights in their place."""
    given = live.given
    torch.manual_seed(given.settings.seed)
    fresh = given.method.network(given.n_classes)
    return {"trained": [one.network for one in live.fitted["clip"]], "random": [fresh] * len(given.folds)}


def task_maps(branch: Branch, x: Tensor, level: int) -> dict[str, Tensor]:  # (B, T, S, S) each
    """Where each task's mask on a level is open."""
    frames, side = x.shape[1], x.shape[-1]
    return {task: mask_maps(masks[level], frames, side) for task, masks in attention_masks(branch, x).items()}


def films(live: Live, row: int) -> dict[str, dict[str, np.ndarray]]:
    """The maps of one tested clip by the network that never saw its subject: by level, then by task, (T, S, S)."""
    given = live.given
    fold = fold_of(given)[np.flatnonzero(given.tested == row)[0]]
    x = given.examples.inputs["x"][[row]]
    return {
        title: {
            task: maps[0].numpy()
            for task, maps in task_maps(live.fitted["clip"][fold].network, x, level).items()
        }
        for title, level in LEVELS.items()
    }


def contrasts(live: Live, watched: Watched) -> pd.DataFrame:
    """How much more open a mask is on moving skin, at the apex, than on the rest: by level, task and network."""
    rows = {}
    for title, level in LEVELS.items():
        maps = {
            kind: _maps_of_folds(of, watched, live, level) for kind, of in trained_and_random(live).items()
        }
        for task in ("emotion", "action units"):
            for kind, of in maps.items():
                rows[title, task, kind] = _contrast(of[task], live, watched)
    return pd.DataFrame(rows, index=["contrast", "low", "high"]).T.rename_axis(["level", "task", "network"])


def _contrast(maps: Tensor, live: Live, watched: Watched) -> list[float]:
    at_apex = np.arange(len(maps)), watched.apex
    values = mask_contrast(maps[at_apex], watched.moving[at_apex], watched.skin)
    interval = mean_interval(values.numpy(), live.given.subjects[watched.rows])
    return [interval.value, interval.low, interval.high]


def _maps_of_folds(
    networks: Sequence[Branch], watched: Watched, live: Live, level: int
) -> dict[str, Tensor]:  # (B, T, S, S) each
    x = live.given.examples.inputs["x"][watched.rows]
    maps = {task: torch.zeros(watched.moving.shape) for task in ("emotion", "action units")}
    for fold in np.unique(watched.folds):
        some = np.flatnonzero(watched.folds == fold)
        for task, of in task_maps(networks[fold], x[some], level).items():
            maps[task][some] = of
    return maps


def pixels_inside(live: Live, watched: Watched) -> dict[str, Interval]:
    """The share of gradient × input, for what the emotion's score owes to motion, that lies where skin moves."""
    given = live.given
    x = given.examples.inputs["x"][watched.rows]
    target = torch.from_numpy(live.tables["clip"]["predicted"].to_numpy()[watched.places])
    shares = {}
    for kind, networks in trained_and_random(live).items():
        maps = torch.cat([
            attribution(networks[fold], x[[n]], target[[n]], still(x[[n]]))
            for n, fold in enumerate(watched.folds)
        ])  # fmt: skip
        shares[kind] = mean_interval(
            share_inside(maps, watched.ever_moving).numpy(), given.subjects[watched.rows]
        )
    return shares


def moving_shares(watched: Watched) -> tuple[float, float]:
    """How much of the picture, and of the face, is skin that moves at any frame."""
    moving, skin = watched.ever_moving, watched.skin
    on_face = (moving & skin).sum(dim=(1, 2)) / skin.sum(dim=(1, 2))
    return float(moving.float().mean(dim=(1, 2)).mean()), float(on_face.mean())
