"""How fast faces are made: clips a minute, the time of every stage, memory. Nothing goes to the user's cache.

    python benchmarks/faces.py [--clips N] [--workers N]

Goals on two idle cores: 250 clips a minute of 32 frames, 128 × 128, colour, with flow; memory under 1.5 GB; all of
`synth` at 8 frames of 64 × 64 in 30 s. Rates depend on the machine and on what else it does (its load is printed
first); the stages are processor time of one run in one process, so their shares hold on a busy machine too. Expect
about a minute and a half.
"""

import mer_core.pinned

import argparse
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path

import pandas as pd

from mer_core import View, clips, open_corpus
from mer_core.faces import corpus, scene
from mer_core.faces.corpus import CARDS, Corpus
from mer_core.faces.expression import ClipSpec

LARGE = View(frames=32, size=128, colour=True)
VIEWS = {
    "32 frames, 128 px, colour, flow dis": LARGE.replace(flow="dis"),
    "32 frames, 128 px, colour, flow exact": LARGE.replace(flow="exact"),
    "8 frames, 64 px, grey, flow dis": View(frames=8, size=64, flow="dis"),
}
STAGES = {  # whose time counts as what; `_Produce` and what is not listed is the rest
    "plan": [(corpus, "plan_clip"), (ClipSpec, "state")],
    "portrait": [(scene, "paint"), (scene, "lamp_visibility"), (scene.Scene, "__init__")],
    "z-buffer": [(scene, "rasterise")],
    "light, texture": [(scene.Scene, "_light")],
    "sensor": [(scene, "record")],
    "landmarks": [(scene.Scene, "landmarks")],
    "flow": [(corpus, "_flow")],
    "writing": [(clips._Writer, "__call__")],
    "the rest": [(corpus._Produce, "__call__")],
}
WHOLE = {"portrait", "flow"}  # these own all that they call: flow has a z-buffer of its own


def main() -> None:
    """Measure, print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--clips", type=int, default=120, help="clips of each large view")
    options.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")
    asked = options.parse_args()
    print(f"{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f} at the start\n")
    print(rates(asked.clips, asked.workers).to_string(index=False), "\n")
    print("One process: processor milliseconds a clip, and the share of each stage\n")
    print(stages(max(10, asked.clips // 6)).to_string())


def rates(n: int, workers: int) -> pd.DataFrame:
    """A row a view: every view is made in `n` clips, and `synth` once as a whole."""
    rows = []
    for name, view in VIEWS.items():
        whole = view.size == 64
        with tempfile.TemporaryDirectory() as cache:
            made = open_corpus("synth", cache) if whole else like_synth(n, Path(cache))
            begun = time.perf_counter()
            made.clipset(view, workers=workers)
            seconds = time.perf_counter() - begun
        row = {"view": name, "clips": len(made.clips), "seconds": round(seconds, 1)}
        rows.append(row | {"clips a minute": round(60 * len(made.clips) / seconds)} | memory(workers))
    return pd.DataFrame(rows)


def like_synth(n: int, cache: Path) -> Corpus:
    """A corpus of `n` clips with as many clips a subject as `synth`: a portrait is painted as rarely."""
    card = CARDS["synth"]
    subjects = max(1, round(n * card.subjects / sum(card.counts.values())))
    return Corpus(card.replace(number=99, subjects=subjects, counts={"others": n}), cache)


def memory(workers: int) -> dict[str, int]:
    """Peak MB so far of this process, of the largest worker, and of all if each had been as large at once.

    Pages of the files that are being written count, though the system may drop them.
    """
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes on Linux
    own, worker = (
        resource.getrusage(who).ru_maxrss / unit for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    total = own + (workers * worker if workers > 1 else 0)
    return {"MB here": round(own), "MB a worker": round(worker), "MB in all": round(total)}


def stages(n: int) -> pd.DataFrame:
    """A row a stage, two columns a view; the last row is what a core would make that has nothing else to do."""
    columns = {}
    for view in VIEWS.values():
        with tempfile.TemporaryDirectory() as cache, watched() as watch:
            made = like_synth(n, Path(cache))
            corpus._scene.cache_clear()
            made.clips  # noqa: B018 (the table is planned before the clips are)
            watch.seconds.clear()
            made.clipset(view, workers=1)
        taken = pd.Series(watch.seconds).reindex(list(STAGES)) / n * 1000
        size = f"{view.frames}x{view.size} {view.flow}"
        columns[size] = [f"{ms:.1f}" for ms in [*taken, taken.sum()]] + [f"{60_000 / taken.sum():.0f}"]
        columns[f"share of {size}"] = [f"{share:.0%}" for share in [*(taken / taken.sum()), 1]] + [""]
    return pd.DataFrame(columns, index=[*STAGES, "in all", "clips a minute and idle core"])


@dataclass
class Watch:
    """Seconds by stage: the clock runs for the innermost stage, except inside those that own all they call."""

    seconds: Counter = field(default_factory=Counter)
    inside: list[str] = field(default_factory=list)
    since: float = 0.0

    def turn(self) -> None:
        """Book the time since the last turn."""
        now = time.process_time()
        if self.inside:
            self.seconds[self.inside[-1]] += now - self.since
        self.since = now

    def timed(self, function: Callable, stage: str) -> Callable:
        """The function, with its time booked."""

        @wraps(function)
        def call(*args: object, **options: object) -> object:
            self.turn()
            self.inside.append(self.inside[-1] if WHOLE & set(self.inside) else stage)
            try:
                return function(*args, **options)
            finally:
                self.turn()
                self.inside.pop()

        return call


@contextmanager
def watched() -> Watch:
    """Time the functions of `STAGES` while the block runs."""
    watch = Watch()
    places = [(owner, name, stage) for stage, listed in STAGES.items() for owner, name in listed]
    kept = [(owner, name, getattr(owner, name)) for owner, name, _ in places]
    try:
        for owner, name, stage in places:
            setattr(owner, name, watch.timed(getattr(owner, name), stage))
        yield watch
    finally:
        for owner, name, function in kept:
            setattr(owner, name, function)


if __name__ == "__main__":
    main()
