"""The command line that every script of `data_scripts/` has: survey, report, prepare."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mer_core.clips import View
from mer_core.corpora.faces import find_landmarks
from mer_core.corpora.prepared import check_motion, prepare_corpus
from mer_core.corpora.report import print_report
from mer_core.corpora.source import Source
from mer_core.corpora.survey import COMMON_REPAIRS, check_pictures, survey
from mer_core.numerics import pin


def run_script(source: type[Source], arguments: Sequence[str] | None = None) -> None:
    """Run a script; what a user can mend ends with its message and exit code 1, not with a stack."""
    pin()
    try:
        _run(source, _parser(source).parse_args(arguments))
    except (ValueError, RuntimeError, OSError) as error:
        sys.exit(f"{source.name}: {error}")


def _run(kind: type[Source], asked: argparse.Namespace) -> None:
    said = {name: getattr(asked, name) for name in kind.Options.model_fields}
    given = {name: _value(text) for name, text in said.items() if text is not None}
    source = kind(asked.root, asked.labels, kind.Options.parse(given))
    view = _view(asked.view, asked.landmarks)  # a wrong view fails before the work, not after it
    check_motion(view, source.corpus)
    found = survey(source, asked.repair, asked.shortest)
    if asked.check:
        print_report(check_pictures(found))
        return
    found, landmarks = find_landmarks(found, view, asked.landmarks)
    print_report(found)
    made = prepare_corpus(found, view, asked.out, landmarks, tuple(asked.repair), asked.workers)
    print(f"{made.folder}: {len(made)} clips as {view.name}. Next: mer run ststnet --corpus {made.folder}")


def _parser(kind: type[Source]) -> argparse.ArgumentParser:
    shown = argparse.RawDescriptionHelpFormatter
    about = f"{kind.about}\n\nThe folder as its owners hand it out:\n{kind.tree}\n\nAsk for it: {kind.apply}"
    parser = argparse.ArgumentParser(description=about, formatter_class=shown)
    parser.add_argument("--root", type=Path, required=True, help="the folder of the corpus")
    parser.add_argument("--labels", type=Path, help="label table, if it lies elsewhere or there are several")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, help="the ClipSet to make: a new folder")
    where.add_argument(
        "--check", action="store_true", help="only look at every row, folder and picture; write nothing"
    )
    views = "fields of a view with commas between, or the name of a method (default: %(default)s)"
    parser.add_argument("--view", default="frames=8,size=144,flow=dis", help=views)
    points = "68 points a frame that you have, a detector, or none: no alignment (default)"
    parser.add_argument("--landmarks", default="none", metavar="FILE|dlib|none", help=points)
    repairs = ", ".join([*COMMON_REPAIRS, *kind.repairs])
    parser.add_argument("--repair", action="append", default=[], metavar="NAME", help=f"one of: {repairs}")
    parser.add_argument("--shortest", type=int, default=2, help="frames that a clip must have (default: 2)")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)"
    )
    for name, field in kind.Options.model_fields.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", dest=name, help=f"{field.description} (default: {field.default})"
        )
    return parser


def _view(said: str, landmarks: str) -> View:
    """A view by its fields, or the one that a method wants."""
    if "=" not in said:
        from mer_core.methods import create_method

        return create_method(said).view
    pairs = dict(part.partition("=")[::2] for part in said.split(","))
    values = {name.strip(): _value(value.strip()) for name, value in pairs.items()}
    return View.parse({"landmarks": landmarks != "none", **values})


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
