"""What the networks of a run say of a clip of your own: a folder of frames, or a video.

The clip goes the way of a licensed corpus, as a corpus of one: its frames by number, framed, and seen as the method
sees them; then every network that the run kept is asked. Nothing of this was measured on such a clip, so that what the
numbers can't mean is a part of the answer (`Prediction.cautions`).
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import pandas as pd
import torch
from torch import nn

from mer_core.clips import ClipSet, View, apex_or_middle
from mer_core.corpora.faces import find_landmarks
from mer_core.corpora.images import SUFFIXES, index_frames
from mer_core.corpora.prepared import PreparedCorpus, prepare_corpus
from mer_core.corpora.source import Row, Source, SourceError
from mer_core.corpora.survey import Survey, see_pictures
from mer_core.devices import one_thread
from mer_core.faces.corpus import CARDS, EXACT
from mer_core.ledger.compare import warnings
from mer_core.methods import FeatureMethod, NetworkMethod, create_method, find_method
from mer_core.protocols import class_map
from mer_core.scoring.tables import score_table
from mer_core.studies.attribution import attribution, still
from mer_core.training import Examples, Run, examples, load_network, predict_clips, predict_outputs
from mer_core.training.weights import read_card
from mer_core.vision.landmarks import LEFT_EYE, MOUTH_CORNERS, NOSE_TIP, RIGHT_EYE, Landmarks, read_landmarks

CLIP = "own/you/clip"  # what tables and files call it
MOST = 2000  # frames from onset to offset: ten seconds at 200 a second, and no micro-expression lasts one
SHOWN = View(frames=24, size=192, colour=True, flow="dis", dynamic_image="frames", landmarks=False)
# Tip of the nose and corners of the mouth seen from between the eyes, in distances of the eyes: means of `synth`.
BELOW_EYES = np.array([[0.0, 0.60], [-0.40, 1.15], [0.40, 1.15]])


class PredictionError(ValueError):
    """A clip or a run can't be used; the message says what was expected, what came, and what to do."""


@dataclass(frozen=True)
class Marks:
    """Frames by the numbers in the names of the pictures, or counted from 0 in a video; None: not known."""

    onset: int | None = None
    apex: int | None = None
    offset: int | None = None


@dataclass(frozen=True)
class Pictures:
    """What a reader looks at, all of one size and in one framing."""

    numbers: tuple[int, ...]  # (T,) of the frames
    frames: np.ndarray  # (T, S, S, 3) uint8, from onset to offset
    flow: np.ndarray  # (2, S, S) from onset to apex, less its median: that is the head's
    dynamic_image: np.ndarray  # (S, S)
    attribution: np.ndarray  # (S, S), mean over the networks, for the class that they prefer


@dataclass(frozen=True)
class Prediction:
    """What was said, by whom, of what."""

    name: str  # of the clip
    marks: Marks  # as they were used
    run: Run
    probabilities: pd.DataFrame  # (P, C) a row a network, a column a class
    action_units: pd.DataFrame | None  # (P, A) likewise, if the method finds them
    pictures: Pictures
    notes: tuple[str, ...]  # what stands in for what was not given

    @property
    def predicted(self) -> str:
        """The class with the largest mean probability."""
        return self.probabilities.mean().idxmax()

    @property
    def classes(self) -> pd.DataFrame:
        """A row a class: mean and reach of its probability, and how many networks prefer it."""
        prefer = self.probabilities.idxmax(axis=1).value_counts()
        return _spread(self.probabilities).assign(prefer=prefer).fillna({"prefer": 0}).astype({"prefer": int})

    @property
    def units(self) -> pd.DataFrame | None:
        """A row an action unit: mean and reach of its probability."""
        return None if self.action_units is None else _spread(self.action_units)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What such a prediction can't mean."""
        return tuple(_cautions(self))

    def __str__(self) -> str:
        parts = [
            f"{self.name}: {self.predicted}, say {len(self.probabilities)} networks of {self.run.folder}"
        ]
        parts.append(self.classes.to_string(float_format="{:.3f}".format))
        if self.units is not None:
            units = self.units.rename(index="AU {}".format)
            parts.append(units.to_string(float_format="{:.3f}".format))
        parts += [f"Note: {note}" for note in self.notes]
        return "\n".join([*parts, *(f"Caution: {caution}" for caution in self.cautions)])


def _spread(said: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"mean": said.mean(), "lowest": said.min(), "highest": said.max()})


def predict(
    clip: Path | str,
    run: Run | Path | str,
    marks: Marks | None = None,
    landmarks: Path | str = "none",
    eyes: Sequence[float] | None = None,
) -> Prediction:
    """Ask every network of a finished run that kept them.

    `landmarks` is a file as `read_landmarks` reads it, dlib or none; `eyes` (x, y, x, y) are the middles of both eyes
    at the onset, in pixels, the viewer's left one first. With neither, the middle square of each picture is the face.
    """
    clip, run = Path(clip), run if isinstance(run, Run) else Run.open(run)
    run.refuse_stored()
    method = _method(run)
    with TemporaryDirectory() as work:
        found = _survey(clip, marks or Marks(), Path(work))
        points = _landmarks(found, _view(method), clip, landmarks, eyes)
        seen, shown = _clipsets(found, _view(method), points, Path(work, "clipset"))
        return _asked(
            clip, run, method, seen, shown, tuple(_notes(clip, found, method, points, marks or Marks()))
        )


# The run


def _method(run: Run) -> NetworkMethod:
    """The method of a run whose networks can be asked; an error that says why they can't."""
    name, folder = run.settings.method, run.folder
    try:
        kind = find_method(name)
    except ValueError as error:
        raise PredictionError(f"{folder} is a run of {name!r}. {error}") from None
    if issubclass(kind, FeatureMethod):
        raise PredictionError(
            f"Expected a run of a network, got one of {name}, which keeps nothing: run another."
        )
    if not run.settings.keep_weights:
        raise PredictionError(
            f"Expected a run that kept its networks, but {folder} has none: `mer run {name} --keep-weights` makes one."
        )
    if missing := run.missing():
        raise PredictionError(
            f"Expected a finished run, but {len(missing)} of {len(run.parts())} parts of {folder} are missing: "
            f"`mer resume {folder}` first."
        )
    try:
        method = create_method(name, **run.record["method"])
    except ValueError as error:
        raise PredictionError(f"{folder}/run.json: expected the settings of {name}. {error}") from None
    if method.settings.released.normalise != "clip":
        raise PredictionError(
            f"The networks of {folder} take pictures that are scaled by other clips (released.normalise="
            f"{method.settings.released.normalise}), and yours comes alone: use a run with normalise=clip."
        )
    return method


def _networks(run: Run) -> Iterator[tuple[str, nn.Module]]:
    """One at a time: all together may not fit into memory."""
    for part in run.parts():
        _refuse_another(run, run.weights(part))
        yield str(part), load_network(run.weights(part))


def _refuse_another(run: Run, file: Path) -> None:
    about, asked = read_card(file), run.settings
    there = (about["method"], tuple(about["classes"]))
    if there != (expected := (asked.method, class_map(asked.classes).classes)):
        raise PredictionError(
            f"Expected {file} to be a network of {expected[0]} for {', '.join(expected[1])}, as its run says, got one "
            f"of {there[0]} for {', '.join(there[1])}: its card is another's."
        )


# The clip


class OwnClip(Source):
    """A clip of the user's, as a corpus of one."""

    name, about, fps = "own", "a clip of your own", 0  # its speed is not known, and no method asks for it
    version = ""

    def folders(self) -> dict[str, Path]:
        """The one that holds its frames."""
        return {CLIP: self.root}

    def rows(self) -> list[Row]:
        """It has no labels."""
        return []


def _survey(clip: Path, marks: Marks, work: Path) -> Survey:
    """The clip as a table of one row, and the file of each of its frames."""
    frames = _frames(clip, marks, work)
    placed = _placed(marks, sorted(frames), clip)
    numbers = range(placed.onset, placed.offset + 1)
    there = np.array(sorted(frames))
    files = {n: frames[there[np.abs(there - n).argmin()]] for n in numbers}  # a gap shows its nearest frame
    root = next(iter(files.values())).parent
    label = {
        "clip": CLIP,
        "subject": "own/you",
        "emotion": "unlabelled",
        "frames": len(numbers),
        "action_units": "",
    }
    table = pd.DataFrame([{**label, **vars(placed)}]).astype(dict.fromkeys(vars(placed), "Int64"))
    paths = pd.DataFrame({"clip": CLIP, "frame": list(files), "path": [file.name for file in files.values()]})
    line = {"clip": CLIP, "where": str(clip), "outcome": "clip"}
    report = pd.DataFrame([line | dict.fromkeys(("reason", "repaired", "remark"), "")])
    try:
        return see_pictures(Survey(OwnClip(root), table, paths, report))
    except SourceError as error:  # its only clip is left out, with the reason
        raise PredictionError(
            f"Expected whole pictures of one clip and nothing else in {clip}, got {_reason(error)} Copy or sort them."
        ) from None


def _reason(error: SourceError) -> str:
    """Why the only clip can't be used."""
    return str(error).partition(": ")[2].replace(f" ({CLIP})", "")


def _frames(clip: Path, marks: Marks, work: Path) -> dict[int, Path]:
    """The pictures of a clip by number; those of a video are unpacked first."""
    if not clip.exists():
        raise PredictionError(
            f"Expected a folder of pictures or a video, but there is no {clip}: check its path."
        )
    if clip.suffix.lower() in SUFFIXES and clip.is_file():
        raise PredictionError(
            f"Expected a clip, got the single picture {clip}: give the folder of its frames."
        )
    frames = index_frames(clip) if clip.is_dir() else _unpack(clip, marks, work)
    if len(frames) < 2:
        raise PredictionError(
            f"Expected two frames at least, got {len(frames)} from {clip}. A folder holds one clip, as pictures "
            f"({', '.join(sorted(SUFFIXES))}) with a number in their names: img001.png, img002.png, …"
        )
    return frames


def _unpack(video: Path, marks: Marks, work: Path) -> dict[int, Path]:
    """The frames of a video from onset to offset, counted from 0, as pictures without loss."""
    frames: dict[int, Path] = {}
    first, last = marks.onset or 0, np.inf if marks.offset is None else marks.offset
    if not 0 <= first < last:
        raise PredictionError(
            f"Expected --onset from 0 on and --offset after it, got {marks.onset} and {marks.offset}."
        )
    reader = cv2.VideoCapture(str(video))
    for number in count():
        if number > last or not reader.grab():
            break
        if number >= first:
            frames[number] = work / f"{number:06d}.png"
            frames[number].write_bytes(cv2.imencode(".png", reader.retrieve()[1])[1])
            _refuse_longer(len(frames), video)
    reader.release()
    if not number:
        raise PredictionError(
            f"Expected a video, but OpenCV can't read {video}: convert it to .mp4 or .avi, or give a folder of its "
            "frames."
        )
    if first >= number:
        raise PredictionError(
            f"Expected --onset from 0 to {number - 1}, the last frame of {video}, got {first}."
        )
    return frames


def _refuse_longer(frames: int, clip: Path) -> None:
    if frames > MOST:
        raise PredictionError(
            f"Expected a clip of one expression, at most {MOST} frames, got more from {clip}: "
            "say where it is with --onset and --offset."
        )


def _placed(marks: Marks, there: Sequence[int], clip: Path) -> Marks:
    """The marks, with the first and the last frame for an onset and offset that are not known."""
    first, last = there[0], there[-1]
    for name, number in vars(marks).items():
        if number is not None and not first <= number <= last:
            raise PredictionError(
                f"Expected --{name} from {first} to {last}, the frames of {clip}, got {number}."
            )
    onset = first if marks.onset is None else marks.onset
    offset = last if marks.offset is None else marks.offset
    if not onset < (offset if marks.apex is None else marks.apex) <= offset:
        raise PredictionError(
            f"Expected an onset before the apex, and an apex not after the offset; got onset {onset}, apex "
            f"{marks.apex}, offset {offset}: correct --onset, --apex and --offset."
        )
    _refuse_longer(offset - onset + 1, clip)
    return Marks(onset, marks.apex, offset)


# What a network sees


def _view(method: NetworkMethod) -> View:
    """The method's own; for motion that is known of synthetic faces only, an estimate."""
    return method.view.replace(flow="dis") if method.view.flow in EXACT else method.view


def _clipsets(found: Survey, view: View, points: Landmarks | None, out: Path) -> tuple[ClipSet, ClipSet]:
    """The clip as the method sees it, and as a reader does."""
    shown = SHOWN.replace(frames=min(SHOWN.frames, int(found.clips["frames"][0])))
    seen = prepare_corpus(found, view, out, points)
    return seen, PreparedCorpus(out).clipset(shown, workers=1)


def _landmarks(
    found: Survey, view: View, clip: Path, said: Path | str, eyes: Sequence[float] | None
) -> Landmarks | None:
    if eyes is not None:
        return Landmarks({CLIP: {int(found.clips["onset"][0]): _face(eyes)}}, "the eyes that were given")
    if said != "none":
        return _detect(found, view) if said == "dlib" else _read_landmarks(Path(said), clip)
    if view.landmarks or view.align == "frame":
        raise PredictionError(
            "Expected to be told where the face is, since this method aligns it. Add --landmarks FILE (68 points a "
            "frame), --landmarks dlib (a detector: pip install mer-core[landmarks]), or --eyes X,Y,X,Y."
        )
    return None


def _detect(found: Survey, view: View) -> Landmarks:
    try:
        return find_landmarks(found, view, "dlib")[1]
    except SourceError as error:  # its only clip is left out, with the reason
        raise PredictionError(
            f"Expected a face in each frame, got {_reason(error)} Say where it is by --eyes or --landmarks FILE."
        ) from None


def _face(eyes: Sequence[float]) -> np.ndarray:  # (68, 2)
    """Landmarks as far as framing asks for them: nose and mouth where they mostly are below these eyes."""
    if len(eyes) != 4 or not np.isfinite(eyes).all():
        raise PredictionError(
            f"Expected --eyes X,Y,X,Y, the middles of both eyes in pixels, got {list(eyes)}."
        )
    left, right = np.reshape(eyes, (2, 2)).astype(float)
    if left[0] >= right[0]:
        raise PredictionError(
            f"Expected the eye on the left of the picture first, got x {left[0]:g} before {right[0]:g}."
        )
    across, middle = right - left, (left + right) / 2
    down = np.array([-across[1], across[0]])
    points = np.tile(middle, (68, 1))
    points[LEFT_EYE], points[RIGHT_EYE] = left, right
    points[[NOSE_TIP, *MOUTH_CORNERS]] = middle + BELOW_EYES @ np.stack([across, down])
    return points


def _read_landmarks(file: Path, clip: Path) -> Landmarks:
    """Those of this clip: a table that names no clip, or only one, is taken to be about it."""
    if not file.is_file():
        raise PredictionError(
            f"Expected a table of landmarks (.csv or .parquet), but there is no file {file}."
        )
    with TemporaryDirectory() as folder:  # a file in a folder needs no column `clip`
        known = read_landmarks(Path(shutil.copy(file, folder)).parent)
    name = next(iter(known.points)) if len(known.points) == 1 else _name(clip)
    if name not in known:
        raise PredictionError(
            f"Expected landmarks of {name} in {file}, got those of {', '.join(known.points)}."
        )
    return Landmarks({CLIP: known.points[name]}, str(file))


def _notes(
    clip: Path, found: Survey, method: NetworkMethod, points: Landmarks | None, given: Marks
) -> Iterator[str]:
    row = found.clips.iloc[0]
    if given.onset is None or given.offset is None:
        yield (
            f"Frames {row.onset} to {row.offset} are taken for onset and offset, since not both were given; the "
            "networks learnt from clips that begin where the movement begins and end where it ends."
        )
    if given.apex is None:
        middle = apex_or_middle(row.onset, None, row.offset)
        yield f"The apex was not given: the middle, frame {middle}, stands in for it."
    if clip.is_file():
        yield "Most videos are compressed, and a movement of a pixel may be lost in that: frames as PNG are safer."
    if gaps := len(found.frames) - found.frames["path"].nunique():
        yield f"{gaps} frames are missing: the nearest that is there stands in for each."
    if points is None:
        yield "No landmarks were given: the middle square of each picture is taken for the face."
    elif len(points.points[CLIP]) == 1:
        yield f"The face is framed by {points.origin}, all frames alike: motion of the head stays."
    else:
        yield f"The face is framed by landmarks from {points.origin}."
    if method.view.flow in EXACT:
        yield f"The run has {method.view.flow} motion, known of synthetic faces only: an estimate stands in for it."


# Asking


def _asked(
    clip: Path, run: Run, method: NetworkMethod, seen: ClipSet, shown: ClipSet, notes: tuple[str, ...]
) -> Prediction:
    classes = class_map(run.settings.classes).classes
    data = examples(method, seen, np.zeros(1), len(classes))
    table = pd.DataFrame.from_dict(_probabilities(run, data), "index", columns=classes)
    where = _attribution(run, method, data, int(table.mean().to_numpy().argmax()))
    onset, apex, offset = seen.clips.loc[0, ["onset", "apex", "offset"]]
    marks = Marks(int(onset), apex_or_middle(onset, apex, offset), int(offset))
    units = _units(run, method, data)
    return Prediction(_name(clip), marks, run, table, units, _pictures(shown, where), notes)


def _name(clip: Path) -> str:
    """A folder's whole name, dots and all; a video's without its suffix."""
    return clip.absolute().name if clip.is_dir() else clip.stem


def _probabilities(run: Run, data: Examples) -> dict[str, np.ndarray]:  # (C,) each
    with one_thread():
        return {name: predict_clips(network, data)[0].numpy() for name, network in _networks(run)}


def _units(run: Run, method: NetworkMethod, data: Examples) -> pd.DataFrame | None:
    if not method.action_units:
        return None
    with one_thread():
        said = {
            name: predict_outputs(network, data.inputs)["action_units"].sigmoid()[0].numpy()
            for name, network in _networks(run)
        }
    return pd.DataFrame.from_dict(said, "index", columns=method.action_units)


def _attribution(run: Run, method: NetworkMethod, data: Examples, target: int) -> np.ndarray:  # (H, W)
    """Mean over the networks; where they see several pictures, of what they owe to the change between them."""
    x = data.apart().inputs["x"]
    baseline = still(x) if method.kinds["x"] == "image" and x.shape[1] > 1 else None
    targets = torch.full((len(x),), target)
    with one_thread():
        maps = [attribution(network, x, targets, baseline).mean(dim=0) for _, network in _networks(run)]
    return torch.stack(maps).mean(dim=0).numpy()


def _pictures(shown: ClipSet, where: np.ndarray) -> Pictures:
    """Copied: the ClipSet is about to be deleted."""
    frames, flow = np.array(shown.frames[0]), np.array(shown.flow[0], np.float32)
    row, size = shown.clips.iloc[0], frames.shape[1]
    numbers = np.floor(np.linspace(row["onset"], row["offset"], len(frames)) + 0.5).astype(int)
    return Pictures(
        tuple(numbers.tolist()),
        frames,
        flow - np.median(flow, axis=(1, 2), keepdims=True),
        np.array(shown.dynamic_image[0], np.float32),
        cv2.resize(where, (size, size), interpolation=cv2.INTER_LINEAR),
    )


# What it can't mean


def _cautions(made: Prediction) -> Iterator[str]:
    run, table = made.run, made.run.predictions
    corpus, uf1 = run.settings.corpus, score_table(run.predictions).loc["UF1"]
    if all(name in CARDS for name in corpus.split("+")):
        yield f"The classes were learnt from {corpus}: synthetic faces. What is said of people was never measured."
    else:
        yield f"The classes were learnt from {corpus}. What is said of other people and cameras was never measured."
    between = f" (95 % interval {uf1['95 % low']:.2f} to {uf1['95 % high']:.2f})" if "95 % low" in uf1 else ""
    yield (
        f"On subjects of that corpus whom they had not seen they reach a UF1 of {uf1['mean']:.2f}{between} over "
        f"{len(made.probabilities.columns)} classes, {table['clip'].nunique()} clips. Nothing says that they do here."
    )
    yield from (f"This run: {warning}." for warning in warnings(run))
    yield (
        "The probabilities add up to 1 whatever the clip shows, even no face at all. From lowest to highest is how far "
        "the networks disagree, which learnt from mostly the same clips; it is no interval of error."
    )
    yield (
        "A class is the name that a corpus gives to movements. It does not say what a person feels, thinks or hides. "
        "Never decide anything about a person by it."
    )
