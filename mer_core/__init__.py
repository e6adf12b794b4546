"""The package behind the book: clips, corpora, faces, methods, training, evaluation, figures."""

from mer_core import numerics

numerics.pin()  # before torch is imported anywhere: it reads its kernels' limits once

from mer_core.clips import ClipSet, View, open_clipset  # noqa: E402
from mer_core.corpora.catalogue import corpus_names, open_corpus  # noqa: E402

__all__ = ["ClipSet", "View", "corpus_names", "open_clipset", "open_corpus"]
