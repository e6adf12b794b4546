"""The command line that every source has, by `mer prepare NAME` or its script: survey, report, prepare."""

import argparse
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mer_core.clips import View
from mer_core.corpora.faces import find_landmarks
from mer_core.corpora.prepared import CorpusError, PreparedCorpus, check_view, prepare_corpus
from mer_core.corpora.report import check_report_file, print_report, write_report
from mer_core.corpora.source import Source
from mer_core.corpora.survey import COMMON_REPAIRS, survey
from mer_core.door import pass_through
from mer_core.faces.corpus import EXACT
from mer_core.numerics import pin

ESTIMATE = "dis"  # of motion that only the program that draws faces can know


def run_script(
    source: type[Source], arguments: Sequence[str] | None = None, called: str | None = None
) -> None:
    """Prepare a corpus; whatever goes wrong ends with one line and an exit code, not with a stack."""
    asked = _parser(source, called).parse_args(arguments)
    pass_through(source.name, lambda: _run(source, asked), debug=asked.debug)


def _run(kind: type[Source], asked: argparse.Namespace) -> None:
    pin()
    said = {name: getattr(asked, name) for name in kind.Options.model_fields}
    given = {name: _value(text) for name, text in said.items() if text is not None}
    source = kind(asked.root, asked.labels, kind.Options.parse(given))
    view = _view(asked.view, asked.landmarks)  # a wrong view fails before the work, not after it
    check_view(view, source.corpus, colour=source.colour, landmarks=asked.landmarks != "none")
    check_report_file(asked.report)
    before = _lying_there(asked.out)
    found = survey(source, asked.repair, asked.shortest, before.pictures() if before else None)
    found, landmarks = find_landmarks(found, view, asked.landmarks, before)
    print_report(found, _whole(asked))
    if asked.report:
        write_report(found, asked.report)
    if not asked.check:
        repairs, words = tuple(asked.repair), _words(asked, given)
        made = prepare_corpus(found, view, asked.out, landmarks, repairs, asked.workers, words)
        done = " They lay there: nothing is done." if before else ""
        print(f"{made.folder}: {len(made)} clips as {view.name}.{done}", end=" ")
        print(f"Next: mer run {_next(asked.view, view)} --corpus {made.folder}")


def _lying_there(out: Path | None) -> PreparedCorpus | None:
    """What a finished preparation left in the folder that is to be filled."""
    if not out or not out.exists():
        return None
    if not (out / "files.parquet").exists():
        raise CorpusError(f"{out} is there and holds no preparation: choose another --out.")
    return PreparedCorpus(out)


def _words(asked: argparse.Namespace, options: Mapping[str, object]) -> dict[str, object]:
    """What was asked for beside root and view, so that it can be asked for again from anywhere."""
    landmarks = (
        asked.landmarks if asked.landmarks in ("none", "dlib") else str(Path(asked.landmarks).resolve())
    )
    labels = asked.labels and str(asked.labels.resolve())
    said = {"labels": labels, "landmarks": landmarks, "shortest": asked.shortest, **options}
    return {"repair": asked.repair, **{name: value for name, value in said.items() if value is not None}}


def _whole(asked: argparse.Namespace) -> str:
    """Where all lines of the report stand, if some are too many for the screen."""
    return str(
        asked.report or ("what --report FILE writes" if asked.check else "report.parquet beside the clips")
    )


def _parser(kind: type[Source], called: str | None = None) -> argparse.ArgumentParser:
    shown = argparse.RawDescriptionHelpFormatter
    about = f"{kind.about}\n\nThe folder as its owners hand it out:\n{kind.tree}\n\nAsk for it: {kind.apply}"
    parser = argparse.ArgumentParser(called, description=about, formatter_class=shown)
    parser.add_argument("--root", type=Path, required=True, help="the folder of the corpus")
    parser.add_argument("--labels", type=Path, help="label table, if it lies elsewhere or there are several")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, help="the ClipSet to make: a new folder")
    where.add_argument(
        "--check",
        action="store_true",
        help="only look at every row, folder, picture and landmark; write nothing",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write what became of every row and folder into this .csv file",
    )
    views = "fields of a view with commas between, or the name of a method (default: %(default)s)"
    parser.add_argument("--view", default="frames=8,size=144,flow=dis", help=views)
    points = "68 points a frame that you have, a detector, or none: no alignment (default)"
    parser.add_argument("--landmarks", default="none", metavar="FILE|dlib|none", help=points)
    repairs = ", ".join([*COMMON_REPAIRS, *kind.repairs])
    parser.add_argument("--repair", action="append", default=[], metavar="NAME", help=f"one of: {repairs}")
    parser.add_argument(
        "--shortest", type=_count, default=2, help="frames that a clip must have (default: 2)"
    )
    parser.add_argument(
        "--workers", type=_count, default=os.cpu_count() or 1, help="processes (default: one a core)"
    )
    parser.add_argument("--debug", action="store_true", help="show the stack of what goes wrong")
    for name, field in kind.Options.model_fields.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", dest=name, help=f"{field.description} (default: {field.default})"
        )
    return parser


def _count(said: str) -> int:
    """A number of processes or frames: one at least."""
    if not re.fullmatch(r"0*[1-9][0-9]{0,5}", said):
        raise argparse.ArgumentTypeError(f"expected a number of 1 or more, got {said!r}")
    return int(said)


def _view(said: str, landmarks: str) -> View:
    """A view by its fields, or the one that a method wants: where it sees exact motion, an estimate stands in."""
    if "=" not in said:
        from mer_core.methods import create_method

        view = create_method(said).view
        return view.replace(flow=ESTIMATE) if view.flow in EXACT else view
    pairs = dict(part.partition("=")[::2] for part in said.split(","))
    values = {name.strip(): _value(value.strip()) for name, value in pairs.items()}
    return View.parse({"landmarks": landmarks != "none", **values})


def _next(said: str, view: View) -> str:
    """A method that sees this view, told of the estimate if it would ask for exact motion."""
    if "=" in said:
        return "ststnet"
    from mer_core.methods import create_method

    return said if create_method(said).view == view else f"{said} --set flow={view.flow}"


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # no JSON, or a number of thousands of digits
        return text
