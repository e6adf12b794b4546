"""Three corpora that differ on purpose: what their cards say, whom they show, and what their classes are made of."""

from itertools import combinations

import numpy as np
import pandas as pd

from mer_core.action_units import parse_action_units
from mer_core.corpora.catalogue import open_corpus
from mer_core.faces.corpus import CARDS, Corpus
from mer_core.protocols import ClassMap, class_map

CORPORA = "synth", "synth-samm", "synth-smic"
CLASSES = class_map("megc2019-3class")
SHARE = 0.1  # of the clips of some class: a rarer unit is left out of the map


def short(names: pd.Series) -> pd.Series:
    """`samm` for `synth-samm`: never the real one."""
    return names.str.replace("synth-", "")


def outline(corpus: str) -> pd.DataFrame:
    """The clips of a synthetic corpus that have a class, with its number as `label`; none of them is planned."""
    clips, labels = CLASSES.within(pd.DataFrame(open_corpus(corpus).outline))
    return clips.assign(label=labels)


def cards() -> pd.DataFrame:
    """A column a corpus: the differences that stand in its card."""
    return pd.DataFrame({name: _card(name) for name in CORPORA})


def _card(name: str) -> dict[str, object]:
    card, clips = CARDS[name], outline(name)
    return {
        "clips in three classes": len(clips),
        "subjects": clips["subject"].nunique(),
        "frames a second": card.fps,
        "colour": card.colour,
        "noise, grey levels": card.difficulty.noise,
        "heads look older by, std": card.population.older,
        "skin tone, Beta of": card.population.tone,
        "apex labelled": card.has_apex,
        "action units labelled": card.has_action_units,
    }


def first_faces(subjects: int, size: int = 144) -> dict[str, list[np.ndarray]]:
    """Of each corpus one subject after another, at the apex of its first clip; steps of a slider."""
    return {str(n + 1): [_face(name, n, size) for name in CORPORA] for n in range(subjects)}


def _face(name: str, subject: int, size: int) -> np.ndarray:
    corpus = open_corpus(name)
    clips = pd.DataFrame(corpus.outline)
    first = clips.groupby("subject")["clip"].first().sort_index().iloc[subject]
    return corpus.frames(first, [corpus.spec(first).apex], size)[0]


def mix() -> pd.DataFrame:
    """Clips by corpus (rows) and class (columns)."""
    counts = {name: np.bincount(outline(name)["label"], minlength=3) for name in CORPORA}
    return pd.DataFrame(counts, index=CLASSES.classes).T


def units_by_class(corpus: Corpus, classes: ClassMap) -> pd.DataFrame:
    """A row a class, a column an action unit: the share of the clips that show it, labelled or not."""
    clips = pd.DataFrame(corpus.outline)
    names = classes.label(clips).dropna().map(lambda number: classes.classes[number])
    shown = [
        {f"AU{unit.number}": 1 for unit in parse_action_units(corpus.spec(clip).action_units)}
        for clip in clips["clip"][names.index]
    ]
    return pd.DataFrame(shown).fillna(0).groupby(names.to_numpy()).mean()


def units() -> pd.DataFrame:
    """The same of all three corpora, a row `synth: negative`; units that are rare everywhere are left out."""
    shares = pd.concat({name: units_by_class(open_corpus(name), CLASSES) for name in CORPORA}).fillna(0)
    shares.index = [f"{name}: {label}" for name, label in shares.index]
    return shares[sorted(shares, key=lambda unit: int(unit[2:]))].loc[:, shares.max() > SHARE]


def overlaps(shares: pd.DataFrame) -> pd.Series:
    """How alike each class is in two corpora, on the mean of the pairs: 1 is the same units as often."""
    pairs = list(combinations(CORPORA, 2))
    return pd.Series(
        {
            label: np.mean(
                [_likeness(shares.loc[f"{a}: {label}"], shares.loc[f"{b}: {label}"]) for a, b in pairs]
            )
            for label in CLASSES.classes
        }
    )


def _likeness(one: pd.Series, other: pd.Series) -> float:
    """What both show, as a share of what one of them shows."""
    return np.minimum(one, other).sum() / np.maximum(one, other).sum()
