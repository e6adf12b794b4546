"""A corpus by its name: synthetic, prepared from a licensed one, or several as one."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Union

import numpy as np
import pandas as pd
from platformdirs import user_cache_path

from mer_core.clips import ClipSet, View, content_key, prepare, spread
from mer_core.corpora.prepared import PreparedCard, PreparedCorpus
from mer_core.faces.corpus import CARDS, Card, Corpus, corpus_names

AnyCorpus = Union["Corpus", "PreparedCorpus", "Composite"]


def open_corpus(name: str | Path, cache: Path | str | None = None) -> AnyCorpus:
    """A corpus by its name; or the folder that `mer prepare` filled; or several with `+` between.

    Synthetic ClipSets are kept under `cache`, by default in the user's cache folder.

    >>> open_corpus("synth").clips["emotion"].value_counts()["happiness"]
    32
    >>> len(open_corpus("synth+synth-smic").clips)
    419
    """
    place, cache = Path(name), Path(cache) if cache else user_cache_path("mer_core")
    if str(name) in CARDS:
        return _synthetic(str(name), cache)
    if (place / "files.parquet").exists():
        return PreparedCorpus(place)
    if "+" in str(name) and not place.exists():
        return Composite(tuple(open_corpus(part, cache) for part in str(name).split("+")), cache)
    raise ValueError(
        f"There is no corpus {str(name)!r}. It can be one of {', '.join(corpus_names())}; a folder that "
        "`mer prepare` filled; or several of them with + between."
    )


@lru_cache  # its table of labels takes a second to plan, and never changes
def _synthetic(name: str, cache: Path) -> Corpus:
    return Corpus(CARDS[name], cache)


@dataclass(frozen=True)
class Composite:
    """Several corpora as one: their clips one after the other."""

    parts: tuple[AnyCorpus, ...]
    cache: Path

    @property
    def card(self) -> "CompositeCard":
        """What is known of each of them."""
        return CompositeCard(tuple(part.card for part in self.parts))

    @cached_property
    def clips(self) -> pd.DataFrame:
        """The tables of labels, with the columns that all of them have."""
        tables = [part.clips for part in self.parts]
        common = [name for name in tables[0] if all(name in table for table in tables)]
        return pd.concat([table[common] for table in tables], ignore_index=True)

    def clipset(self, view: View, limit: int | None = None, workers: int | None = None) -> ClipSet:
        """This view of all of them, copied into one ClipSet the first time."""
        sets = tuple(part.clipset(view, workers=workers) for part in self.parts)
        sources = [made.provenance["sha256"] for made in sets]
        folder = self.cache / f"composite-{len(self.clips)}-{view.name}-{content_key(view.plain(), sources)}"
        record = {
            "corpus": [made.provenance["corpus"] for made in sets],
            "view": view.plain(),
            "parts": sources,
        }
        copy = _Copy(sets, tuple(view.arrays()))
        made = prepare(folder, self.clips, view.arrays(), copy, record, renew=True)
        return made if limit is None else made.select(spread(self.clips["emotion"], limit))


@dataclass(frozen=True)
class CompositeCard:
    """The cards of several corpora."""

    cards: tuple[Card | PreparedCard, ...]

    @property
    def about(self) -> str:
        """All in one line."""
        return "; ".join(card.about for card in self.cards)

    def table(self) -> pd.DataFrame:
        """The cards as a reader sees them, one below the other."""
        return pd.concat([card.table() for card in self.cards])


@dataclass(frozen=True)
class _Copy:
    """The arrays of one clip of a composite, from the ClipSet that holds it."""

    sets: tuple[ClipSet, ...]
    arrays: tuple[str, ...]

    def __call__(self, row: int) -> Mapping[str, np.ndarray]:
        for made in self.sets:
            if row < len(made):
                return {name: getattr(made, name)[row] for name in self.arrays}
            row -= len(made)
        raise IndexError(row)
