"""The `mer` command."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mer_core.book.contents import BookError, find_root
from mer_core.settings import SettingsError

if TYPE_CHECKING:
    from mer_core.evaluation.reproduction import Reproduced, Tolerance
    from mer_core.training import RunSettings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Jobs = Annotated[int, typer.Option(min=1, help="Chapters at a time.")]
Chapters = Annotated[list[str] | None, typer.Argument(help="Their names (mol scores); default: all.")]
CORES = os.cpu_count() or 1


@app.callback()
def mer() -> None:
    """Micro-expression recognition: the book that runs."""


@app.command()
def book(
    jobs: Jobs = CORES,
    stored: Annotated[bool, typer.Option(help="Show the stored outputs; execute nothing.")] = False,
) -> None:
    """Execute the chapters that changed and build the pages.

    Example: mer book --stored
    """
    from mer_core.book.build import build

    print(f"The book is ready: {build(find_root(), jobs, stored=stored)}")


@app.command()
def chapters(names: Chapters = None, jobs: Jobs = CORES) -> None:
    """Execute the chapters that changed and store their outputs: what `mer verify` will hold them to."""
    from mer_core.book.build import store

    store(find_root(), jobs, names or ())


@app.command()
def verify(names: Chapters = None, jobs: Jobs = CORES) -> None:
    """Execute the chapters that changed and compare their outputs with the stored ones."""
    from mer_core.book.build import verify as verify_chapters

    verify_chapters(find_root(), jobs, names or ())


@app.command()
def serve(port: Annotated[int, typer.Option(help="Of this machine only.")] = 8000) -> None:
    """Show the built book at a local address."""
    from contextlib import suppress
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    pages = find_root() / "_build" / "html"
    if not (pages / "index.html").exists():
        raise BookError("The book is not built yet: `make book`.")
    print(f"The book is at http://localhost:{port} (stop with Ctrl-C)")
    handler = partial(SimpleHTTPRequestHandler, directory=str(pages))
    with suppress(KeyboardInterrupt):
        ThreadingHTTPServer(("localhost", port), handler).serve_forever()


@app.command()
def data(
    corpus: Annotated[
        str | None, typer.Argument(help="Name of a corpus, or a prepared folder; none: list them.")
    ] = None,
) -> None:
    """What corpora there are, or the data card of one. Licensed corpora are prepared by data_scripts/.

    Example: mer data synth
    """
    from mer_core import corpus_names, open_corpus

    if corpus is None:
        print("\n".join(f"{name:<12} {open_corpus(name).card.about}" for name in corpus_names()))
    else:
        rows = open_corpus(corpus).card.table()[""].items()
        print("\n".join(f"{name}: {value}" for name, value in rows))


Folder = Annotated[Path, typer.Argument(help="Folder of a run.")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes here; default: one a core, or one that feeds a GPU.")
]
Engine = Annotated[str, typer.Option(help="local, or ray: a cluster (see requirements-ray.txt).")]
PerGPU = Annotated[int, typer.Option(min=1, help="Parts at once on a GPU of a Ray cluster.")]


@app.command()
def run(
    method: Annotated[str, typer.Argument(help="Name of a method, e.g. ststnet.")],
    corpus: Annotated[
        str,
        typer.Option(help="Name of a corpus (see mer data), a prepared folder, or several with + between."),
    ] = "synth",
    classes: Annotated[str, typer.Option(help="Class map.")] = "megc2019-3class",
    preset: Annotated[str, typer.Option(help="book for two CPU cores, paper for a GPU.")] = "book",
    folds: Annotated[
        str, typer.Option(help="loso, a number of subject groups, or corpus: hold one out.")
    ] = "loso",
    seeds: Annotated[str, typer.Option(help="Such as 0 or 0,1,2.")] = "0",
    selection: Annotated[str, typer.Option(help="last, inner, or test-peek (for an audit).")] = "last",
    device: Annotated[str, typer.Option(help="cpu, cuda, mps or auto.")] = "cpu",
    set_: Annotated[list[str], typer.Option("--set", help="A setting of the method: --set epochs=10.")] = (),
    limit: Annotated[int | None, typer.Option(help="That many clips only.")] = None,
    official: Annotated[
        Path | None, typer.Option(help="combined_3class_gt.csv of MEGC 2019: its 442 clips only.")
    ] = None,
    every_epoch: Annotated[bool, typer.Option("--every-epoch", help="Keep what every epoch says.")] = False,
    keep_weights: Annotated[bool, typer.Option("--keep-weights", help="Keep every part's network.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; default: runs/METHOD-CORPUS-….")
    ] = None,
    workers: Workers = None,
    engine: Engine = "local",
    per_gpu: PerGPU = 1,
) -> None:
    """Train and test a method on every fold; an interrupted run goes on where it stopped.

    Example: mer run ststnet --corpus synth --folds 5 --seeds 0,1,2
    """
    from mer_core.training import RunSettings

    asked = {"method": method, "preset": preset, "corpus": corpus, "classes": classes, "selection": selection}
    asked |= {"groups": _groups(folds), "seeds": _seeds(seeds), "settings": _assignments(set_)}
    asked |= {"official": str(official) if official else None}
    asked |= {"device": device, "limit": limit, "every_epoch": every_epoch, "keep_weights": keep_weights}
    corpora = "+".join(Path(part).name for part in corpus.split("+"))
    name = f"{method}-{corpora}-{classes}-{preset}-{folds}" + ("" if selection == "last" else f"-{selection}")
    _run(RunSettings.parse(asked), out or Path("runs") / name, workers, engine, per_gpu)


@app.command()
def pretrain(
    macro: Annotated[str, typer.Argument(help="Corpus of large expressions.")] = "synth-macro",
    start: Annotated[str, typer.Option(help="ma2mi: by reconstruction; supervised: by naming.")] = "ma2mi",
    preset: Annotated[str, typer.Option(help="book for two CPU cores, paper for a GPU.")] = "book",
    tested: Annotated[
        str | None, typer.Option(help="A corpus whose subjects will be tested: nobody learns from them.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps or auto.")] = "cpu",
    set_: Annotated[
        list[str], typer.Option("--set", help="A setting of miacnet: --set decoder=latent.")
    ] = (),
) -> None:
    """Learn MIACNet's first weights from macro-expressions; a run with such a start does it by itself.

    Example: mer pretrain synth-macro --tested synth
    """
    from mer_core import open_corpus
    from mer_core.methods import create_method
    from mer_core.training.devices import find_device
    from mer_core.training.pretraining import make_start, read_start

    method = create_method("miacnet", preset, **{**_assignments(set_), "macro": macro, "start": start})
    people = set(open_corpus(tested).clips["subject"]) if tested else set()
    file = make_start(method, people, seed, find_device(device))
    card = read_start(file)[1]
    print(f"{file}\nlearnt from {len(card['subjects'])} subjects of {macro} in {card['seconds']:.0f} s")
    print(f"pairs of frames: {', '.join(f'{n} {what}' for what, n in card['pairs'].items())}")
    print("\n".join(f"{score:.3f}  {name}" for name, score in card["scores"].items()))


@app.command()
def resume(folder: Folder, workers: Workers = None, engine: Engine = "local", per_gpu: PerGPU = 1) -> None:
    """Compute what is missing of a run, with its own settings.

    Example: mer resume runs/ststnet-synth-megc2019-3class-book-loso
    """
    from mer_core.training import Run

    _run(Run.open(folder).settings, folder, workers, engine, per_gpu)


@app.command()
def status(folder: Folder) -> None:
    """How much of a run is computed."""
    from mer_core.evaluation.tables import warnings
    from mer_core.training import Run

    made = Run.open(folder)
    finished, missing, seconds = made.finished(), made.missing(), made.notes()["seconds"].sum()
    print(f"{folder}: {len(finished)} of {len(made.parts())} parts, {seconds:.0f} s of computing")
    for warning in warnings(made):
        print(warning)
    if missing:
        print(f"missing: {', '.join(map(str, missing[:8]))}{' …' if len(missing) > 8 else ''}")


@app.command()
def show(folder: Folder) -> None:
    """The scores of a run, each with the interval that its subjects support."""
    from mer_core.evaluation.tables import headline, score_table
    from mer_core.training import Run

    made = Run.open(folder)
    print(headline(made))
    print(score_table(made).to_string(float_format="{:.3f}".format))


@app.command()
def compare(
    first: Folder, second: Annotated[Path, typer.Argument(help="Another run on the same clips.")]
) -> None:
    """Two runs on the same clips, subject by subject: is the difference more than chance?"""
    from mer_core.evaluation.tables import comparison, headline
    from mer_core.training import Run

    runs = Run.open(first), Run.open(second)
    for made in runs:
        print(f"{made.folder}: {headline(made)}")
    print(comparison(*runs).to_string(float_format="{:.3f}".format))


@app.command()
def keep(folder: Folder, name: Annotated[str, typer.Argument(help="A new folder of results/.")]) -> None:
    """Store a finished run in the book: settings, provenance, predictions; what chapters take their numbers from.

    Example: mer keep runs/ststnet-synth-megc2019-3class-book-loso ststnet-synth
    """
    from mer_core.evaluation.stored import keep as keep_run
    from mer_core.training import Run

    print(keep_run(Run.open(folder), find_root() / "results" / name).folder)


@app.command()
def reproduce(
    only: Annotated[
        str | None, typer.Option(help="A paper (fdp) or one experiment of it (fdp-mean); default: all.")
    ] = None,
    store: Annotated[
        bool, typer.Option("--store", help="Put the runs in the place of those in results/.")
    ] = False,
    out: Annotated[
        Path, typer.Option(help="Folder of the runs: what is finished there is not repeated.")
    ] = Path("runs/reproduce"),
    workers: Workers = None,
    engine: Engine = "local",
) -> None:
    """Compute every experiment of the papers again and compare it with results/; an interrupted one goes on.

    What results/ does not hold yet is kept there. The last table says what moved, and by how much it may.

    Example: mer reproduce --only fdp
    """
    from mer_core.evaluation.experiments import listed
    from mer_core.evaluation.reproduction import Clock, measured_tolerance, reproduce

    results, experiments = find_root() / "results", listed(only)
    tolerance, clock = measured_tolerance(results), Clock(experiments, results, workers)
    print(f"{len(experiments)} experiments; {clock.left()}".rstrip("; "))
    rows = []
    for row in reproduce(experiments, out, results, store=store, workers=workers, engine=engine):
        rows.append(row)
        clock.finish(row.experiment)
        print(f"{row.experiment}: UF1 {row.now:.3f}, {row.verdict}; {clock.left()}".rstrip("; "), flush=True)
    _conclude(rows, tolerance)


def _conclude(rows: "list[Reproduced]", tolerance: "Tolerance") -> None:
    print(f"\n{'experiment':<28}   now stored clips that differ")
    for row in rows:
        numbers = f"{row.now:.3f} {row.stored:6.3f} {row.clips_that_differ:17}"
        print(f"{row.experiment:<28} {numbers}  {row.verdict}")
    print(f"UF1 may differ by {tolerance.uf1:.3f}: {tolerance.reason}.")
    if drifted := [row.experiment for row in rows if row.verdict == "DRIFTED"]:
        raise RuntimeError(f"{len(drifted)} experiments drifted: {', '.join(drifted)}.")


def _run(settings: "RunSettings", folder: Path, workers: int | None, engine: str, per_gpu: int) -> None:
    from mer_core.training import run as run_all

    run_all(settings, folder, workers, engine, per_gpu)
    show(folder)


def _groups(folds: str) -> int | str | None:
    if folds in ("loso", "corpus"):
        return None if folds == "loso" else folds
    if not folds.isdecimal() or int(folds) < 2:
        raise ValueError(f"--folds is loso, corpus, or a number of subject groups from 2 on, not {folds!r}.")
    return int(folds)


def _seeds(seeds: str) -> list[int]:
    if not all(seed.strip().isdecimal() for seed in seeds.split(",")):
        raise ValueError(f"--seeds is a number or several with commas between, not {seeds!r}.")
    return [int(seed) for seed in seeds.split(",")]


def _assignments(texts: Sequence[str]) -> dict[str, object]:
    """`epochs=10` sets a number, `balance=false` a truth value, `schedule=cosine` a word."""
    made: dict[str, object] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            raise ValueError(f"--set takes NAME=VALUE, not {text!r}.")
        try:
            made[name] = json.loads(value)
        except json.JSONDecodeError:
            made[name] = value
    return made


def main() -> None:
    """Run the command; what a user can mend ends with its message and exit code 1, not with a stack."""
    try:
        app()
    except (BookError, SettingsError, ValueError, RuntimeError, OSError) as error:
        sys.exit(f"mer: {error}")
