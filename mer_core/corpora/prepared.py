"""A licensed corpus once its script has surveyed it: clips, and any view of them made from the frames where they lie.

The folder that `mer prepare` fills is a ClipSet of one view. Beside its arrays it keeps what any other
view needs: the file of every frame and the landmarks. So a method gets the view that it wants without the script.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from mer_core.clips import ClipSet, View, apex_or_middle, content_key, open_clipset, prepare, spread
from mer_core.corpora.differences import differences, listed
from mer_core.corpora.images import Picture, depth, read_image
from mer_core.corpora.survey import Survey
from mer_core.numerics import picture_kernels
from mer_core.settings import Settings
from mer_core.vision.align import face_square, move_points, warp
from mer_core.vision.camera import Camera
from mer_core.vision.landmarks import KEYS, LandmarkError, Landmarks
from mer_core.vision.sampling import blend, even_moments, nearest
from mer_core.workers import cores


class CorpusError(ValueError):
    """A corpus can't give what was asked of it; the message says what to do."""


class PreparedCard(Settings):
    """What a prepared corpus knows of itself."""

    name: str
    about: str
    version: str
    fps: int
    kind: str
    colour: bool
    has_apex: bool
    has_action_units: bool
    root: str
    repairs: tuple[str, ...]
    landmarks: str

    def table(self) -> pd.DataFrame:
        """The card as a reader sees it."""
        return pd.DataFrame({"": {name: str(value) for name, value in self}})


def prepare_corpus(
    survey: Survey,
    view: View,
    out: Path,
    landmarks: Landmarks | None,
    repairs: tuple[str, ...] = (),
    workers: int = 1,
    asked: Mapping[str, object] | None = None,
) -> ClipSet:
    """Fill `out` with this view of everything that the survey found to be a clip.

    What lies there is compared with that, content by content: it is taken as it is, or refused with the differences.
    `asked` is what else was asked for, as a record.
    """
    source = survey.source
    card = PreparedCard(
        name=source.corpus,
        about=source.about,
        version=source.version,
        fps=source.fps,
        kind=source.kind,
        colour=source.colour,
        has_apex=source.has_apex,
        has_action_units=source.has_action_units,
        root=str(source.root.resolve()),
        repairs=repairs,
        landmarks=landmarks.origin if landmarks else "none: the middle square of each picture",
    )
    tables = {"files": survey.frames, "report": survey.report}
    if landmarks:
        tables["points"] = landmarks.table()
    left_out = survey.left_out[["clip", "where", "reason"]].to_dict("records")
    notes = {"taken": source.taken, "left out": left_out}
    notes |= {"asked": dict(asked or {}), "content": _content(survey, landmarks)}
    return _prepare(out, card, survey.clips, survey.frames, landmarks, view, workers, notes, tables)


def _content(survey: Survey, landmarks: Landmarks | None) -> dict[str, str]:
    """What the arrays are made of and what the report says: a short name each, equal for equal content."""
    points = landmarks.table().sort_values(KEYS) if landmarks else pd.DataFrame()
    pictures = survey.frames[["clip", "frame", "crc"]]
    tables = {"labels": survey.clips, "pictures": pictures, "landmarks": points, "report": survey.report}
    keys = {name: pd.util.hash_pandas_object(table, index=False).tolist() for name, table in tables.items()}
    return {name: content_key(key) for name, key in keys.items()} | {"opencv": cv2.__version__}


@dataclass(frozen=True)
class PreparedCorpus:
    """Labelled clips of a licensed corpus, as `prepare_corpus` left them."""

    folder: Path

    @cached_property
    def _own(self) -> ClipSet:
        return open_clipset(self.folder)

    @cached_property
    def card(self) -> PreparedCard:
        """What the corpus is, and how it was prepared."""
        return PreparedCard.parse(self._own.provenance["corpus"])

    @property
    def clips(self) -> pd.DataFrame:
        """The table of labels."""
        return self._own.clips

    @property
    def report(self) -> pd.DataFrame:
        """What became of every row of the label table and of every folder."""
        return pd.read_parquet(self.folder / "report.parquet")

    @property
    def files(self) -> pd.DataFrame:
        """The file of every frame of every clip, relative to the root, and what its picture was then."""
        files = pd.read_parquet(self.folder / "files.parquet")
        if "crc" not in files:
            raise CorpusError(
                f"{self.folder} was prepared by an earlier edition, which kept no checksums of pictures: prepare the "
                "corpus again, into another folder."
            )
        return files

    @property
    def landmarks(self) -> Landmarks | None:
        """Those that it was prepared with."""
        points = self.folder / "points.parquet"
        return Landmarks.from_table(pd.read_parquet(points), self.card.landmarks) if points.exists() else None

    def pictures(self) -> dict[Path, Picture]:
        """Those that were whole when it was prepared, by file."""
        root, files = Path(self.card.root), self.files
        return {
            root / row.path: Picture(row.crc, row.height, row.width, row.bits, row.grey, row.sketch)
            for row in files.itertuples()
        }

    def found(self, frames: pd.DataFrame, origin: str) -> dict[tuple[str, int], np.ndarray]:
        """The landmarks from this origin of those frames whose pictures are the same as then."""
        if self.card.landmarks != origin:
            return {}
        keys = ["clip", "frame", "crc"]
        same = self.files[keys].merge(frames[keys])
        known = self.landmarks.points
        return {
            (clip, frame): known[clip][frame]
            for clip, frame, _ in same.itertuples(index=False)
            if frame in known.get(clip, {})
        }

    def words(self) -> list[str]:
        """What its script was told beside root and view, as a command line has it."""
        asked = dict(self._own.provenance.get("asked", {}))
        repairs = [("repair", name) for name in asked.pop("repair", [])]
        return [f"--{name.replace('_', '-')}={value}" for name, value in [*asked.items(), *repairs]]

    def clipset(self, view: View, limit: int | None = None, workers: int | None = None) -> ClipSet:
        """This view of the corpus: the one that lies here, or one made from the frames the first time."""
        self._own.verify()
        made = self._own if view.plain() == self._own.provenance["view"] else self._other(view, workers)
        return made if limit is None else made.select(spread(self.clips["emotion"], limit))

    def _other(self, view: View, workers: int | None) -> ClipSet:
        if not Path(self.card.root).is_dir():
            raise CorpusError(
                f"{self.folder} holds the view {View.parse(self._own.provenance['view']).name}; for {view.name} the "
                f"frames are needed, and {self.card.root} is gone. Mount it again, or prepare that view."
            )
        kernels = picture_kernels(view.flow)
        key = content_key(view.plain(), self._own.provenance["sha256"], kernels)
        out, workers = self.folder / "views" / f"{view.name}-{key}", workers or cores()
        try:
            return _prepare(out, self.card, self.clips, self.files, self.landmarks, view, workers, {}, {})
        except LandmarkError as error:
            raise CorpusError(
                f"{error} They were searched on the frames of another view: prepare the corpus again, into another "
                f"folder, with --view frames={view.moments},size={view.size},align={view.align}."
            ) from None


def _prepare(
    out: Path, card: PreparedCard, clips: pd.DataFrame, files: pd.DataFrame, landmarks: Landmarks | None,
    view: View, workers: int, notes: Mapping[str, object], tables: Mapping[str, pd.DataFrame],
) -> ClipSet:  # fmt: skip
    check_view(view, card.name, colour=card.colour, landmarks=landmarks is not None)
    shots = _shots(clips, files, landmarks, view)
    record = {
        "corpus": card.plain(),
        "view": view.plain(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        **({"torch": version("torch")} if view.flow == "tvl1" else {}),
        "kernels": picture_kernels(view.flow),
    }
    made = prepare(
        out,
        clips,
        view.arrays(),
        _Produce(Path(card.root), view, shots),
        {**record, **notes},
        workers,
        tables,
    )
    compared = {
        name: value for name, value in (record | notes).items() if name in ("corpus", "view", "content")
    }
    if lines := differences(made.folder, compared, {"clips": clips, **tables}):
        raise CorpusError(
            f"{out} holds another preparation than the one that is asked for:{listed(lines)}\n"
            "Choose another --out, or delete that folder first."
        )
    return made


def check_motion(view: View, corpus: str) -> None:
    """Refuse a view of what only the program that draws faces can know."""
    if view.flow in ("exact", "exact-au") or view.dynamic_image == "clean":
        raise CorpusError(
            f"{view.name}: exact motion is known of synthetic faces only. Ask {corpus} for an estimate: "
            "flow=dis, farneback or tvl1, dynamic_image=frames."
        )


def check_view(view: View, corpus: str, *, colour: bool, landmarks: bool) -> None:
    """Refuse a view that a corpus can't give, by whether it has colour and landmarks."""
    check_motion(view, corpus)
    if view.colour and not colour:
        raise CorpusError(f"{corpus} is grey: ask for colour=false.")
    if (view.landmarks or view.align == "frame") and not landmarks:
        raise CorpusError(
            f"{view.name} needs the landmarks of {corpus}, and there are none: prepare it with --landmarks FILE or "
            "--landmarks dlib, or ask for a view with landmarks=false."
        )


# Making the arrays of one clip, in any process


@dataclass(frozen=True)
class _Shot:
    """What one clip's arrays are made of: small, since it travels to every worker."""

    moments: np.ndarray  # (T,) frame numbers, of which some lie between two frames
    ends: tuple[int, int]  # onset and apex: what flow is between
    files: dict[int, tuple[str, int]]  # the frames that are needed: path and checksum
    bits: int  # that a value in a file of 16 bits has
    points: dict[int, np.ndarray]  # (68, 2) each; empty without landmarks


def _shots(clips: pd.DataFrame, files: pd.DataFrame, landmarks: Landmarks | None, view: View) -> list[_Shot]:
    by_clip = dict(iter(files.groupby("clip")))
    return [_shot(row, by_clip[row.clip], landmarks, view) for row in clips.itertuples()]


def _shot(row: tuple, files: pd.DataFrame, landmarks: Landmarks | None, view: View) -> _Shot:
    onset, apex = ends = _ends(row)
    moments = _moments(row, view)
    needed = {onset, apex, *np.floor(moments).astype(int), *np.ceil(moments).astype(int)}
    points = {n: landmarks.of(row.clip, n) for n in frames_to_landmark(row, view)} if landmarks else {}
    there = dict(zip(files["frame"], zip(files["path"], files["crc"], strict=True), strict=True))
    return _Shot(moments, ends, {n: there[n] for n in sorted(needed)}, depth(files["bits"].max()), points)


def _ends(row: tuple) -> tuple[int, int]:
    """Onset and apex."""
    return int(row.onset), apex_or_middle(int(row.onset), row.apex, int(row.offset))


def _moments(row: tuple, view: View) -> np.ndarray:  # (T,)
    onset, apex = _ends(row)
    moments = even_moments(onset, int(row.offset) if view.span == "onset-offset" else apex, view.moments)
    return nearest(moments) if view.sampling == "nearest" else moments


def frames_to_landmark(row: tuple, view: View) -> list[int]:
    """The frames of a clip whose landmarks this view needs: its onset at least."""
    onset, apex = _ends(row)
    every = (
        {*nearest(_moments(row, view)).tolist(), apex} if view.landmarks or view.align == "frame" else set()
    )
    blended = (
        {int(n) for m in _moments(row, view) for n in (np.floor(m), np.ceil(m))}
        if view.align == "frame"
        else set()
    )
    return sorted({onset, *every, *blended})


@dataclass(frozen=True)
class _Produce:
    """Makes the arrays of one clip."""

    root: Path
    view: View
    shots: list[_Shot]

    def __call__(self, row: int) -> dict[str, np.ndarray]:
        cv2.setNumThreads(1)  # the workers share the cores already
        return _RecordedCamera(self.root, self.view, self.shots[row]).arrays()


@dataclass(frozen=True)
class _RecordedCamera(Camera[float]):
    """A recorded clip as its view frames it: by one similarity transform taken at the onset, or by one a frame."""

    root: Path
    view: View
    shot: _Shot

    @property
    def moments(self) -> np.ndarray:  # (T,)
        return self.shot.moments

    @property
    def ends(self) -> tuple[float, float]:
        return self.shot.ends

    def frames(self, moments: Sequence[float]) -> np.ndarray:  # (T, H, W) or (T, H, W, 3)
        numbers = sorted({*np.floor(moments).astype(int), *np.ceil(moments).astype(int)})
        frames = np.stack([self._frame(n) for n in numbers])
        if len(numbers) == 1:
            return frames[np.zeros(len(moments), int)]
        return blend(frames, np.interp(moments, numbers, np.arange(len(numbers))))

    def landmarks(self, moments: Sequence[float]) -> np.ndarray:  # (T, 68, 2)
        return np.stack([move_points(self.shot.points[n], self._move(n)) for n in nearest(moments)])

    def _frame(self, number: int) -> np.ndarray:  # (H, W) or (H, W, 3)
        if number not in self._framed:
            self._framed[number] = warp(self._picture(number), self._move(number), self.view.size)
        return self._framed[number]

    def _picture(self, number: int) -> np.ndarray:
        return self._first if number == self.shot.ends[0] else self._read(number)

    def _read(self, number: int) -> np.ndarray:
        path, crc = self.shot.files[number]
        return read_image(self.root / path, colour=self.view.colour, bits=self.shot.bits, crc=crc)

    @cached_property
    def _framed(self) -> dict[int, np.ndarray]:
        """Every picture is decoded and moved once, whatever asks for it."""
        return {}

    @cached_property
    def _first(self) -> np.ndarray:
        return self._read(self.shot.ends[0])

    def _move(self, number: int) -> np.ndarray:  # (2, 3)
        by = number if self.view.align == "frame" else self.shot.ends[0]
        if by not in self._moves:
            points, size = self.shot.points, self.view.size
            self._moves[by] = (
                face_square(points[by], size) if points else _middle_square(self._first.shape, size)
            )
        return self._moves[by]

    @cached_property
    def _moves(self) -> dict[int, np.ndarray]:
        """Transforms by the frame whose landmarks they follow."""
        return {}


def _middle_square(shape: tuple[int, ...], size: int) -> np.ndarray:  # (2, 3)
    """Without landmarks: the largest square in the middle of the picture."""
    height, width = shape[:2]
    scale = size / min(height, width)
    corner = (scale * np.array([width, height]) - size) / 2
    shift = (scale - 1) / 2 - corner  # whole numbers are the middles of pixels
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
