"""What the chapter works with: its parameters, the methods that it compares, and the clips of both stages."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import torch
from pydantic import Field
from torch import Tensor

from mer_core.clips import ClipSet
from mer_core.corpora.catalogue import open_corpus
from mer_core.faces.corpus import Corpus
from mer_core.figures.images import panels, slideshow
from mer_core.methods import count_parameters
from mer_core.methods.ma2mi.network import MA2MI, Encoder, MA2MISettings
from mer_core.methods.ma2mi.pretraining import Videos, find_pairs, load_videos
from mer_core.methods.ma2mi.reconstruction import DiT, sizes
from mer_core.protocols import Fold, class_map, subject_groups
from mer_core.studies.ma2mi.figures import change
from mer_core.studies.papers import PaperChapter

GAPS = (1, 2, 3, 5)  # moments between two frames of a macro-expression


class Chapter(PaperChapter):
    """On which clips both stages are learnt, and for how long."""

    videos: int = Field(ge=40, le=360, description="macro-expressions that are learnt from first")
    steps: int = Field(ge=0, description="of that learning; 0: as the preset says")
    batch: int = Field(ge=2, description="pairs of frames a step")

    def miacnet(self) -> MA2MI:
        """Both branches from random weights."""
        return self.method("miacnet")

    def learner(self) -> MA2MI:
        """The same, that learns from macro-expressions first."""
        first = {"start": "ma2mi", "macro_limit": self.videos, "macro_batch": self.batch}
        steps = {"macro_steps": self.steps} if self.steps else {}
        return MA2MI(self.miacnet().settings.replace(**first, **steps))


@dataclass(frozen=True)
class Material:
    """Macro-expressions to learn from first, micro-expressions to recognise, and both methods."""

    settings: Chapter
    method: MA2MI  # both branches from random weights
    learner: MA2MI  # the same after the first stage
    macro: Corpus
    clips: ClipSet  # of macro-expressions
    pairs: pd.DataFrame  # of their moments
    videos: Videos
    faces: Corpus
    micro: ClipSet
    labels: np.ndarray  # (N,) of the micro-expressions
    n_classes: int
    folds: list[Fold]

    @property
    def chosen(self) -> MA2MISettings:
        """The settings of the network."""
        return self.method.settings

    @property
    def table(self) -> pd.DataFrame:
        """A row a micro-expression."""
        return self.micro.clips

    @property
    def subjects(self) -> np.ndarray:  # (N,)
        """Of the micro-expressions."""
        return self.table["subject"].to_numpy()

    @property
    def learnt_from(self) -> np.ndarray:
        """The subjects of the macro-expressions."""
        return np.unique(self.videos.subjects)

    @property
    def tested(self) -> np.ndarray:  # (n,)
        """Rows of the tested micro-expressions, fold by fold."""
        return np.concatenate([fold.test for fold in self.folds])

    @property
    def largest_first(self) -> np.ndarray:  # (n,)
        """The same, the one whose skin moves most first."""
        return self.tested[np.argsort(-self.table["peak_pixels"].to_numpy()[self.tested])]

    @property
    def goal(self) -> np.ndarray:  # (n,)
        """The classes of the tested ones."""
        return self.labels[self.tested]

    @cached_property
    def x(self) -> Tensor:  # (N, 2, 3, S, S)
        """Onset and apex of the micro-expressions, as the network sees them."""
        return self.learner.scaled(np.asarray(self.micro.frames))

    def __str__(self) -> str:
        both = set(self.learnt_from) & set(self.subjects)
        return (
            f"macro: {len(self.clips)} videos of {len(self.learnt_from)} subjects\n"
            f"  seen as {self.learner.macro_view.name}\n"
            f"micro: {len(self.table)} clips of {len(set(self.subjects))} subjects\n"
            f"  seen as {self.method.view.name}\n"
            f"subjects in both: {len(both)}"
        )


def material(settings: Chapter) -> Material:
    """Both corpora and both methods, as the parameters ask for them."""
    return assemble(settings, settings.miacnet(), settings.learner())


def assemble(settings: Chapter, method: MA2MI, learner: MA2MI) -> Material:
    """Find the pairs to learn from, label the clips, and make the folds."""
    macro, faces = open_corpus(learner.settings.macro), open_corpus(settings.corpus)
    clips = macro.clipset(learner.macro_view, settings.videos)
    pairs = find_pairs(clips, learner, settings.seed)
    mapping = class_map(settings.classes)
    micro = faces.clipset(method.view.replace(landmarks=True))
    labels = mapping.label(micro.clips)
    micro, labels = micro.select(labels.notna()), labels.dropna().to_numpy(int)
    return Material(
        settings,
        method,
        learner,
        macro,
        clips,
        pairs,
        load_videos(learner, clips, pairs),
        faces,
        micro,
        labels,
        len(mapping.classes),
        subject_groups(micro.clips["subject"].to_numpy(), k=settings.groups)[: settings.folds],
    )


# The idea in pictures


def three(now: np.ndarray, later: np.ndarray) -> list[np.ndarray]:
    """Two frames, and what changes between them."""
    return [now, later, change(now, later, times=6)]


def pair_pictures(given: Material) -> go.Figure:
    """Pairs of a macro-expression, more and more moments apart, beside onset and apex of two micro-expressions."""
    kept = given.pairs[given.pairs["left_out"] == ""]
    video = given.clips.frames[int(kept.groupby("clip")["motion"].max().idxmax())]
    steps = {f"macro, {gap} apart": three(video[1], video[1 + gap]) for gap in GAPS}
    smallest_first = given.largest_first[::-1]
    rows = {"typical": smallest_first[len(smallest_first) // 2], "largest": smallest_first[-1]}
    steps |= {f"micro, {name} clip": three(*given.micro.frames[row]) for name, row in rows.items()}
    return slideshow(
        steps,
        titles=["x₀", "x₁", "x₁ − x₀, six times"],
        label="pair:",
        alt="Two frames of a face and their difference: of a macro-expression video with one, two, three and five "
        "moments between them, then onset and apex of two micro-expressions.",
    )


@dataclass(frozen=True)
class Gaps:
    """How large movements are: of macro-expressions by the moments between two frames, and of micro-expressions."""

    macro: pd.DataFrame  # a row a pair: gap, motion in pixels
    micro: pd.Series  # onset to apex

    def motion(self, *gaps: int) -> float:
        """Mean motion of macro pairs of these gaps."""
        return float(self.macro.loc[self.macro["gap"].isin(gaps), "motion"].mean())

    def ratio(self, *gaps: int) -> float:
        """As a multiple of that of micro-expressions."""
        return self.motion(*gaps) / float(self.micro.mean())

    def table(self) -> pd.DataFrame:
        """A row a gap."""
        rows = {
            gap: {"macro, pixels": self.motion(gap), "as a share of micro": self.ratio(gap)} for gap in GAPS
        }
        return pd.DataFrame(rows).T.rename_axis("moments apart")

    def __str__(self) -> str:
        return (
            f"micro, onset to apex: mean {self.micro.mean():.2f} pixels,\n"
            f"  from {self.micro.min():.2f} to {self.micro.max():.2f}"
        )


def measure_gaps(given: Material) -> Gaps:
    """By landmarks: the ten that move most, against the median of all, which is the head's."""
    wide, alone = (type(given.learner)(given.learner.settings.replace(gaps=gaps)) for gaps in (GAPS, (1,)))
    pairs = find_pairs(given.clips, wide, given.settings.seed)
    macro = pd.DataFrame({"gap": pairs["later"] - pairs["now"], "motion": pairs["motion"]})
    return Gaps(macro, find_pairs(given.micro, alone, given.settings.seed)["motion"])


def gaps_in_words(nearest: float) -> str:
    """What it means that neighbouring moments differ by so many times what a micro-expression moves."""
    follows = (
        "So all pairs of this corpus are larger movements than those that count later: the gap between macro and micro "
        "is narrowed by pairs, not closed."
        if nearest > 1
        else "So the pairs reach down to movements as small as those that count later."
    )
    return f"Even neighbouring moments differ by {nearest:.1f} times what a micro-expression moves. {follows}"


# The network


def thumbnail(frame: np.ndarray, side: int) -> np.ndarray:
    """A frame in so few pixels, drawn as large as before."""
    small = cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, frame.shape[:2], interpolation=cv2.INTER_NEAREST)


def thumbnails(given: Material) -> go.Figure:
    """Three subjects, and what the position branch sees of each."""
    pictures = {}
    for number, subject in enumerate(sorted(set(given.subjects))[:3], 1):
        frame = np.asarray(given.micro.frames[np.flatnonzero(given.subjects == subject)[0], 0])
        pictures[f"subject {number}"] = frame
        pictures[f"subject {number}<br>thumbnail"] = thumbnail(frame, given.chosen.grid)
    alt = (
        "Three faces, and each as a thumbnail of a few pixels: the places of hair, eyes and mouth remain, and so do "
        "the colours of skin, hair and wall."
    )
    return panels(pictures, alt, width=150)


def counted(settings: Chapter) -> pd.DataFrame:
    """How many weights each part has, three classes: with frames of 224 pixels, and as it is trained here."""
    full = MA2MISettings()
    wanted = {
        "thumbnail, gap": full,
        "patches, gap": full.replace(position="patches"),
        "thumbnail, flatten": full.replace(head="flatten"),
        settings.preset: settings.miacnet().settings,
    }
    return pd.DataFrame({name: sizes(chosen, 3) for name, chosen in wanted.items()})


def counted_others() -> dict[str, int]:
    """The same of what else may be chosen at the full size."""
    full = MA2MISettings()
    twelve = full.replace(decoder="diffusion", decoder_depth=12)
    with torch.device("meta"):
        return {
            "five classes, thumbnail, flatten": sizes(full.replace(head="flatten"), 5)["recognition, in all"],
            "diffusion transformer, 12 blocks": count_parameters(DiT(4, 0, 28, twelve)),
            "the same, 6 blocks, beside the first latent": count_parameters(
                DiT(4, 4, 28, full.replace(decoder_depth=6))
            ),
            "ResNet-18 as action branch": count_parameters(
                Encoder(full.replace(encoder="resnet18", branches="action"))
            ),
        }
