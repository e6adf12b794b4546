"""How two branches are joined: why their scores need one scale, and which share would suit whom."""

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from mer_core.methods.famnet import Fusion
from mer_core.studies.famnet.live import Live, uf1_of

SHARES = np.linspace(0, 1, 11)
PAIRS = {"apex frame + clip": ("apex frame", "clip"), "change + clip": ("change at apex", "clip")}


def loudness(seed: int, clips: int = 3000) -> pd.DataFrame:
    """How often the sum of two equally good branches is right if the second one multiplies its scores."""
    draw = np.random.default_rng(seed)
    truth = torch.from_numpy(draw.integers(0, 3, clips))
    one, other = (
        1.3 * F.one_hot(truth, 3) + torch.from_numpy(draw.normal(size=(clips, 3))).float() for _ in range(2)
    )
    rows = {}
    for times in (1, 3, 10):
        fuse = Fusion("fixed", 0.5, 3)
        fuse(one, times * other)  # in training mode: it only remembers
        rows[times] = {
            "first alone": _right(one, truth),
            "second alone": _right(times * other, truth),
            "plain mean": _right((one + times * other) / 2, truth),
            "one scale": _right(fuse.eval()(one, times * other), truth),
        }
    return pd.DataFrame(rows).T.rename_axis("second ×")


def _right(vectors: Tensor, truth: Tensor) -> float:
    return (vectors.argmax(dim=1) == truth).float().mean().item()


def learned_share(live: Live) -> float:
    """The α that suits the training clips best, mean over the folds."""
    return float(np.mean([_learned_share(live, i) for i in range(len(live.given.folds))]))


def _learned_share(live: Live, fold: int) -> float:
    first, second = (live.train[name][fold]["emotion"] for name in ("apex frame", "clip"))
    labels = torch.from_numpy(live.given.labels[live.given.folds[fold].train])
    fuse = Fusion("learned", 0.5, live.given.n_classes)
    fuse(first, second)  # in training mode: it remembers
    mover = torch.optim.Adam([fuse.alpha], lr=0.1)
    for _ in range(200):
        mover.zero_grad()
        F.cross_entropy(fuse.eval()(first, second), labels).backward()
        mover.step()
    return fuse.alpha.sigmoid().item()


def along_shares(live: Live) -> pd.DataFrame:
    """UF1 on the tested clips by the share of the first branch: a row a share, a column a pair."""
    n_classes = live.given.n_classes
    uf1 = {
        name: [uf1_of(live.predictions(live.fused(*pair, float(share))), n_classes) for share in SHARES]
        for name, pair in PAIRS.items()
    }
    return pd.DataFrame(uf1, index=SHARES)
