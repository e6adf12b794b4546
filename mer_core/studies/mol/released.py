"""The paper and its code: each difference in numbers small enough to see."""

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from mer_core.corpora.catalogue import open_corpus
from mer_core.methods import create_method
from mer_core.methods.mol import CCC, FCC, FRAMES, MOLSettings
from mer_core.scoring import scores
from mer_core.studies.mol.blocks import drawn, positions_shared
from mer_core.studies.papers import Material
from mer_core.training import Examples, Run, examples, fit_network
from mer_core.training.fit import normalised, one_thread


def never_learnt(settings: MOLSettings) -> dict[str, int]:
    """Weights of the released network that no gradient reaches, by part; those of FCC are there twice."""
    torch.manual_seed(0)
    block, n = FCC(settings.replace(variant="released")), settings.side
    block(drawn(2, settings.stack[-1], n, n)).square().sum().backward()
    dead = {
        name: p.numel() if p.grad is None else int((p.grad == 0).sum())
        for name, p in block.named_parameters()
    }
    parts = {"kernels": "kernel", "embeddings": "place", "feed-forward part": "unused"}
    of_fcc = {
        f"FCC: {part}": sum(count for name, count in dead.items() if word in name)
        for part, word in parts.items()
    }
    return {**of_fcc, "displacements": int((positions_shared(n) == 0).sum()) * settings.encoder[2] * 9}


def graph_as_released(settings: MOLSettings) -> tuple[float, float]:
    """How much the graph changes the released block's answer with one neighbour, and with four instead of one."""
    torch.manual_seed(0)
    one, four = (CCC(settings.replace(variant="released", neighbours=k)) for k in (1, 4))
    four.load_state_dict(one.state_dict())
    x = drawn(1, settings.stack[-1], settings.side, settings.side)
    with torch.no_grad():
        alone = F.relu(one.own(x.flatten(2)) + one.other(-x.flatten(2)))
        return (one(x).flatten(2) - alone).abs().max().item(), (one(x) - four(x)).abs().max().item()


def times_counted(table: pd.DataFrame) -> pd.Series:
    """How often the released code counts each clip: five crops of as many sub-clips as eight frames go into it."""
    frames = (table["offset"] - table["onset"] + 1).astype(int)
    return 5 * (frames // FRAMES)


def clips_of_half(counts: pd.Series) -> int:
    """How few clips make up half of all counts."""
    longest = counts.sort_values(ascending=False)
    return int((longest.cumsum() < counts.sum() / 2).sum()) + 1


def change_by_company(given: Material) -> float:
    """How much the input of a tested clip changes with the clips that are tested beside it, scaled as released."""
    method = create_method("mol", given.settings.preset, released={"normalise": "fold"})
    test = examples(method, given.clips, given.labels, given.n_classes).take(given.folds[0].test)
    _, together = normalised(test, test, "fold")
    _, as_pair = normalised(test, test.take(np.array([0, 1])), "fold")
    return (together.inputs["x"][0] - as_pair.inputs["x"][0]).abs().max().item()


def batches_seen(given: Material, train: Examples, **released: bool) -> int:
    """How many batches the first batch norm has taken statistics from, in three epochs of two batches."""
    method = create_method("mol", given.settings.preset, epochs=3, batch=4, released=released)
    with one_thread():
        network = fit_network(method, train.take(np.arange(8)), seed=0)
    return int(network.first.fcc.first.norm.num_batches_tracked)


def counted_once_and_as_released(run: Run) -> dict[str, float]:
    """UF1 of a stored run's first seed: each clip once, and each as often as it has sub-clips."""
    table = run.predictions.query("seed == seed.min()")
    clips = open_corpus(run.record["settings"]["corpus"]).clips.set_index("clip").loc[table["clip"]]
    times = (times_counted(clips) // 5).to_numpy()
    pair = table["truth"].to_numpy(), table["predicted"].to_numpy()
    n_classes = sum(name.startswith("p_") for name in table)
    return {
        "each clip once": scores(*pair, n_classes).uf1,
        "as often as it has sub-clips": scores(*(np.repeat(of, times) for of in pair), n_classes).uf1,
    }
