"""First weights that were learnt before: made once for a corpus and a seed, kept, and given to nobody whom they know.

They are a `.safetensors` file and a card (.json) beside it: settings, data, subjects, seed, scores. Nobody who is
tested may be among the subjects.
"""

import hashlib
import json
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import torch
from platformdirs import user_cache_path
from safetensors.torch import save as pack
from torch import Tensor

from mer_core import atomic, open_corpus
from mer_core.clips import ClipSet, content_key, sha256
from mer_core.locks import locked
from mer_core.methods.base import Lesson, Method, Start, StartError
from mer_core.numerics import numerics_class
from mer_core.reading import Form, read_json, read_weights
from mer_core.training.provenance import code_of_start


def first_weights(
    method: Method, tested: Collection[str], seed: int = 0, device: str = "cpu", cache: Path | None = None
) -> Start | None:
    """What the method says that it begins with, made now if nobody made it before; none if it begins at random.

    `tested` are the subjects of the run, each of which is tested in some fold: a start that knows one is refused.
    """
    if method.start == "scratch":
        return None
    is_file = method.start.endswith(".safetensors")
    file = Path(method.start) if is_file else make_start(method, tested, seed, device, cache)
    start, card = read_start(file)
    if known := sorted(set(card["subjects"]) & set(tested)):
        raise StartError(
            f"{file} can't be used: it was learnt from {len(known)} subjects who would be tested, {known[0]} among "
            "them. Learn it from other people: start='ma2mi' leaves them out by itself."
        )
    return start


def make_start(
    method: Method, tested: Collection[str], seed: int, device: str = "cpu", cache: Path | None = None
) -> Path:
    """The file of this corpus and seed without these subjects; a second process waits for the first one's."""
    lesson = lesson_of(method)
    clips = _clips_of_others(lesson, tested)
    about = {
        "start": method.start,
        "settings": lesson.settings,
        "data": clips.provenance["sha256"],
        "subjects": sorted(clips.clips["subject"].unique()),
        "seed": seed,
        "made by": {
            "code": code_of_start(method),
            "torch": torch.__version__,
            "numerics": numerics_class(),
            "device": device,
        },
    }
    name = f"{method.start}-{Path(lesson.corpus).name}-seed{seed}-{content_key(about)}.safetensors"
    file = (cache or user_cache_path("mer_core") / "starts") / name
    if not file.exists():
        with locked(file.with_name(f"{file.name}.lock")):
            _finish(file)
            if not file.exists():
                begun = time.monotonic()
                network, notes = lesson.learn(clips, seed, device)
                about |= notes | {"seconds": round(time.monotonic() - begun, 1)}
                keep_start(file, network.state_dict(), lesson.part, **about)
    return file


def lesson_of(method: Method) -> Lesson:
    """What the method learns before; an error if it learns nothing then."""
    if not method.before:
        raise StartError(f"{method.name} learns nothing before: it has no lesson.")
    module, _, name = method.before.partition(":")
    return getattr(import_module(module), name)(method)


def _clips_of_others(lesson: Lesson, tested: Collection[str]) -> ClipSet:
    corpus = open_corpus(lesson.corpus)
    clips = corpus.clipset(lesson.view, lesson.limit and min(lesson.limit, len(corpus.clips)))
    clips = clips.select(~clips.clips["subject"].isin(list(tested)).to_numpy())
    n = clips.clips["subject"].nunique() if len(clips) else 0
    if n < 2:
        raise StartError(
            f"{lesson.corpus} has {n} subjects who are not tested: learning needs two at least. Choose another "
            "corpus: macro."
        )
    return clips


def keep_start(
    file: Path, weights: Mapping[str, Tensor], part: str, *, subjects: Collection[str], **about: object
) -> None:
    """Write weights, named as in the network, and their card; both or neither.

    `part` is the sub-module that recognition takes from them, `subjects` are all people whom they were learnt from:
    none for weights of other pictures, such as ImageNet's.
    """
    packed = pack({name: values.cpu().contiguous() for name, values in weights.items()})
    card = {**about, "part": part, "subjects": sorted(subjects), "sha256": hashlib.sha256(packed).hexdigest()}
    atomic.write(_waiting(file), packed)
    atomic.write(file.with_suffix(".json"), (json.dumps(card, indent=1) + "\n").encode())
    _finish(file)


def _waiting(file: Path) -> Path:
    """Weights that wait for their card: from the moment when it is there, they are the ones that it speaks of."""
    return file.with_name(f".{file.name}.waiting")


def _finish(file: Path) -> None:
    """The last step of `keep_start`, which may have been killed before it."""
    if not (waiting := _waiting(file)).exists():
        return
    with suppress(FileNotFoundError):  # another process was first
        if json.loads(file.with_suffix(".json").read_text(encoding="utf-8")).get("sha256") == sha256(waiting):
            waiting.replace(file)


def read_start(file: Path) -> tuple[Start, dict]:
    """Kept weights and their card; a `StartError` if they are not what the card says."""
    _finish(file)
    card, packed = _card(file), _bytes(file)
    if (found := hashlib.sha256(packed).hexdigest()) != card["sha256"]:
        raise StartError(
            f"{file} is damaged, or is another file than its card says: its checksum is {found[:12]}…, expected "
            f"{card['sha256'][:12]}…. Delete it: what this package made, it makes again."
        )
    weights = read_weights(packed, file)
    prefix = f"{card['part']}."
    own = {name.removeprefix(prefix): values for name, values in weights.items() if name.startswith(prefix)}
    return Start(card["part"], own, card["sha256"]), card


def _bytes(file: Path) -> bytes:
    if not file.exists():
        raise StartError(
            f"There are no weights {file}: start is scratch, ma2mi, supervised or an existing file."
        )
    return file.read_bytes()


class StartCard(Form):
    """The card of first weights."""

    part: str
    subjects: list[str]
    sha256: str


def _card(file: Path) -> dict:
    """What is beside the file. Without it nobody knows whom the weights have seen."""
    place = file.with_suffix(".json")
    if not place.exists():
        raise StartError(
            f"{file} has no card {place.name} beside it that says whom it was learnt from: `keep_start` writes both."
        )
    return read_json(place, StartCard)
