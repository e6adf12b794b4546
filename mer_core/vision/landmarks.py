"""68 landmarks a face: their names, tables of them, and a detector (an extra).

The order is that of the iBUG 300-W annotation, as the viewer sees a face: left is the left side of the picture.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

JAW = slice(0, 17)
LEFT_BROW, RIGHT_BROW = slice(17, 22), slice(22, 27)
NOSE_BRIDGE, NOSTRILS = slice(27, 31), slice(31, 36)
LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)
OUTER_LIPS, INNER_LIPS = slice(48, 60), slice(60, 68)
NOSE_TIP, MOUTH_CORNERS = 30, [48, 54]

COLUMNS = [f"{axis}_{i}" for axis in "xy" for i in range(68)]  # as OpenFace calls them
KEYS = ["clip", "frame"]

Name = TypeVar("Name", bound=Hashable)


class LandmarkError(ValueError):
    """Landmarks can't be used or found; the message says which and why."""


def eye_centres(points: np.ndarray) -> np.ndarray:
    """Landmarks (…, 68, 2) → (…, 2, 2): the middles of both eyes, the viewer's left one first."""
    return np.stack([points[..., eye, :].mean(axis=-2) for eye in (LEFT_EYE, RIGHT_EYE)], axis=-2)


def misplaced(points: np.ndarray, height: int, width: int) -> str | None:
    """Why points (68, 2) can't be those of a face in a picture of this size; None if they can.

    A jaw may leave the picture a little; what frames the face may not.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    picture = f"the picture of {width} × {height}"
    box = f"{low[0]:.0f} to {high[0]:.0f}, {low[1]:.0f} to {high[1]:.0f}"
    size, eyes = np.array([width, height]), eye_centres(points)
    inner = np.vstack([eyes, points[[NOSE_TIP, *MOUTH_CORNERS]]])
    if not np.isfinite(points).all():
        return "not all of them are numbers"
    if (high - low).max() < size.min() / 20 or np.ptp(inner, axis=0).max() < 2:
        return f"all on one spot ({box}), or not in pixels"
    if (inner < -1).any() or (inner > size).any() or (low < -size / 4).any() or (high > 1.25 * size).any():
        return f"outside {picture} ({box})"
    if eyes[0, 0] >= eyes[1, 0] or eyes[:, 1].mean() >= points[MOUTH_CORNERS, 1].mean():
        return "no face: expected the viewer's left eye, its right eye, and the mouth below them"
    middle = (low + high) / 2 / size
    in_corner = (high < 0.6 * size).all() and middle[0] < 0.4 and middle[1] < 0.45
    if in_corner or ((high > size).any() and (middle > 0.6).all()):
        return f"in a corner of {picture} ({box}): of pictures of another size?"
    return None


@dataclass(frozen=True)
class Landmarks:
    """Points of some frames of some clips, and where they come from."""

    points: Mapping[str, Mapping[int, np.ndarray]]  # clip → frame → (68, 2)
    origin: str

    def __contains__(self, clip: str) -> bool:
        return clip in self.points

    def of(self, clip: str, frame: int) -> np.ndarray:
        """(68, 2) of this frame; where a clip has the points of one frame only, they stand for all."""
        known = self.points.get(clip, {})
        if frame in known or len(known) == 1:
            return known.get(frame, next(iter(known.values())))
        held = f"{len(known)} others, from {min(known)} to {max(known)}" if known else "none of this clip"
        raise LandmarkError(f"{self.origin} has no landmarks of {clip}, frame {frame}; it has {held}.")

    def only(self, clips: Collection[str]) -> "Landmarks":
        """The same without further clips."""
        return Landmarks({clip: self.points[clip] for clip in clips if clip in self.points}, self.origin)

    def table(self) -> pd.DataFrame:
        """A row a frame: clip, frame, x_0 … x_67, y_0 … y_67."""
        keys = [(clip, frame) for clip, frames in self.points.items() for frame in frames]
        values = np.array([self.points[clip][frame].T.ravel() for clip, frame in keys]).reshape(-1, 136)
        return pd.concat([pd.DataFrame(keys, columns=KEYS), pd.DataFrame(values, columns=COLUMNS)], axis=1)

    def write(self, path: Path | str) -> None:
        """Into a Parquet file, which `read_landmarks` reads."""
        self.table().to_parquet(path, index=False)

    @classmethod
    def from_table(cls, table: pd.DataFrame, origin: str) -> "Landmarks":
        """The inverse of `table`; a `LandmarkError` names what is wrong with it."""
        table = _checked(table.reset_index(drop=True), origin)
        if table.empty:
            raise LandmarkError(f"{origin}: expected a row a frame, got none.")
        values = table[COLUMNS].to_numpy(float).reshape(-1, 2, 68).swapaxes(1, 2)  # (rows, 68, 2)
        return cls.collect(zip(zip(table["clip"], table["frame"], strict=True), values, strict=True), origin)

    @classmethod
    def collect(cls, found: Iterable[tuple[tuple[str, int], np.ndarray]], origin: str) -> "Landmarks":
        """From pairs of (clip, frame) and (68, 2): the items of what `detect` found."""
        points: dict[str, dict[int, np.ndarray]] = {}
        for (clip, frame), face in found:
            points.setdefault(clip, {})[int(frame)] = face
        return cls(points, origin)


# Reading what the user has


def read_landmarks(path: Path | str) -> Landmarks:
    """Landmarks from a .parquet or .csv file, or from a folder of them.

    A row is a frame: `clip` as in the table of clips, `frame` as in the name of the picture, and x_0 … x_67, y_0 … y_67
    in pixels of that picture. A file without `clip` is of the clip that it is named for: `sub01/EP02_01f.csv` in the
    folder. So OpenFace's tables can be read, once their frames are numbered as the pictures are; rows in which it
    found no face (`success` 0) count as absent.
    """
    path = Path(path)
    files = [path] if path.is_file() else sorted(path.rglob("*.csv")) + sorted(path.rglob("*.parquet"))
    if not files:
        raise LandmarkError(
            f"There are no landmarks at {path}: give a .parquet or .csv file, or a folder of them."
        )
    return Landmarks.from_table(pd.concat([_read(file, path) for file in files]), str(path))


def _read(path: Path, root: Path) -> pd.DataFrame:
    try:
        is_csv = path.suffix != ".parquet"
        table = _read_csv(path) if is_csv else pd.read_parquet(path).reset_index(drop=True)
    except (ValueError, OSError) as error:
        raise LandmarkError(f"{path} can't be read as a table of landmarks: {error}") from None
    if "clip" not in table and path != root:
        table["clip"] = path.relative_to(root).with_suffix("").as_posix()
    return _checked(table[table["success"] == 1] if "success" in table else table, path)


def _read_csv(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path, skipinitialspace=True, dtype={"clip": str}, low_memory=False)
    if not isinstance(table.index, pd.RangeIndex):  # the values would stand under the wrong names
        raise LandmarkError("its rows hold more values than it names columns")
    return table.copy()  # in one piece: pandas warns of columns that lie about


def _checked(table: pd.DataFrame, origin: Path | str) -> pd.DataFrame:
    """The columns that count, as text and numbers."""
    if missing := [name for name in (*KEYS, *COLUMNS) if name not in table]:
        raise LandmarkError(
            f"{origin}: expected the columns clip, frame and 68 points x_0 … x_67, y_0 … y_67; "
            f"missing: {', '.join(missing[:4])}{' …' if missing[4:] else ''} ({len(missing)} in all)."
        )
    if (nameless := table["clip"].isna()).any():
        raise LandmarkError(
            f"{origin}: expected a clip in each row, got none in row {table.index[nameless][0] + 1}."
        )
    clips = table["clip"].astype(str).reset_index(drop=True)
    checked = pd.concat([clips, _numbers(table, origin)], axis=1).astype({"frame": int})
    if (twice := checked.duplicated(KEYS)).any():
        clip, frame = checked.loc[twice, KEYS].iloc[0]
        raise LandmarkError(
            f"{origin}: expected each frame once, but frame {frame} of {clip} is there twice."
        )
    return checked


def _numbers(table: pd.DataFrame, origin: Path | str) -> pd.DataFrame:
    """The frames and points, each of them a number."""
    cells = table[["frame", *COLUMNS]]
    values = cells.apply(pd.to_numeric, errors="coerce").to_numpy(float)  # (rows, 137)
    sound = np.abs(values) < 2**31
    sound[:, 0] &= values[:, 0] == np.round(values[:, 0])
    for row, column in np.argwhere(~sound)[:1]:
        raise LandmarkError(
            f"{origin}: expected {'a number' if column else 'a whole number'} as {cells.columns[column]}, "
            f"got {cells.iloc[row, column]!r} in row {table.index[row] + 1} "
            f"(clip {table['clip'].iloc[row]}, frame {table['frame'].iloc[row]})."
        )
    return pd.DataFrame(values, columns=cells.columns)


# Finding them


def detect(images: Iterable[tuple[Name, np.ndarray]]) -> tuple[dict[Name, np.ndarray], dict[Name, str]]:
    """Pairs of a name and a picture (H, W[, 3]) uint8 → points (68, 2) by name, and why the other names have none.

    dlib's frontal face detector on the picture enlarged once, then its predictor of points in the largest face.
    """
    find_faces, find_points = _detector()
    found, without = {}, {}
    for name, image in images:
        image = np.ascontiguousarray(image)  # dlib reads any array as if it were
        if faces := find_faces(image, 1):
            face = max(faces, key=lambda box: box.area())
            found[name] = np.array([(point.x, point.y) for point in find_points(image, face).parts()], float)
        else:
            without[name] = f"no face found in {image.shape[1]} × {image.shape[0]} pixels"
    return found, without


def detector_name() -> str:
    """What `detect` is made of: the origin of landmarks that it found."""
    return ", ".join(f"{name} {version(name)}" for name in ("dlib-bin", "face_recognition_models"))


def _detector() -> tuple[Callable, Callable]:
    found = find_spec("face_recognition_models")
    if not (find_spec("dlib") and found and found.submodule_search_locations):
        raise LandmarkError(
            "The landmark detector is not installed: `pip install mer-core[landmarks]`. "
            "Or give a file of landmarks that you have."
        )
    import dlib  # an extra

    # Found without importing the package, whose code asks for a part of setuptools that is gone.
    models = Path(found.submodule_search_locations[0], "models")
    points = dlib.shape_predictor(str(models / "shape_predictor_68_face_landmarks.dat"))
    return dlib.get_frontal_face_detector(), points
