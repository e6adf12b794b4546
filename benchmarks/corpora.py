"""How fast a licensed corpus is prepared: clips a minute, memory, and the time that decoding alone would take.

    python benchmarks/corpora.py [--clips N] [--workers N]

Goals on two idle cores: 250 clips of 70 frames, 640 × 480 JPEG, to 8 frames of 144 × 144, aligned, with flow, in 60 s
and 2 GB. The corpus is an imitation in the tree of CASME II, in a temporary folder; the command is the one that a
licensee types. The floor is what can't be saved: decoding the pictures that the view needs, with as many processes.
Stages are processor time of one process, so their shares hold on a busy machine too. Expect a minute.
"""

import mer_core.pinned

import argparse
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, redirect_stdout
from functools import wraps
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd

from mer_core import View, clips
from mer_core.corpora import command, prepared
from mer_core.corpora.command import run_script
from mer_core.corpora.images import read_image
from mer_core.corpora.prepared import frames_to_landmark
from mer_core.corpora.sources.casme2 import CASME2
from mer_core.vision.landmarks import LEFT_EYE, MOUTH_CORNERS, RIGHT_EYE, Landmarks

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "data_scripts" / "casme2.py"
surveying = import_module("mer_core.corpora.survey")  # the package gives this name to the function
WIDTH, HEIGHT, FRAMES = 640, 480, 70
SUBJECTS = 26
VIEW = View(frames=8, size=144, flow="dis")
STAGES = {  # whose time counts as what; what is called within a stage and listed too counts as its own
    "label table, the survey": [(command, "survey")],
    "list of a folder": [(surveying, "list_frames")],
    "looking at every picture": [(surveying, "see_pictures")],
    "landmarks": [(command, "find_landmarks")],
    "plan of each clip": [(prepared, "_shots")],
    "decoding": [(prepared, "read_image")],
    "framing: where the face is": [(prepared, "face_square")],
    "framing: warping": [(prepared, "warp")],
    "blending": [(prepared, "blend")],
    "flow": [(prepared, "estimate_flows")],
    "the rest of a clip, writing": [(clips._Writer, "__call__")],
    "checksums, tables": [(clips, "_seal")],
}


def main() -> None:
    """Write the corpus, prepare it, measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=250)
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f} at the start\n")
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder) / "CASME2", Path(folder) / "prepared"
        write_corpus(root, asked.clips)
        whole = prepare(root, out, asked.workers)
        megabytes = memory(asked.workers)
        files = needed(out)
        floor = decode(root, files, asked.workers)
        taken = stages(root, Path(folder) / "again")
    print(f"{asked.clips} clips: {60 * asked.clips / whole.wall:.0f} a minute, {megabytes}\n")
    print(pd.DataFrame({
        "the command, its start included": whole._asdict(),
        f"{len(files)} pictures decoded, alone": floor._asdict(),
    }).T.map("{:.1f} s".format).to_string())  # fmt: skip
    share = f"{floor.wall / whole.wall:.0%} of its time, {floor.processor / whole.processor:.0%} of its processor time"
    print(f"The floor, decoding, is {share}.\n")
    print("One process: processor milliseconds a clip, and the share of each stage\n")
    print(shares(taken, asked.clips).to_string())


# The corpus


def write_corpus(root: Path, n: int) -> None:
    """`n` clips in the tree of CASME II, all of them links to one clip's pictures; labels, landmarks."""
    pictures = write_pictures(root.parent / "pictures")
    names = [(f"{1 + i * SUBJECTS // n:02d}", f"EP{i:03d}") for i in range(n)]
    for subject, clip in names:
        folder = root / "CASME2-RAW" / f"sub{subject}" / clip
        folder.mkdir(parents=True)
        for number, picture in enumerate(pictures, start=1):
            (folder / f"img{number}.jpg").hardlink_to(picture)
    header = [
        "Subject",
        "Filename",
        "OnsetFrame",
        "ApexFrame",
        "OffsetFrame",
        "Action Units",
        "Estimated Emotion",
    ]
    rows = [(subject, clip, 1, FRAMES // 2, FRAMES, "4+7", "others") for subject, clip in names]
    pd.DataFrame(rows, columns=header).to_excel(root / "CASME2-coding-20190701.xlsx", index=False)
    still = {number: face() for number in range(1, FRAMES + 1)}
    points = {f"casme2/sub{subject}/{clip}": still for subject, clip in names}
    Landmarks(points, "drawn").write(root.parent / "points.parquet")


def write_pictures(folder: Path) -> list[Path]:
    """A pattern that drifts by half a pixel in all, with fine noise: some 100 KB a picture."""
    folder.mkdir()
    rng = np.random.RandomState(0)
    pattern = cv2.GaussianBlur(rng.rand(HEIGHT, WIDTH, 3).astype(np.float32), (0, 0), 4)
    pattern = cv2.normalize(pattern, None, 30, 220, cv2.NORM_MINMAX)
    paths = [folder / f"{number}.jpg" for number in range(FRAMES)]
    for number, path in enumerate(paths):
        move = np.array([[1, 0, 0.5 * number / FRAMES], [0, 1, 0]], np.float32)
        moved = cv2.warpAffine(pattern, move, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
        grainy = moved + rng.normal(scale=3, size=pattern.shape)
        cv2.imwrite(str(path), grainy.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 95])
    return paths


def face() -> np.ndarray:  # (68, 2)
    """Points of which the alignment uses the eyes, the tip of the nose and the corners of the mouth."""
    points = np.tile([320.0, 240.0], (68, 1))
    points[LEFT_EYE], points[RIGHT_EYE] = (270, 200), (370, 206)
    points[MOUTH_CORNERS] = (285, 300), (355, 304)
    return points


# What is measured


def options(root: Path, out: Path) -> list[str]:
    """What a licensee types after the name of the script."""
    view = f"frames={VIEW.frames},size={VIEW.size},flow={VIEW.flow}"
    given = {"--root": root, "--out": out, "--view": view, "--landmarks": root.parent / "points.parquet"}
    return [str(part) for pair in given.items() for part in pair]


class Seconds(NamedTuple):
    """What a clock on the wall says, and what all processes together used."""

    wall: float
    processor: float


def prepare(root: Path, out: Path, workers: int) -> Seconds:
    """What the command takes, its start included."""
    command = [sys.executable, str(SCRIPT), *options(root, out), "--workers", str(workers)]
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Seconds(time.perf_counter() - begun, used.ru_utime + used.ru_stime)


def memory(workers: int) -> str:
    """An upper bound: as if every process had been as large as the largest, all at once."""
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes on Linux
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit
    processes = 1 + (workers if workers > 1 else 0)
    return f"at most {processes * largest:.0f} MB in {processes} processes, {largest:.0f} MB in the largest"


def needed(out: Path) -> list[str]:
    """The pictures that the view is made of."""
    table = clips.open_clipset(out).clips
    paths = pd.read_parquet(out / "files.parquet").set_index(["clip", "frame"])["path"]
    return [paths[row.clip, number] for row in table.itertuples() for number in frames_to_landmark(row, VIEW)]


def decode(root: Path, files: list[str], workers: int) -> Seconds:
    """What it takes to decode them and do nothing else, the start of the processes not counted."""
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        list(pool.map(time.sleep, [0.5] * workers))  # all of them have started
        begun = time.perf_counter()
        used = sum(pool.map(_decoded, [root / file for file in files], chunksize=32))
        return Seconds(time.perf_counter() - begun, used)


def _decoded(path: Path) -> float:
    cv2.setNumThreads(1)
    begun = time.process_time()
    read_image(path, colour=False)
    return time.process_time() - begun


def stages(root: Path, out: Path) -> Counter:
    """Processor seconds of each stage of the same command, in this process."""
    with watched() as seconds, redirect_stdout(io.StringIO()):
        begun = time.process_time()
        run_script(CASME2, [*options(root, out), "--workers", "1"])
        seconds["the rest"] = time.process_time() - begun - seconds.total()
    return seconds


@contextmanager
def watched() -> Iterator[Counter]:
    """Time the functions of `STAGES` while the block runs, each without those that it calls."""
    seconds, inner = Counter(), [0.0]

    def timed(function: Callable, stage: str) -> Callable:
        @wraps(function)
        def call(*args: object, **options: object) -> object:
            begun = time.process_time()
            inner.append(0.0)
            try:
                return function(*args, **options)
            finally:
                taken = time.process_time() - begun
                seconds[stage] += taken - inner.pop()
                inner[-1] += taken

        return call

    kept = [
        (owner, name, getattr(owner, name), stage)
        for stage, listed in STAGES.items()
        for owner, name in listed
    ]
    try:
        for owner, name, function, stage in kept:
            setattr(owner, name, timed(function, stage))
        yield seconds
    finally:
        for owner, name, function, _ in kept:
            setattr(owner, name, function)


def shares(taken: Counter, n: int) -> pd.DataFrame:
    """A row a stage."""
    seconds = pd.Series(taken).reindex([*STAGES, "the rest"])
    seconds["in all"] = seconds.sum()
    return pd.DataFrame({
        "ms a clip": (seconds / n * 1000).map("{:.1f}".format),
        "share": (seconds / seconds["in all"]).map("{:.0%}".format),
    })  # fmt: skip


if __name__ == "__main__":
    main()
