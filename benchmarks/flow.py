"""How exact optical flow is on faces, and what it costs: DIS, Farnebäck, scikit-image's TV-L1 and ours.

    python benchmarks/flow.py [--pairs N]

Goal: our TV-L1 at least five times as fast a pair as scikit-image's with its defaults, in one run, at no larger error
against exact flow. The pairs are of subjects that its settings were not chosen on. Everybody has one thread, and times
are processor time, the best of three rounds: ratios hold on a busy machine too, and two cores make twice as many pairs
for everybody. Expect two minutes.
"""

import mer_core.pinned

import argparse
import os
import time
from collections.abc import Callable, Iterator
from itertools import islice

import cv2
import numpy as np
import pandas as pd
import torch
from skimage.registration import optical_flow_tvl1
from torch.utils._python_dispatch import TorchDispatchMode

from mer_core import open_corpus
from mer_core.faces.corpus import Corpus
from mer_core.vision import estimate_flows, tvl1
from mer_core.vision.tvl1 import CHUNK, OPENCV, TVL1

CORPORA = ("synth", "synth-easy", "synth-hard")
SIZES = (128, 144)
Pairs = dict[str, np.ndarray]  # firsts and seconds (P, H, W), flow (P, 2, H, W), face (P, H, W)
Estimator = Callable[[np.ndarray, np.ndarray], np.ndarray]


def main() -> None:
    """Measure, print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--pairs", type=int, default=36, help="pairs of each size")
    asked = options.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    print(f"{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f} at the start\n")
    for size in SIZES:
        pairs = faces(asked.pairs, size)
        print(f"{asked.pairs} pairs of {size} × {size}: processor time, and mean end-point error on the face")
        print(compare(pairs).to_string(index=False), "\n")
    print(floor(SIZES[0]).to_string())


def faces(n: int, size: int) -> Pairs:
    """Onset to apex, and a seventh of the clip, in turn; subjects with odd numbers."""
    share = -(-n // len(CORPORA))
    made = [pair for name in CORPORA for pair in islice(render(open_corpus(name), size), share)]
    return dict(
        zip(("firsts", "seconds", "flow", "face"), map(np.stack, zip(*made[:n], strict=True)), strict=True)
    )


def render(corpus: Corpus, size: int) -> Iterator[tuple[np.ndarray, ...]]:
    """One pair after another: two frames, the flow, the face."""
    names = corpus.clips.loc[corpus.clips["subject"].str[-1].astype(int) % 2 == 1, "clip"]
    for number, clip in enumerate(names.sample(frac=1, random_state=0)):
        spec = corpus.spec(clip)
        start, end = np.linspace(spec.onset, spec.offset, 8)[2:4] if number % 2 else (spec.onset, spec.apex)
        frames = corpus.frames(clip, (start, end), size, colour=False)
        yield *frames, corpus.flow(clip, start, end, size), corpus.mask(clip, start, size)


def compare(pairs: Pairs) -> pd.DataFrame:
    """A row a method."""
    estimators: dict[str, Estimator] = {
        "nothing moves": lambda firsts, seconds: np.zeros_like(pairs["flow"]),
        "DIS": lambda *frames: estimate_flows(*frames, "dis"),
        "Farnebäck": lambda *frames: estimate_flows(*frames, "farneback"),
        "scikit-image's TV-L1": theirs,
        "the same, light evened": lambda *frames: theirs(*even_light(*frames)),
        "our TV-L1": lambda *frames: estimate_flows(*frames, "tvl1"),
        "the same, pair by pair": one_by_one,
        "the same, light as it is": lambda *frames: tvl1.tvl1(*frames, TVL1(even_light=False)),
        "ours, set as OpenCV's": lambda *frames: tvl1.tvl1(*frames, OPENCV),
    }
    rows = {name: measure(estimator, pairs) for name, estimator in estimators.items()}
    still, rival = rows["nothing moves"][1], rows["scikit-image's TV-L1"][0]
    return pd.DataFrame(
        {
            "method": list(rows),
            "ms a pair": [f"{ms:.1f}" for ms, _ in rows.values()],
            "as fast as scikit-image": [f"{rival / ms:.1f} ×" if ms > 0.1 else "" for ms, _ in rows.values()],
            "error, px": [f"{error:.3f}" for _, error in rows.values()],
            "of no motion's": [f"{error / still:.1%}" for _, error in rows.values()],
        }
    )


def measure(estimator: Estimator, pairs: Pairs) -> tuple[float, float]:
    """Milliseconds a pair, and the mean over pairs of the mean error on the face."""
    flow, seconds = best(lambda: estimator(pairs["firsts"], pairs["seconds"]))
    errors = np.linalg.norm(flow - pairs["flow"], axis=1)
    on_faces = [error[face].mean() for error, face in zip(errors, pairs["face"], strict=True)]
    return 1000 * seconds / len(flow), float(np.mean(on_faces))


def best(work: Callable[[], object], rounds: int = 3) -> tuple[object, float]:
    """What it makes, and the processor seconds of the fastest round."""
    taken = []
    for _ in range(rounds):
        begun = time.process_time()
        made = work()
        taken.append(time.process_time() - begun)
    return made, min(taken)


def theirs(firsts: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """scikit-image's defaults; it puts y first."""
    return np.stack([optical_flow_tvl1(*pair)[::-1] for pair in zip(firsts, seconds, strict=True)])


def even_light(firsts: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """What ours does first: would it help theirs?"""
    return tvl1._even_light(torch.from_numpy(np.stack([firsts, seconds]))).numpy()


def one_by_one(firsts: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """As a caller who has a single pair."""
    return np.concatenate(
        [estimate_flows(firsts[i : i + 1], seconds[i : i + 1], "tvl1") for i in range(len(firsts))]
    )


class Traffic(TorchDispatchMode):
    """Adds up the bytes that torch's calls read and write."""

    moved = 0

    def __torch_dispatch__(self, call, types, args=(), kwargs=None):
        made = call(*args, **(kwargs or {}))
        if not call.is_view:
            self.moved += sum(
                x.numel() * x.element_size() for x in (*args, made) if isinstance(x, torch.Tensor)
            )
        return made


def floor(size: int) -> pd.DataFrame:
    """What limits the inner loop: the bytes that it moves, and how fast this machine moves bytes."""
    side = CHUNK // size**2
    pixels = side * size**2
    u, slope, residual = (torch.randn(n, side, size, size) / 10 for n in (2, 2, 1))
    p = torch.zeros(2, *u.shape)

    def loop(iterations: int) -> None:
        tvl1._solve(u, p, slope, residual[0], TVL1(iterations=iterations))

    moved = (traffic(lambda: loop(101)) - traffic(lambda: loop(1))) / 100
    seconds = (best(lambda: loop(101))[1] - best(lambda: loop(1))[1]) / 100
    near, far = rate(2 * pixels), rate(2**26)
    fused = 17 * 4 * pixels  # u and p in and out; slope, along and residual in
    rows = {
        "an iteration, as measured": (moved, seconds),
        "its bytes at the rate of one addition in the cache": (moved, moved / near),
        "fused: each field once, from memory": (fused, fused / far),
    }
    return pd.DataFrame(
        {
            "bytes a pixel": [f"{b / pixels:.0f}" for b, _ in rows.values()],
            "GB a second": [f"{b / t / 1e9:.0f}" for b, t in rows.values()],
            "ns a pixel": [f"{1e9 * t / pixels:.2f}" for _, t in rows.values()],
            "of the measured time": [f"{t / seconds:.0%}" for _, t in rows.values()],
        },
        index=list(rows),
    )


def traffic(work: Callable[[], object]) -> int:
    """Bytes that torch's calls read and write."""
    with Traffic() as watch:
        work()
    return watch.moved


def rate(n: int) -> float:
    """Bytes a second of the plainest call: the sum of two arrays of n numbers, into a third."""
    a, b, c = torch.ones(3, n)
    rounds = max(1, 2**26 // n)
    return 12 * n * rounds / best(lambda: [torch.add(a, b, out=c) for _ in range(rounds)])[1]


if __name__ == "__main__":
    main()
