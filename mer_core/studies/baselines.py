"""The chapter "Classical baselines": what six simple methods are given, what they see, and what they reach."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated

import cv2
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from pydantic import AfterValidator, Field
from sklearn.metrics import confusion_matrix
from torch import nn

from mer_core.clips import ClipSet, View
from mer_core.corpora.catalogue import open_corpus
from mer_core.faces.corpus import Corpus
from mer_core.faces.expression import ClipSpec
from mer_core.figures.images import menu_of_pairs, panels, signed_grey, slideshow
from mer_core.figures.style import AGAINST, FOR, GRID, QUIET, rounded, styled
from mer_core.ledger.results import find_run
from mer_core.methods import FeatureMethod, Method, count_parameters, create_method
from mer_core.methods.hoof import linear_svm, oriented_flow_histograms
from mer_core.methods.layers import flow_input
from mer_core.methods.lbptop import PLANES as CUTS
from mer_core.methods.lbptop import UNIFORM, lbp_top, patterns
from mer_core.protocols import Fold, class_map, subject_groups
from mer_core.scoring import scores
from mer_core.studies.parameters import Parameters
from mer_core.studies.rows import first_seed
from mer_core.training import Examples, examples, fit_and_predict, fold_seed
from mer_core.vision import estimate_flow

CORPUS, CLASSES, GROUPS = "synth", "megc2019-3class", 5
CAUSES = ("action", "head", "noise")  # of what changes in a clip: each can be switched off
PLANES = ("XY", "XT", "YT")
BLOCKS, BINS = 5, 8  # of HOOF
NETWORKS = ("apexframe", "offapex", "ststnet")
REACH = 0.48  # of a block: how long its longest spoke is
WIDE = 3  # pixels of a picture for one of a pattern: patterns are looked at one by one
SLOWER = 4  # times as long as it is tall or wide: a slice through time has few frames


def _clip(name: str) -> str:
    return open_corpus(CORPUS).spec(name).clip


def _methods(names: str) -> str:
    return " ".join(create_method(name).name for name in names.split())


class Chapter(Parameters):
    """Parameters of the chapter."""

    clip: Annotated[str, AfterValidator(_clip)] = Field(description="the clip that the features look at")
    group: int = Field(ge=1, le=GROUPS, description="which of the groups of subjects is tested")
    live: Annotated[str, AfterValidator(_methods)] = Field(description="the methods that are trained")
    seed: int = Field(ge=0, description="of the networks' first weights and the order of clips")


@dataclass(frozen=True)
class Material:
    """The clips of the classes, of which each method sees what its view says."""

    faces: Corpus
    classes: tuple[str, ...]
    table: pd.DataFrame  # a row a clip
    label: np.ndarray  # (N,)

    @property
    def folds(self) -> list[Fold]:
        """The groups of subjects, each once tested."""
        return subject_groups(self.table["subject"].to_numpy(), k=GROUPS)

    def examples(self, method: Method) -> Examples:
        """The clips as a method sees them."""
        return examples(method, clips_of(method.view), self.label, len(self.classes))


def material() -> Material:
    """Of the chapter's corpus and class map."""
    faces, mapping = open_corpus(CORPUS), class_map(CLASSES)
    label = mapping.label(faces.clips)
    table = faces.clips[label.notna()].reset_index(drop=True)
    return Material(faces, mapping.classes, table, label.dropna().to_numpy(int))


@cache
def clips_of(view: View) -> ClipSet:
    """The clips of the classes through a view."""
    clips = open_corpus(CORPUS).clipset(view)
    return clips.select(class_map(CLASSES).label(clips.clips).notna())


# What the features see


def bits(frames: np.ndarray) -> list[np.ndarray]:
    """The eight bits of each pixel of a clip (T, H, W), by plane: (T − 2, H − 2, W − 2)."""
    centre = frames[1:-1, 1:-1, 1:-1].astype(np.int16)
    return [patterns(frames, centre, plane) for plane in CUTS]


def not_darker(frames: np.ndarray) -> list[np.ndarray]:
    """How many of the eight neighbours are not darker, by plane."""
    return [np.bitwise_count(each.astype(np.uint8)) for each in bits(frames)]


def codes(frames: np.ndarray) -> list[np.ndarray]:
    """Which of the 59 codes each pixel has, by plane."""
    return [UNIFORM[each] for each in bits(frames)]


def grey_clip(faces: Corpus, spec: ClipSpec, without: Collection[str] = ()) -> np.ndarray:  # (12, 64, 64)
    """A clip as LBP-TOP sees it, some causes of change switched off."""
    times = np.linspace(spec.onset, spec.offset, 12)
    return faces.frames(spec.clip, times, 64, colour=False, without=without)


def same_codes(faces: Corpus, spec: ClipSpec) -> pd.DataFrame:
    """Of a clip's codes the share that stays without a cause: a row a cause, a column a plane."""
    whole = codes(grey_clip(faces, spec))
    rows = {}
    for cause in CAUSES:
        other = codes(grey_clip(faces, spec, {cause}))
        same = [(a == b).mean() for a, b in zip(whole, other, strict=True)]
        rows[f"same without {cause}"] = dict(zip(PLANES, same, strict=True))
    return pd.DataFrame(rows).T


def ends(faces: Corpus, spec: ClipSpec, without: Collection[str] = ()) -> np.ndarray:  # (2, 128, 128)
    """Onset and apex of a clip."""
    return faces.frames(spec.clip, [spec.onset, spec.apex], 128, colour=False, without=without)


def flows(faces: Corpus, spec: ClipSpec) -> dict[str, np.ndarray]:
    """The flow from onset to apex (2, 128, 128): as it is estimated, as it is, and what the expression makes of it."""
    span = (spec.clip, spec.onset, spec.apex, 128)
    return {
        "estimated": estimate_flow(*ends(faces, spec), "dis"),
        "exact": faces.flow(*span),
        "alone": faces.flow_parts(*span)["action"],
    }


def histogram(flow: np.ndarray) -> np.ndarray:
    """HOOF of one flow (2, H, W): less its median, by block and direction."""
    flow = flow - np.median(flow, axis=(1, 2), keepdims=True)
    return oriented_flow_histograms(flow[None], BLOCKS, BINS)[0]


def likeness(faces: Corpus, spec: ClipSpec) -> float:
    """The correlation of a clip's HOOF, as estimated, with that of the expression alone."""
    found = flows(faces, spec)
    return float(np.corrcoef(histogram(found["estimated"]), histogram(found["alone"]))[0, 1])


def flow_maps(flow: np.ndarray) -> dict[str, np.ndarray]:
    """What the two networks on flow see: maps of 28 × 28."""
    x = flow_input(flow[None], side=28, strain=True)[0].numpy()
    return dict(zip(("u", "v", "strain"), x, strict=True))


def features(faces: Corpus, spec: ClipSpec, without: Collection[str] = ()) -> dict[str, np.ndarray]:
    """Four features of one clip, as its methods compute them, some causes of change switched off."""
    flow = estimate_flow(*ends(faces, spec, without), "dis")
    maps = flow_maps(flow)
    return {
        "LBP-TOP": lbp_top(grey_clip(faces, spec, without), BLOCKS),
        "HOOF": histogram(flow),
        "flow maps": np.stack([maps["u"], maps["v"]]),
        "strain map": maps["strain"],
    }


def changes(faces: Corpus, spec: ClipSpec) -> pd.DataFrame:
    """How much of each feature changes without a cause, in parts of what changes without all of them."""
    whole, still = features(faces, spec), features(faces, spec, set(CAUSES))
    rows = {}
    for cause in CAUSES:
        other = features(faces, spec, {cause})
        rows[cause] = {
            name: np.linalg.norm(whole[name] - other[name]) / np.linalg.norm(whole[name] - still[name])
            for name in whole
        }
    return pd.DataFrame(rows).T


def mean_changes(faces: Corpus, clips: Iterable[str]) -> pd.DataFrame:
    """The mean of `changes` over some clips."""
    measured = [changes(faces, faces.spec(name)) for name in clips]
    return sum(measured) / len(measured)


# What the methods reach


def rule_weights(given: Material, seed: int) -> np.ndarray:  # (C, 200)
    """What HOOF's linear rule looks for in each class, fitted on all clips: for looking, not for scoring."""
    method = create_method("hoof")
    rule = method.estimator(seed).fit(given.examples(method).inputs["x"].numpy(), given.label)
    return rule[-1].coef_


def network_sizes(n_classes: int) -> pd.DataFrame:
    """How many parameters the networks have, and how many of them in full layers."""
    rows = {}
    for name in NETWORKS:
        network = create_method(name).network(n_classes)
        full = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
        rows[name] = {"in all": count_parameters(network), "in full layers": sum(map(count_parameters, full))}
    return pd.DataFrame(rows).T


def answers(given: Material, name: str, fold: Fold, seed: int) -> np.ndarray:  # (n,)
    """What a method answers of a fold's tested clips, trained on the others."""
    method = create_method(name)
    data = given.examples(method)
    fitted = fit_and_predict(method, data.take(fold.train), data.take(fold.test), fold_seed(fold.name, seed))
    return fitted.probabilities.argmax(axis=1)


def answers_as_stored(
    given: Material, answered: Mapping[str, np.ndarray], fold: Fold, seed: int
) -> dict[str, float]:
    """How often a method answers as in its stored run, of those whose run has these settings and this seed."""
    shares = {}
    for name, predicted in answered.items():
        run = find_run(f"baselines/{name}")
        is_same = run and run.record["method"] == create_method(name).settings.plain()
        if is_same and seed in run.record["settings"]["seeds"]:
            stored = run.predictions.query("seed == @seed").set_index("clip")["predicted"]
            shares[name] = float((stored[given.table["clip"][fold.test]].to_numpy() == predicted).mean())
    return shares


def recalls(names: Iterable[str], classes: Sequence[str]) -> pd.DataFrame:
    """Of each class, the share that a stored run finds with its first seed: a row a run."""
    rows = {}
    for name in names:
        first = first_seed(find_run(f"baselines/{name}"))
        counts = confusion_matrix(first["truth"], first["predicted"])
        rows[name] = dict(zip(classes, counts.diagonal() / counts.sum(axis=1), strict=True))
    return pd.DataFrame(rows).T


def costs(given: Material, scored: pd.DataFrame) -> pd.DataFrame:
    """The numbers that a method learns, the seconds of a fold when the run was stored, and its UF1."""
    rows = {}
    for name, row in scored.iterrows():
        record = find_run(f"baselines/{name}").record
        folds = len(record["folds"]) * len(record["settings"]["seeds"])
        rows[name] = {
            "numbers learnt": f"{_learnt(create_method(name), len(given.classes)):,}",
            "seconds a fold": f"{record['seconds'] / folds:.2f}",
            "UF1": f"{row['UF1']:.3f}",
        }
    return pd.DataFrame(rows).T


def _learnt(method: Method, n_classes: int) -> int:
    if not isinstance(method, FeatureMethod):
        return count_parameters(method.network(n_classes))
    if method.name == "majority":
        return 0
    return method.features(clips_of(method.view).select([0])).shape[1] * n_classes  # a linear rule


def pooled_uf1(given: Material, x: np.ndarray, seed: int) -> float:
    """UF1 of the linear rule on some features (N, D), each clip tested once."""
    predicted = np.zeros_like(given.label)
    for fold in given.folds:
        rule = linear_svm(0.01, seed).fit(x[fold.train], given.label[fold.train])
        predicted[fold.test] = rule.predict(x[fold.test])
    return scores(given.label, predicted, len(given.classes)).uf1


# Sentences


def who_reaches_the_floor(scored: pd.DataFrame, floor: float) -> str:
    """Of `score_rows`: whose interval reaches down to the commonest class, whose does not."""
    learning = scored.drop(index="majority", errors="ignore")
    reaches = learning["low"] <= floor
    at_floor, above = (", ".join(learning.index[which]) for which in (reaches, ~reaches.astype(bool)))
    return (
        f"Intervals that reach down to the floor of {floor:.3f}: {at_floor or 'none'}; that do not: "
        f"{above or 'none'}. Scores are means over seeds, intervals are over subjects."
    )


LEAK = {
    "supported": "**the faces tell the class: the corpus leaks, and no score on it can be trusted**",
    "undecided": "the apex frame can't be told from knowing nothing, as it should be",
    "not supported": "the apex frame is worse than knowing nothing, which is no leak",
}
GAIN = {
    "supported": "the network is better than the histograms",
    "undecided": "the network can't be told from the histograms, which have no hidden layer, no epochs and no seed",
    "not supported": "the network is worse than the histograms",
}


def in_words(judged: pd.DataFrame) -> str:
    """Of `verdicts`: what the control says of the corpus, and whether a network is worth it."""
    control, network = judged.loc["faces", "verdict"], judged.loc["flow", "verdict"]
    return (
        f"In words: {LEAK.get(control, 'the control is not computed')}. And "
        f"{GAIN.get(network, 'network and histograms are not computed')}."
    )


# Figures


def flow_film(by_kind: Mapping[str, np.ndarray]) -> go.Figure:
    """The maps of each flow, of those of `flows`; grey is as strong as in the estimated one."""
    largest = {name: np.abs(values).max() for name, values in flow_maps(by_kind["estimated"]).items()}
    return slideshow(
        {
            kind: [
                np.kron(signed_grey(values, largest[name]), np.ones((5, 5), np.uint8))
                for name, values in flow_maps(flow).items()
            ]
            for kind, flow in by_kind.items()
        },
        titles=["u, to the right", "v, down", "strain"],
        label="flow:",
        alt="Three maps of 28 by 28 pixels, horizontal motion, vertical motion and "
        "strain, of one clip: estimated, exact, and of the expression alone.",
    )


def slices(clip: np.ndarray, row: int, column: int) -> dict[str, np.ndarray]:
    """The three planes of a volume (T, H, W): the middle frame, one row through time, one column through time."""
    return dict(zip(PLANES, (clip[len(clip) // 2], clip[:, row], clip[:, :, column].T), strict=True))


def pattern_panels(frames: np.ndarray, ones: Sequence[np.ndarray], row: int, column: int) -> go.Figure:
    """Grey slices of a clip (T, H, W) beside its patterns: how many of the eight neighbours are not darker.

    `ones` are the counts 0 to 8 of each plane, (T − 2, H − 2, W − 2).
    """
    grey = slices(frames, row, column)
    counts = {name: slices(each, row - 1, column - 1)[name] for name, each in zip(PLANES, ones, strict=True)}
    shown = {}
    for name in PLANES:
        tall, wide = (SLOWER if name == plane else 1 for plane in ("XT", "YT"))
        shown[name] = _blocky(grey[name], tall, wide)
        shown[f"{name} patterns"] = _blocky(
            (counts[name].astype(int) * 255 // 8).astype(np.uint8), tall, wide
        )
    alt = (
        "Three slices of a clip, in space and through time, each beside its patterns: the patterns show edges, and "
        "everywhere else they look like noise."
    )
    return panels(shown, alt, width=150)


def spokes(
    face: np.ndarray, values: Mapping[str, np.ndarray], what: str, blocks: int = BLOCKS, bins: int = BINS
) -> go.Figure:
    """A star in each block of a face (H, W): a spoke a direction, as long as its value is large; orange if below 0.

    `values` are histograms (blocks · blocks · bins); a menu chooses one. Directions as in a picture, y down.
    """
    names = list(values)
    figure = go.Figure(_grey_picture(face))
    for name in names:
        figure.add_traces(_stars(values[name], face.shape[0], blocks, bins, visible=name == names[0]))
    for k in range(1, blocks):
        at = k * face.shape[0] / blocks - 0.5
        figure.add_hline(y=at, line_color=GRID, line_width=1)
        figure.add_vline(x=at, line_color=GRID, line_width=1)
    hidden, side = {"visible": False, "constrain": "domain"}, len(face)
    figure.update_layout(
        xaxis={**hidden, "range": [-0.5, side - 0.5]},
        yaxis={**hidden, "range": [side - 0.5, -0.5], "scaleanchor": "x"},
    )
    longest = "; ".join(f"{name}: {_largest(values[name], blocks, bins)}" for name in names)
    styled(figure, f"{what} A star a block of the face. The longest spoke: {longest}.", height=460)
    figure.update_layout(showlegend=False, margin={"l": 10, "r": 10, "t": 60 if names[1:] else 10, "b": 10})
    return figure.update_layout(updatemenus=[menu_of_pairs(names, y=1.14)] if names[1:] else [])


def seen_parts(shares: pd.DataFrame) -> go.Figure:
    """How much of a feature (columns) changes when a cause (rows) is switched off; one is as much as all of it."""
    colours = {"action": FOR}
    figure = go.Figure(
        [
            go.Bar(x=list(shares.columns), y=rounded(row), name=part, marker_color=colours.get(part, shade),
                   hovertemplate=f"without {part}: %{{y:.2f}} of %{{x}}<extra></extra>")
            for (part, row), shade in zip(shares.iterrows(), (FOR, AGAINST, "#E69F00", QUIET, "#CC79A7"), strict=False)
        ]
    )  # fmt: skip
    figure.update_layout(barmode="group", yaxis={"title": "change of the feature", "rangemode": "tozero"})
    each = "; ".join(
        f"{feature}: {', '.join(f'{part} {value:.2f}' for part, value in column.items())}"
        for feature, column in shares.items()
    )
    return styled(figure, f"How much each cause changes each feature. {each}.")


def _blocky(image: np.ndarray, tall: int, wide: int) -> np.ndarray:
    return np.kron(image, np.ones((WIDE * tall, WIDE * wide), np.uint8))


def _grey_picture(face: np.ndarray) -> go.Image:
    """The face as it lies under stars: pale, and as large in pixels as it is in places."""
    pale = cv2.cvtColor((160 + 0.37 * face.astype(float)).astype(np.uint8), cv2.COLOR_GRAY2RGB)
    return panels({"": pale}, alt="").data[0].update(xaxis="x", yaxis="y")


def _stars(values: np.ndarray, side: int, blocks: int, bins: int, *, visible: bool) -> list[go.Scatter]:
    """The spokes at or above zero, and those below."""
    cells = np.asarray(values, float).reshape(blocks, blocks, bins)
    length = REACH * side / blocks * cells / max(np.abs(cells).max(), 1e-9)
    return [
        _lines(np.where(keep, np.abs(length), 0), side, colour, visible=visible)
        for keep, colour in ((length > 0, FOR), (length < 0, AGAINST))
    ]


def _lines(length: np.ndarray, side: int, colour: str, *, visible: bool) -> go.Scatter:
    blocks, _, bins = length.shape
    row, column, turn = np.nonzero(length > 0.01 * side / blocks)  # shorter ones are not seen
    angle, far = 2 * np.pi * turn / bins, length[row, column, turn]
    x, y = ((place + 0.5) * side / blocks - 0.5 for place in (column, row))
    ends = (x, x + far * np.cos(angle)), (y, y + far * np.sin(angle))
    xs, ys = ([None if k == 2 else pair[k] for pair in _triples(*end) for k in range(3)] for end in ends)
    line = {"color": colour, "width": 2.5}
    return go.Scatter(x=_short(xs), y=_short(ys), mode="lines", line=line, visible=visible, hoverinfo="skip")


def _triples(start: np.ndarray, end: np.ndarray) -> list[tuple[float, float, None]]:
    return [(float(a), float(b), None) for a, b in zip(start, end, strict=True)]


def _short(values: list[float | None]) -> list[float | None]:
    return [None if value is None else round(value, 1) for value in values]


def _largest(values: np.ndarray, blocks: int, bins: int) -> str:
    row, column, turn = np.unravel_index(np.abs(values).argmax(), (blocks, blocks, bins))
    return f"row {row + 1}, column {column + 1}, {360 * turn // bins} degrees clockwise from the right"
