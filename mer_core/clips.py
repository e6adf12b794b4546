"""Clips, views of them, and ClipSets: the one data format that everything else speaks.

A *corpus* is labelled clips. A *view* says what a method wants to see of them. A *ClipSet* is a view of a
corpus on disk: one table with a row per clip, and one array per kind of data, memory-mapped::

    clips.parquet      subject, clip, emotion, onset, apex, offset, fps, action units, …
    frames.npy         (N, T, H, W) or (N, T, H, W, 3)  uint8
    flow.npy           (N, 2, H, W)  float16   onset → apex, in pixels, x first; or between neighbours: (N, T - 1, …)
    landmarks.npy      (N, T, 68, 2) float32   in pixels, x first
    dynamic_image.npy  (N, H, W)     float16
    provenance.json    what it was made from, by which code, and the checksum of every file

`prepare` fills one, resumably and on all cores; a folder with its final name is always complete. What is read later is
compared with its checksum first.
"""

import errno
import hashlib
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.lib.format import open_memmap
from pydantic import Field

from mer_core.locks import locked
from mer_core.progress import progress
from mer_core.settings import Settings
from mer_core.workers import WorkerDied, begin, distribute

FORMAT = 1  # part of every cache key: raise it when a file of a ClipSet changes its meaning

Flow = Literal["dis", "farneback", "tvl1", "exact", "exact-au"]


class View(Settings):
    """What a method wants to see of a clip.

    >>> View(frames=2, size=128, flow="dis", span="onset-apex").name
    '2x128-grey-onset-apex-flow-dis'
    """

    frames: int = Field(8, ge=2, le=512, description="frames a clip, spread evenly over its span")
    subclips: int = Field(
        1, ge=1, le=64, description="interleaved clips of `frames` each: frames[:, j::subclips]"
    )
    size: int = Field(64, ge=16, le=1024, description="height and width in pixels")
    colour: bool = Field(False, description="three channels instead of one")
    span: Literal["onset-offset", "onset-apex"] = Field("onset-offset", description="what the frames cover")
    sampling: Literal["nearest", "blend"] = Field(
        "nearest", description="a moment between two frames is the nearer one, or both blended"
    )
    align: Literal["clip", "frame"] = Field(
        "clip",
        description="one framing a clip, taken at its onset, or one a frame, which takes head motion away",
    )
    flow: Flow | None = Field(None, description="motion, estimated or exact")
    flow_between: Literal["onset-apex", "neighbours"] = Field(
        "onset-apex", description="one flow a clip, or one from each frame of a sub-clip to its next"
    )
    dynamic_image: Literal["frames", "clean"] | None = Field(
        None, description="rank-pooled clip: of the frames, or of the motion alone (synthetic corpora)"
    )
    landmarks: bool = Field(True, description="68 points a frame")

    @property
    def name(self) -> str:
        """The view in one word, for folders and tables."""
        parts = [f"{self.frames}x{self.size}", "colour" if self.colour else "grey"]
        parts += [self.span] if self.span != "onset-offset" else []
        parts += [f"{self.subclips}-subclips"] if self.subclips > 1 else []
        parts += ["blend"] if self.sampling == "blend" else []
        parts += ["align-frame"] if self.align == "frame" else []
        parts += [f"flow-{self.flow}"] if self.flow else []
        parts += ["neighbours"] if self.flow and self.flow_between == "neighbours" else []
        parts += [f"dynamic-{self.dynamic_image}"] if self.dynamic_image else []
        return "-".join(parts + ([] if self.landmarks else ["no-landmarks"]))

    def arrays(self) -> dict[str, "ArraySpec"]:
        """The arrays that a ClipSet of this view holds: the shape of one clip, and the type."""
        image = (self.size, self.size)
        specs = {"frames": ArraySpec((self.moments, *image, *((3,) if self.colour else ())), "uint8")}
        if self.flow:
            pairs = (self.moments - self.subclips,) if self.flow_between == "neighbours" else ()
            specs["flow"] = ArraySpec((*pairs, 2, *image), "float16")
        if self.dynamic_image:
            specs["dynamic_image"] = ArraySpec(image, "float16")
        if self.landmarks:
            specs["landmarks"] = ArraySpec((self.moments, 68, 2), "float32")
        return specs

    @property
    def moments(self) -> int:
        """Frames in all, in the order of time: sub-clips interleave."""
        return self.frames * self.subclips

    def apex_moment(self, clips: pd.DataFrame) -> np.ndarray:  # (N,)
        """Which of these frames is nearest to the apex of each clip; the middle stands in where none is labelled."""
        if self.span == "onset-apex":
            return np.full(len(clips), self.moments - 1)
        onset, apex, offset = (clips[name].astype(float) for name in ("onset", "apex", "offset"))
        share = ((apex - onset) / (offset - onset)).fillna(0.5).clip(0, 1)
        return (share * (self.moments - 1)).round().to_numpy(int)


@dataclass(frozen=True)
class ArraySpec:
    """Shape of one clip's part of an array, and its type."""

    shape: tuple[int, ...]
    dtype: str

    @property
    def nbytes(self) -> int:
        """Of one clip."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


MARK = ArraySpec((), "bool")  # of a clip that is whole


def apex_or_middle(onset: int, apex: int | None, offset: int) -> int:
    """The frame of the apex; the middle one stands in where none is labelled, in flow too."""
    return (onset + offset) // 2 if pd.isna(apex) else int(apex)


class ClipTableError(ValueError):
    """A table of clips breaks a rule; the message names the rows."""


REQUIRED = ("clip", "subject", "emotion")


class Rule(NamedTuple):
    """What every clip must keep, wherever the table has these columns."""

    columns: tuple[str, ...]
    says: str
    holds: Callable[..., pd.Series]  # of the columns


def _not_after(first: str, second: str) -> Rule:
    return Rule((first, second), f"{first} must not be after {second}", lambda one, other: ~(one > other))


RULES = (
    Rule(("clip",), "clip must be unique", lambda clip: ~clip.duplicated(keep=False)),
    Rule(
        ("subject",),
        "subject must read corpus/subject, as in casme2/sub06",
        lambda subject: subject.str.fullmatch(r"[^/]+/[^/]+"),
    ),
    _not_after("onset", "apex"),
    _not_after("apex", "offset"),
    _not_after("onset", "offset"),
    Rule(("fps",), "fps must be above 0", lambda fps: ~(fps <= 0)),
)


def check_clips(table: pd.DataFrame) -> pd.DataFrame:
    """The table itself if every row is sound; a `ClipTableError` that names the rows if not.

    Missing times (a corpus without apex) are sound: only what is present is compared.
    """
    if missing := [name for name in REQUIRED if name not in table]:
        raise ClipTableError(f"The table of clips lacks the columns {missing}; it has {list(table)}.")
    if table.empty:
        raise ClipTableError("The table of clips has no row.")
    if empty := [name for name in REQUIRED if table[name].isna().any()]:
        raise ClipTableError(f"Each clip needs a value in {list(REQUIRED)}; there are gaps in {empty}.")
    for rule in RULES:
        if not {*rule.columns} <= {*table}:
            continue
        holds = rule.holds(*(table[name] for name in rule.columns)).fillna(True).astype(bool)
        if len(broken := table.loc[~holds, "clip"]):
            named = ", ".join(map(str, broken[:5]))
            raise ClipTableError(f"{rule.says}; broken by {len(broken)} clips: {named}.")
    return table


class DamagedError(ValueError):
    """A file of a ClipSet is not the one that was written; the message names it."""


AGAIN = "Delete its folder and prepare it again."


class PreparationError(RuntimeError):
    """A ClipSet can't be finished now; the message says why, and what is finished is kept."""


@dataclass(frozen=True)
class ClipSet:
    """A view of a corpus: `clips` is the table, the arrays are read where they lie.

    `rows` chooses clips; the arrays follow, so that a fold is just another ClipSet.
    """

    folder: Path
    rows: np.ndarray | None = field(default=None, repr=False)

    @cached_property
    def provenance(self) -> dict:
        """What it was made from, by which code, and the checksum of every file."""
        path = self.folder / "provenance.json"
        try:
            record = json.loads(path.read_bytes())
            return {**record, "sha256": dict(record["sha256"])}
        except (ValueError, KeyError, TypeError):
            raise DamagedError(f"{path} is no record of a ClipSet any more. {AGAIN}") from None

    @cached_property
    def clips(self) -> pd.DataFrame:
        """One row a clip, in the order of the arrays."""
        table = pd.read_parquet(self._whole("clips.parquet"))
        return table if self.rows is None else table.iloc[self.rows].reset_index(drop=True)

    @property
    def frames(self) -> np.ndarray:
        """(N, T, H, W) or (N, T, H, W, 3) uint8."""
        return self._array("frames")

    @property
    def flow(self) -> np.ndarray:
        """(N, 2, H, W) onset → apex, or (N, T - 1, 2, H, W) between neighbours: in pixels, x first."""
        return self._array("flow")

    @property
    def landmarks(self) -> np.ndarray:
        """(N, T, 68, 2) in pixels, x first."""
        return self._array("landmarks")

    @property
    def dynamic_image(self) -> np.ndarray:
        """(N, H, W)."""
        return self._array("dynamic_image")

    def _array(self, name: str) -> np.ndarray:
        path = self.folder / f"{name}.npy"
        if not path.exists():
            held = sorted(p.stem for p in self.folder.glob("*.npy"))
            raise AttributeError(
                f"This ClipSet holds {held}, not {name}: ask the corpus for a View with {name}."
            )
        array = np.load(self._whole(path.name), mmap_mode="r")
        return array if self.rows is None else array[self.rows]

    def _whole(self, name: str) -> Path:
        """A file that may be read: it is the one that was written."""
        path = self.folder / name
        if not path.exists():
            raise DamagedError(f"{path} is gone. {AGAIN}")
        if sha256(path) != self.provenance["sha256"].get(name):
            raise DamagedError(f"{path} is not the file that was written (its checksum differs). {AGAIN}")
        return path

    def __len__(self) -> int:
        return len(self.clips)

    def select(self, rows: Sequence[int] | np.ndarray) -> "ClipSet":
        """The same ClipSet with only these rows: positions, or one true/false a clip."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        return ClipSet(self.folder, rows if self.rows is None else self.rows[rows])

    def verify(self) -> None:
        """Compare every file with its checksum in the provenance: whatever is read afterwards was written so."""
        for name in self.provenance["sha256"]:
            self._whole(name)


def open_clipset(folder: Path | str) -> ClipSet:
    """A ClipSet that was prepared before."""
    folder = Path(folder)
    if not (folder / "provenance.json").exists():
        raise FileNotFoundError(
            f"{folder} is no ClipSet: it has no provenance.json. Prepare the corpus first."
        )
    return ClipSet(folder)


def spread(emotions: pd.Series, limit: int | None) -> np.ndarray:
    """Rows of the first `limit` clips of an order in which each emotion keeps its share and comes early.

    A smaller limit is a part of a larger one, and as soon as it reaches the number of emotions it holds them all.
    """
    n = len(emotions)
    if limit is not None and not 1 <= limit <= n:
        raise ValueError(f"Expected a limit of 1 to {n} clips, got {limit}.")
    shuffled = emotions.iloc[np.random.RandomState(0).permutation(n)]
    turn = shuffled.groupby(shuffled).cumcount() / shuffled.groupby(shuffled).transform("size")
    return np.sort(turn.sort_values(kind="stable").index[:limit].to_numpy())


Produce = Callable[[int], Mapping[str, np.ndarray]]


def prepare(
    folder: Path,
    clips: pd.DataFrame,
    arrays: Mapping[str, ArraySpec],
    produce: Produce,
    provenance: Mapping[str, object],
    workers: int = 1,
    tables: Mapping[str, pd.DataFrame] | None = None,
    *,
    renew: bool = False,
) -> ClipSet:
    """Fill `folder` with a ClipSet: `produce(row)` returns the arrays of one clip; `tables` are stored beside them.

    Nothing is half-written: clips are collected in `folder.partial`, each marked when it is whole, and the folder is
    renamed at the end. Killed and called again, it goes on with the clips that are not marked. A second process that
    asks for the same folder waits for the first one's result. What is finished is read only, from any disk, and
    verified: one that was damaged since is refused, or made again if `renew` says that nothing is lost by it.
    """
    begin()
    damage = _damage(folder) if renew else ""
    if damage:
        print(f"{damage} It is made again.", file=sys.stderr)
    if damage or not folder.exists():
        with locked(folder.with_name(folder.name + ".lock")):
            partial = folder.with_name(folder.name + ".partial")
            if renew and _damage(folder):
                shutil.rmtree(partial, ignore_errors=True)
                folder.rename(partial)
            if not folder.exists():
                plan = content_key(clips.to_csv(), sorted(arrays.items()), provenance)
                with _told_of_a_full_disk(folder, len(clips), arrays):
                    _fill(partial, check_clips(clips), arrays, produce, workers, plan)
                    _seal(partial, {"clips": clips, **(tables or {})}, arrays, provenance)
                partial.rename(folder)
    made = open_clipset(folder)
    made.verify()
    return made


def _damage(folder: Path) -> str:
    """What is wrong with a ClipSet that was finished; nothing if it is whole, or not there."""
    try:
        if folder.exists():
            open_clipset(folder).verify()
    except (DamagedError, FileNotFoundError) as error:
        return str(error).removesuffix(f" {AGAIN}")
    return ""


@contextmanager
def _told_of_a_full_disk(folder: Path, clips: int, arrays: Mapping[str, ArraySpec]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if not _is_full(error):
            raise
        needed = sum(clips * spec.nbytes for spec in arrays.values())
        free = shutil.disk_usage(folder.parent).free
        raise PreparationError(
            f"{os.strerror(error.errno)}: {folder} takes {needed:,} bytes and {free:,} are free there. Make room, or "
            "choose another disk (--out; the cache: XDG_CACHE_HOME), and start again: what is finished is kept."
        ) from None


def _fill(
    partial: Path,
    clips: pd.DataFrame,
    arrays: Mapping[str, ArraySpec],
    produce: Produce,
    workers: int,
    plan: str,
) -> None:
    if not _goes_on(partial, arrays, len(clips), plan):
        _begin(partial, arrays, len(clips), plan)
    todo = np.flatnonzero(~np.load(partial / "done.npy"))
    # Four clips at a time: neighbours in the table share a subject, so that a face is painted once.
    chunks = [todo[i : i + 4].tolist() for i in range(0, len(todo), 4)]
    write = _Writer(partial, tuple(arrays), produce)
    with progress(total=len(clips), initial=len(clips) - len(todo), desc=f"preparing {partial.stem}") as bar:
        try:
            for _, finished in distribute(write, chunks, workers):
                bar.update(finished)
        except WorkerDied:
            raise PreparationError(
                "A worker of the preparation died. What is finished is kept: start again. If it dies again, memory "
                "may be short: fewer --workers."
            ) from None


def _begin(partial: Path, arrays: Mapping[str, ArraySpec], clips: int, plan: str) -> None:
    """An empty preparation. The marks come last: as long as they are not there, whole, there is none."""
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir()
    (partial / "plan").write_text(plan, encoding="utf-8")
    try:
        for name, spec in arrays.items():
            _allocate(partial / f"{name}.npy", spec, clips)
        _allocate(partial / "marks.npy", MARK, clips)
    except OSError:
        shutil.rmtree(partial)  # a disk that is too small is not left full
        raise
    (partial / "marks.npy").rename(partial / "done.npy")


def _allocate(path: Path, spec: ArraySpec, clips: int) -> None:
    """Zeros that have their place on the disk: what is sparse finds a full one when it is half written."""
    held = open_memmap(path, "w+", spec.dtype, (clips, *spec.shape))
    with path.open("rb+") as file:
        try:
            os.posix_fallocate(file.fileno(), held.offset, held.nbytes)
        except (AttributeError, OSError) as error:  # neither every system nor every file system has it
            if _is_full(error):
                raise
            file.seek(held.offset)
            for _ in range(clips):
                file.write(bytes(spec.nbytes))


def _is_full(error: Exception) -> bool:
    """The disk, the user's share of it, or what a file may hold."""
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _goes_on(partial: Path, arrays: Mapping[str, ArraySpec], clips: int, plan: str) -> bool:
    """Whether what lies here is the same preparation, begun, with room for every clip."""
    try:
        held = {name: np.load(partial / f"{name}.npy", mmap_mode="r").shape for name in (*arrays, "done")}
        begun = (partial / "plan").read_text(encoding="utf-8")
    except (OSError, ValueError, EOFError):
        return False
    needed = {name: (clips, *spec.shape) for name, spec in {**arrays, "done": MARK}.items()}
    return begun == plan and held == needed


@dataclass(frozen=True)
class _Writer:
    """Produces clips and puts them where they belong; the mark of each comes after its data."""

    partial: Path
    arrays: tuple[str, ...]
    produce: Produce

    def __call__(self, rows: list[int]) -> int:
        for row in rows:
            made = self.produce(row)
            for name in self.arrays:
                _put(self.partial / f"{name}.npy", row, made[name])
            _put(self.partial / "done.npy", row, True)
        return len(rows)


def _put(path: Path, row: int, values: object) -> None:
    """By writing, not through a map: there a disk that is full ends the process without a word."""
    array = np.load(path, mmap_mode="r")
    clip = np.empty(array.shape[1:], array.dtype)
    clip[...] = values
    with path.open("rb+") as file:
        file.seek(array.offset + row * clip.nbytes)
        file.write(clip.tobytes())


def _seal(
    partial: Path,
    tables: Mapping[str, pd.DataFrame],
    arrays: Mapping[str, ArraySpec],
    provenance: Mapping[str, object],
) -> None:
    for name, table in tables.items():
        table.to_parquet(partial / f"{name}.parquet", index=False)
    files = [*(f"{name}.parquet" for name in tables), *(f"{name}.npy" for name in arrays)]
    checksums = {name: sha256(partial / name) for name in files}
    record = {**provenance, "clips": len(tables["clips"]), "sha256": checksums}
    (partial / "provenance.json").write_text(
        json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    for name in ("done.npy", "plan"):
        (partial / name).unlink()


def sha256(path: Path) -> str:
    """Checksum of a file, read in pieces; once a process, as long as nobody touches the file.

    A slow core reads half a gigabyte a second, which is less than a network's inputs then take of it: nothing is
    remembered from one process to the next.
    """
    now = path.stat()
    touched = max(now.st_mtime_ns, now.st_ctime_ns)
    if time.time_ns() - touched < SAME_MOMENT:
        return _digest(path)
    return _remembered_digest(path, (now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns))


SAME_MOMENT = 2_000_000_000  # ns: two changes so near to each other may bear the same time


@lru_cache(maxsize=1024)
def _remembered_digest(path: Path, state: tuple[int, ...]) -> str:
    return _digest(path)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_key(*parts: object) -> str:
    """A short name for content: equal parts, equal key; the format of ClipSets is one of them."""
    text = json.dumps([FORMAT, *parts], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
