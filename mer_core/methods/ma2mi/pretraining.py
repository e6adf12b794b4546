"""Learning from macro-expressions before micro-expressions (MA2MI): pairs of frames, the stage, what it is worth.

Who is learnt from, how often, and where the weights are kept is in `mer_core/training/starts.py`.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn import functional as F

from mer_core.clips import ClipSet
from mer_core.devices import check_precision, one_thread, seeded
from mer_core.methods.base import Lesson, StartError
from mer_core.methods.ma2mi.network import MA2MI, Encoder, MIACNet
from mer_core.methods.ma2mi.reconstruction import Autoencoder, Reconstruction, gain
from mer_core.progress import progress
from mer_core.vision.augment import augment

# Settings of recognition: weights that were learnt before serve any of them.
AFTERWARDS = {
    "epochs", "batch", "optimiser", "rate", "decay", "schedule", "balance", "channels_last", "compile", "augment",
    "released", "head", "dropout", "tune", "slower",
}  # fmt: skip


def lesson(method: MA2MI) -> Lesson:
    """What is learnt before, and what its outcome depends on."""
    chosen = method.settings
    if chosen.start not in ("ma2mi", "supervised"):
        raise StartError(f"Expected start to be ma2mi or supervised to learn it, got {chosen.start!r}.")
    settings = {name: value for name, value in chosen.plain().items() if name not in AFTERWARDS}
    return Lesson(
        chosen.macro, chosen.macro_limit, method.macro_view, settings, "encode", partial(_learn_all, method)
    )


def _learn_all(method: MA2MI, clips: ClipSet, seed: int, device: str) -> tuple[nn.Module, dict]:
    pairs = find_pairs(clips, method, seed)
    learnt = pretrain(method, load_videos(method, clips, pairs), seed, device)
    return learnt.network, {"pairs": count_pairs(pairs), "scores": learnt.scores}


# Pairs of frames.


def find_pairs(clips: ClipSet, method: MA2MI, seed: int = 0) -> pd.DataFrame:
    """All pairs of moments that lie one of the gaps apart, what moves between them, and why a pair is left out.

    In pixels: the head moves as the median landmark does, the expression as the ten that move most against that.
    """
    chosen = method.settings
    by_gap = [_pairs_of_gap(clips, gap) for gap in chosen.gaps if gap < chosen.moments]
    if not by_gap:
        raise StartError(f"There is no gap of {chosen.gaps} moments in videos of {chosen.moments}.")
    pairs = pd.concat(by_gap, ignore_index=True)
    moves, jumps = pairs["head"] > chosen.most_head, pairs["change"] > chosen.most_change
    pairs["left_out"] = np.select([moves, jumps], ["the head moves", "a cut or a flash"], default="")
    return _without_most_still(pairs, chosen.still_below, chosen.still_share, seed)


def _pairs_of_gap(clips: ClipSet, gap: int) -> pd.DataFrame:
    points = np.asarray(clips.landmarks)
    moved = points[:, gap:] - points[:, :-gap]  # (N, T - gap, 68, 2)
    head = np.median(moved, axis=2, keepdims=True)
    most = np.sort(np.linalg.norm(moved - head, axis=3), axis=2)[..., -10:]
    change = np.stack([_change(video, gap) for video in clips.frames])
    clip, now = np.indices(moved.shape[:2])
    columns = {"clip": clip, "now": now, "later": now + gap, "change": change}
    columns |= {"head": np.linalg.norm(head[:, :, 0], axis=2), "motion": most.mean(axis=2)}
    return pd.DataFrame({name: values.ravel() for name, values in columns.items()})


def _change(video: np.ndarray, gap: int) -> np.ndarray:  # (T - gap,)
    """Mean difference in grey levels."""
    levels = video.astype(np.int16)
    return np.abs(levels[gap:] - levels[:-gap]).reshape(len(video) - gap, -1).mean(axis=1)


def _without_most_still(pairs: pd.DataFrame, below: float, share: float, seed: int) -> pd.DataFrame:
    """Pairs in which nothing moves teach to copy: some of them are kept, so that they are known."""
    kept = pairs["left_out"] == ""
    still = np.flatnonzero(kept & (pairs["motion"] < below))
    most = int(share / (1 - share) * (kept.sum() - len(still)))
    surplus = np.random.RandomState(seed).permutation(still)[most:]
    pairs.loc[surplus, "left_out"] = "still"
    return pairs


def count_pairs(pairs: pd.DataFrame) -> dict[str, int]:
    """How many survive, and why the others don't."""
    return pairs["left_out"].replace("", "kept").value_counts().to_dict()


@dataclass(frozen=True)
class Videos:
    """Macro-expressions in memory."""

    method: MA2MI
    frames: np.ndarray  # (N, T, H, W) or (N, T, H, W, 3) uint8
    subjects: np.ndarray  # (N,)
    labels: np.ndarray  # (N,)
    peaks: np.ndarray  # (N,) the moment nearest to the apex
    pairs: pd.DataFrame  # the kept ones

    @property
    def who(self) -> np.ndarray:
        """(P,) whose pair it is."""
        return self.subjects[self.pairs["clip"]]

    def of(self, subjects: Collection[str]) -> "Videos":
        """Those of some subjects: the arrays stay, the pairs are fewer."""
        return replace(self, pairs=self.pairs[np.isin(self.who, list(subjects))])

    def batch(self, rows: np.ndarray, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Pairs (B, 2, 3, S, S) and the clips' labels (B,); with a generator either way in time, and varied."""
        clip, now, later = self.pairs[["clip", "now", "later"]].to_numpy()[rows].T
        if generator is not None:
            back = torch.rand(len(rows), generator=generator).numpy() < 0.5
            now, later = np.where(back, later, now), np.where(back, now, later)
        return self._varied(
            np.stack([self.frames[clip, now], self.frames[clip, later]], axis=1), clip, generator
        )

    def expressions(
        self, clips: np.ndarray, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Onset and apex, as in recognition."""
        frames = np.stack([self.frames[clips, 0], self.frames[clips, self.peaks[clips]]], axis=1)
        return self._varied(frames, clips, generator)

    def _varied(
        self, frames: np.ndarray, clip: np.ndarray, generator: torch.Generator | None
    ) -> tuple[Tensor, Tensor]:
        batch = {"x": self.method.scaled(frames), "label": torch.from_numpy(self.labels[clip])}
        if generator is not None:
            batch = augment(batch, self.method.kinds, self.method.settings.macro_augment, generator)
        return batch["x"], batch["label"]


def load_videos(method: MA2MI, clips: ClipSet, pairs: pd.DataFrame) -> Videos:
    """The clips of a corpus and the pairs that are kept of them."""
    table = clips.clips
    labels = table["emotion"].astype("category").cat.codes.to_numpy(np.int64)
    subjects, frames = table["subject"].to_numpy(), np.array(clips.frames)
    peaks = method.macro_view.apex_moment(table).clip(min=1)  # never the onset itself
    return Videos(method, frames, subjects, labels, peaks, pairs[pairs["left_out"] == ""])


# The stage.


@dataclass(frozen=True)
class Learnt:
    """What came out of it."""

    network: nn.Module  # its encoder is what is kept for recognition
    scores: dict[str, float]  # on subjects that were held out


def pretrain(method: MA2MI, videos: Videos, seed: int, device: str = "cpu") -> Learnt:
    """By reconstruction or, for comparison, by naming expressions; scored on a tenth of the subjects, held out."""
    people = np.unique(videos.subjects)
    held_out = np.random.RandomState(seed).permutation(people)[: max(1, len(people) // 10)]
    train, test = videos.of(set(people) - set(held_out)), videos.of(held_out)
    stage = _reconstruct if method.settings.start == "ma2mi" else _supervise
    with one_thread(), seeded(seed, device):
        return stage(method, train, test, torch.Generator().manual_seed(seed), device)


def _reconstruct(
    method: MA2MI, train: Videos, test: Videos, generator: torch.Generator, device: str
) -> Learnt:
    model = Reconstruction(method.settings).to(device)
    if not len(train.pairs) or not len(test.pairs):
        raise StartError("No pair of frames is left: allow more head motion, more change or other gaps.")
    if model.compress is not None:
        _learn_to_compress(model.compress, method, train, generator, device)
    is_shuffled = method.settings.actions == "shuffled"

    def loss() -> Tensor:
        x = train.batch(_draw(len(train.pairs), method, generator), generator)[0].to(device)
        return model.loss(x, model.encode(x).roll(1, dims=0) if is_shuffled else None)

    _learn(model, loss, method)
    return Learnt(model.eval(), reconstruction_scores(model, test, device))


def _learn_to_compress(
    compress: Autoencoder, method: MA2MI, train: Videos, generator: torch.Generator, device: str
) -> None:
    """First of all the autoencoder, on single frames; then its latents get the size 1, and it is frozen."""

    def loss() -> Tensor:
        x = train.batch(_draw(len(train.pairs), method, generator), generator)[0][:, 0].to(device)
        return F.l1_loss(compress.restore(compress(x)), x)

    _learn(compress, loss, method)
    with torch.no_grad():
        x = train.batch(_draw(len(train.pairs), method, generator))[0][:, 0].to(device)
        compress.scale.copy_(compress(x).std())
    compress.requires_grad_(False).eval()


def _supervise(method: MA2MI, train: Videos, test: Videos, generator: torch.Generator, device: str) -> Learnt:
    """Naive transfer: the same network, asked for the macro-expression."""
    names = 1 + train.labels.max()
    model = MIACNet(method.settings.replace(head="gap", dropout=0.5), int(names)).to(device)
    known, unknown = (
        np.flatnonzero(np.isin(videos.subjects, np.unique(videos.who))) for videos in (train, test)
    )

    def loss() -> Tensor:
        x, label = train.expressions(known[_draw(len(known), method, generator)], generator)
        return F.cross_entropy(model(x.to(device))["emotion"], label.to(device))

    _learn(model, loss, method)
    x, label = test.expressions(unknown)
    with torch.no_grad():
        predicted = torch.cat(
            [model.eval()(part.to(device))["emotion"].argmax(dim=1).cpu() for part in x.split(64)]
        )
    chance = label.bincount().max() / len(label)
    return Learnt(
        model, {"accuracy": float((predicted == label).float().mean()), "largest class": float(chance)}
    )


def _draw(n: int, method: MA2MI, generator: torch.Generator) -> np.ndarray:
    return torch.randint(n, (method.settings.macro_batch,), generator=generator).numpy()


def _learn(model: nn.Module, loss: Callable[[], Tensor], method: MA2MI) -> None:
    """AdamW with a warm-up over the first twentieth of the steps, then a cosine."""
    chosen, moving = method.settings, [p for p in model.train().parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(moving, lr=chosen.macro_rate, weight_decay=chosen.macro_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, partial(_rate, steps=chosen.macro_steps))
    device = moving[0].device.type
    check_precision(chosen.precision, device)
    for _ in progress(range(chosen.macro_steps), desc=f"learning from {chosen.macro}"):
        with torch.autocast(device, torch.bfloat16, enabled=chosen.precision == "bf16"):
            error = loss()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        schedule.step()


def _rate(step: int, steps: int) -> float:
    """Share of the learning rate."""
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + np.cos(np.pi * (step - warm) / max(1, steps - warm)))


# What it is worth, and what each branch knows.


@torch.no_grad()
def reconstruction_scores(
    model: Reconstruction, videos: Videos, device: str = "cpu", most: int = 256
) -> dict[str, float]:
    """R = 1 − error / error of a copy: with the pair's own action, with a stranger's, with none, without position.

    Then where a stranger's action moves a face: like the stranger's own change, or like the change that was there.
    """
    rows = np.linspace(0, len(videos.pairs) - 1, min(most, len(videos.pairs))).astype(int)
    x, who = videos.batch(rows)[0], videos.who[rows]
    other = strangers(who)
    still = x[:, :1].expand_as(x)
    codes = {
        "R": _features(model, x, device),
        "R, another's action": _features(model, x[other], device),
        "R, no action": _features(model, still, device),
        "R, no position": _features(model, x, device, without=("position",)),
    }
    gains = {name: gain(*_errors(model, x, code, device)) for name, code in codes.items()}
    return gains | _swapped(model, x, other, codes["R, another's action"], device)


def strangers(who: np.ndarray) -> np.ndarray:
    """For each the next one, round and round, that is somebody else; the next one where everybody is the same."""
    n, first = len(who), np.arange(len(who))
    steps = [next((s for s in range(1, n) if who[(i + s) % n] != who[i]), 1) for i in first]
    return (first + steps) % n


def _features(model: Reconstruction, x: Tensor, device: str, without: Collection[str] = ()) -> Tensor:
    return torch.cat([model.encode(part.to(device), without) for part in x.split(32)])


def _errors(model: Reconstruction, x: Tensor, features: Tensor, device: str) -> tuple[Tensor, Tensor]:
    parts = zip(x.split(32), features.split(32), strict=True)
    errors, copies = zip(*(model.errors(part.to(device), code) for part, code in parts), strict=True)
    return torch.cat(errors), torch.cat(copies)


def _swapped(
    model: Reconstruction, x: Tensor, other: np.ndarray, features: Tensor, device: str
) -> dict[str, float]:
    """Correlations of two maps of change, place by place, on the mean of all pairs."""
    maps: dict[str, list[Tensor]] = {"drawn": [], "own": []}
    for part, code in zip(x.split(32), features.split(32), strict=True):
        now, later = model.frames(part.to(device))
        maps["drawn"].append(_change_map(now, model(part.to(device), code)))
        maps["own"].append(_change_map(now, later))
    drawn, own = (torch.cat(parts) for parts in maps.values())
    return {
        "swapped action, like the giver's": _correlation(drawn, own[other]),
        "swapped action, like the taker's": _correlation(drawn, own),
    }


def _change_map(now: Tensor, later: Tensor) -> Tensor:  # (B, 256)
    return F.adaptive_avg_pool2d((later - now).abs().mean(dim=1), 16).flatten(1)


def _correlation(one: Tensor, other: Tensor) -> float:
    one, other = (F.normalize(maps - maps.mean(dim=1, keepdim=True), dim=1) for maps in (one, other))
    return float((one * other).sum(dim=1).mean())


@torch.no_grad()
def branch_features(
    encoder: Encoder, x: Tensor, side: int = 4
) -> dict[str, np.ndarray]:  # (N, D · side²) each
    """What the frozen branches say of clips (N, 2, 3, S, S), on a coarse grid: for linear probes."""
    batches = [encoder.eval().branches(part) for part in x.split(64)]
    return {
        name: torch.cat([F.adaptive_avg_pool2d(part[name], side).flatten(1) for part in batches]).numpy()
        for name in batches[0]
    }


def identity_probe(features: np.ndarray, subjects: np.ndarray, seed: int = 0) -> dict[str, float]:
    """Can a linear probe tell who it is? Learnt on half of each subject's clips, asked about the other half.

    An action should not give away its owner: at best the probe is at `chance`, which is guessing among the subjects.
    """
    order = np.random.RandomState(seed).permutation(len(subjects))
    turn = pd.Series(subjects[order]).groupby(subjects[order]).cumcount().to_numpy()
    known = np.flatnonzero(
        pd.Series(subjects[order]).groupby(subjects[order]).transform("size").to_numpy() > 1
    )
    if len(people := np.unique(subjects[order][known])) < 2:
        raise ValueError("An identity probe needs two subjects at least that have two clips each.")
    train, test = (order[known[turn[known] % 2 == half]] for half in (0, 1))
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    probe.fit(features[train], subjects[train])
    return {"accuracy": float(probe.score(features[test], subjects[test])), "chance": 1 / len(people)}
