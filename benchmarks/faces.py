"""How fast synthetic clips are made, where the time goes, and how much memory it takes.

    python benchmarks/faces.py [clips]

Goals on two idle cores: 250 clips a minute of 32 frames, 128 × 128, colour, with exact flow; memory under 1.5 GB; all of
`synth` at 8 frames of 64 × 64 in 30 s. Absolute numbers depend on the machine and on what else it does, so each run
also prints shares and ratios of its own.
"""

import os
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from mer_core import View, clips, open_corpus
from mer_core.faces import corpus as corpora
from mer_core.faces import scene as scenes

PICTURES = View(frames=32, size=128, colour=True, flow="exact")
STAGES = {  # what is timed: the stage's own time, without that of the stages inside it
    "plan": (corpora, "plan_clip"),
    "paint": (scenes, "paint"),
    "move": (scenes.Scene, "points"),
    "raster": (scenes, "rasterise"),
    "shade": (scenes.Scene, "_shade"),
    "texture": (scenes, "look_up"),
    "compose": (scenes.Scene, "_light"),
    "sensor": (scenes, "record"),
    "landmarks": (scenes.Scene, "landmarks"),
    "flow": (scenes.Scene, "flow"),
    "write": (clips._Writer, "__call__"),
}


@dataclass
class Stopwatch:
    """Adds up the time of nested calls, each without what runs inside it."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    running: list[str] = field(default_factory=list)
    since: float = 0.0

    def switch(self) -> None:
        """Book the time since the last switch on what was running."""
        now = time.perf_counter()
        if self.running:
            self.seconds[self.running[-1]] += now - self.since
        self.since = now

    def wrap(self, stage: str, function: Callable) -> Callable:
        """The same function, timed as a stage."""

        def timed(*args: object, **options: object) -> object:
            self.switch()
            self.running.append(stage)
            try:
                return function(*args, **options)
            finally:
                self.switch()
                self.running.pop()

        return timed


def time_stages(view: View, limit: int) -> pd.DataFrame:
    """Milliseconds a clip and share of each stage, in one process."""
    watch = Stopwatch()
    originals = {stage: getattr(*place) for stage, place in STAGES.items()}
    for stage, (owner, name) in STAGES.items():
        setattr(owner, name, watch.wrap(stage, originals[stage]))
    try:
        render(view, limit, workers=1)
    finally:
        for stage, (owner, name) in STAGES.items():
            setattr(owner, name, originals[stage])
    spent = pd.Series({stage: watch.seconds[stage] for stage in STAGES})
    return pd.DataFrame({"ms a clip": 1000 * spent / limit, "share": spent / spent.sum()})


def render(view: View, limit: int | None, workers: int) -> tuple[int, float]:
    """Clips and seconds of a ClipSet that is made from nothing, the start of the workers included."""
    with tempfile.TemporaryDirectory() as folder:
        corpus, start = open_corpus("synth", Path(folder)), time.perf_counter()
        return len(corpus.clipset(view, limit, workers)), time.perf_counter() - start


def memory(workers: int) -> float:
    """MB that this process and its workers took at most, their shared pages counted in each."""
    own, child = (
        resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own + workers * child


def main(limit: int = 60) -> None:
    """Print the tables."""
    cores = os.cpu_count() or 1
    print(f"{PICTURES.name} of synth, {limit} clips, {cores} cores, load {os.getloadavg()[0]:.1f}")
    rows = {}
    for workers in dict.fromkeys((1, cores)):
        made, seconds = render(PICTURES, limit, workers)
        rows[f"{workers} workers"] = {"seconds": seconds, "clips a minute": 60 * made / seconds}
    table = pd.DataFrame(rows).T
    table["ratio"] = table["clips a minute"] / table["clips a minute"].iloc[0]
    print(table.round(2).to_string(), f"\nmemory at most {memory(cores):.0f} MB", sep="")
    made, seconds = render(View(frames=8, size=64), None, cores)
    print(f"\nall {made} clips at 8 frames of 64 × 64: {seconds:.1f} s\n")
    print(time_stages(PICTURES, min(limit, 20)).round(3).to_string())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
