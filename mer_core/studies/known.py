"""Values that a chapter's parameters may name only if there is such a thing: a clip of a corpus, a class map."""

from typing import Annotated

from pydantic import AfterValidator

from mer_core.corpora.catalogue import open_corpus
from mer_core.faces.corpus import Corpus
from mer_core.faces.expression import ClipSpec
from mer_core.protocols import class_map


def find_clip(name: str) -> tuple[Corpus, ClipSpec]:
    """The synthetic corpus of a clip, and the clip's plan: `synth/s01/08` is corpus, subject and number."""
    corpus = open_corpus(name.split("/")[0])
    return corpus, corpus.spec(name)


def _clip(name: str) -> str:
    return find_clip(name)[1].clip


def _classes(name: str) -> str:
    return class_map(name).name


KnownClip = Annotated[str, AfterValidator(_clip)]
KnownClasses = Annotated[str, AfterValidator(_classes)]
