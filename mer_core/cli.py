"""The `mer` command."""

import inspect
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mer_core import numerics
from mer_core.door import pass_through
from mer_core.place import find_root
from mer_core.version import __version__

if TYPE_CHECKING:
    from mer_core.ledger.experiments import Experiment
    from mer_core.training import RunSettings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Jobs = Annotated[int, typer.Option(min=1, help="Chapters at a time.")]
Chapters = Annotated[list[str] | None, typer.Argument(help="Their names (mol scores); default: all.")]
Listed = Annotated[
    bool, typer.Option("--list", help="Say which chapters would be executed, and why; do nothing.")
]
CORES = os.cpu_count() or 1
DEBUG = "--debug"


def _say_version(asked: bool) -> None:
    if asked:
        print(f"mer_core {__version__}")
        raise typer.Exit


@app.callback()
def mer(
    debug: Annotated[bool, typer.Option(DEBUG, help="Show the stack of what goes wrong.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say it, and no more.")
    ] = False,
) -> None:
    """Micro-expression recognition: the book that runs."""


@app.command()
def book(
    jobs: Jobs = CORES,
    stored: Annotated[bool, typer.Option(help="Show the stored outputs; execute nothing.")] = False,
    only_list: Listed = False,
) -> None:
    """Execute the chapters that changed and build the pages.

    Example: mer book --stored
    """
    from mer_core.book.build import build, to_execute

    if only_list:
        return print("\n".join(to_execute(find_root())))
    print(f"The book is ready: {build(find_root(), jobs, stored=stored)}")


@app.command()
def chapters(names: Chapters = None, jobs: Jobs = CORES) -> None:
    """Execute the chapters that changed and store their outputs: what `mer verify` will hold them to."""
    from mer_core.book.build import store

    store(find_root(), jobs, names or ())


@app.command()
def verify(
    names: Chapters = None,
    jobs: Jobs = CORES,
    force: Annotated[bool, typer.Option("--force", help="Those that passed before, too.")] = False,
    only_list: Listed = False,
) -> None:
    """Execute the chapters that changed and compare their outputs with the stored ones.

    Example: mer verify --force scores
    """
    from mer_core.book.build import to_verify
    from mer_core.book.build import verify as verify_chapters

    if only_list:
        return print("\n".join(to_verify(find_root(), names or (), force=force)))
    verify_chapters(find_root(), jobs, names or (), force=force)


@app.command()
def kernels(
    names: Annotated[
        list[str] | None, typer.Argument(help="Chapters (mol), places of tests (tests/vision); default: all.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="threads, avx2, avx512, old; or numpy-old …: one library's.")
    ] = None,
    jobs: Jobs = CORES,
) -> None:
    """Check chapters and tests under other kernels of this machine; an interrupted call goes on.

    Example: mer kernels inflate --only numpy --only threads
    """
    from mer_core.book.kernels import examine

    print(examine(find_root(), jobs, names or (), only or ()))


@app.command()
def student(
    names: Chapters = None,
    out: Annotated[Path, typer.Option(help="Folder of the notebooks to hand out.")] = Path("student"),
) -> None:
    """Chapters for a class: without outputs, and an empty cell in the place of each solution.

    Example: mer student scores mol
    """
    from mer_core.book.student import hand_out

    print("\n".join(map(str, hand_out(find_root(), out, names or ()))))


@app.command("print")
def print_(
    names: Chapters = None,
    out: Annotated[Path, typer.Option(help="Folder of the PDFs.")] = Path("paper"),
    slides: Annotated[bool, typer.Option("--slides", help="Landscape, a section a slide.")] = False,
    handout: Annotated[bool, typer.Option("--handout", help="Without solutions.")] = False,
) -> None:
    """Chapters as PDFs, with their stored outputs, by an installed Chromium or Chrome.

    Example: mer print scores --handout
    """
    from mer_core.book.paper import print_chapters

    looks = [look for look, asked in {"slides": slides, "handout": handout}.items() if asked]
    print("\n".join(map(str, print_chapters(find_root(), out, names or (), looks))))


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of this machine only.")] = 8000,
) -> None:
    """Show the built book at a local address."""
    from contextlib import suppress

    from mer_core.book.serve import server

    shown = server(find_root() / "_build" / "html", port)
    print(f"The book is at http://localhost:{port} (stop with Ctrl-C)", flush=True)
    with suppress(KeyboardInterrupt):
        shown.serve_forever()


@app.command()
def data(
    corpus: Annotated[
        str | None, typer.Argument(help="Name of a corpus, or a prepared folder; none: list them.")
    ] = None,
) -> None:
    """What corpora there are, or the data card of one. Licensed corpora are prepared by `mer prepare`.

    Example: mer data synth
    """
    from mer_core import open_corpus

    if corpus is None:
        return corpora()
    rows = open_corpus(corpus).card.table()[""].items()
    print("\n".join(f"{name}: {value}" for name, value in rows))


@app.command()
def methods() -> None:
    """What methods there are; your own is named module:Class."""
    from mer_core.methods import find_method, method_names

    for name in method_names():
        print(f"{name:<12} {inspect.getdoc(find_method(name)).splitlines()[0]}")


@app.command()
def classes() -> None:
    """What class maps there are, and the classes of each."""
    from mer_core.protocols import CLASS_MAPS

    for name, mapping in CLASS_MAPS.items():
        print(f"{name:<26} {', '.join(mapping.classes)}")


@app.command()
def corpora() -> None:
    """What corpora there are: those that are drawn, and those that `mer prepare` makes ready."""
    from mer_core import corpus_names, open_corpus
    from mer_core.corpora.sources import find_source, source_names

    for name in corpus_names():
        print(f"{name:<12} {open_corpus(name).card.about}")
    for name in source_names():
        print(f"{name:<12} {find_source(name).about} (mer prepare {name})")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)
def prepare(
    words: typer.Context,
    name: Annotated[str, typer.Argument(help="casme2, …, or your own: module:Class.")] = "",
) -> None:
    """A corpus as its owners hand it out becomes a ClipSet; after its name, --help lists its options.

    Example: mer prepare casme2 --root CASME2 --check
    """
    from mer_core.corpora.command import run_script
    from mer_core.corpora.sources import find_source, source_names

    if name in ("", "--help"):
        return print(words.get_help(), f"NAME is one of {', '.join(source_names())}.")
    run_script(find_source(name), words.args, f"mer prepare {name}")


Folder = Annotated[Path, typer.Argument(help="Folder of a run.")]
Named = Annotated[Path, typer.Argument(help="Folder of a run, or the name of a stored one (fdp/mean).")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes here; default: one a core, or one that feeds a GPU.")
]
Engine = Annotated[str, typer.Option(help="local, or ray: a cluster, an extra: mer-core[ray].")]
Results = Annotated[
    Path | None, typer.Option(help="Folder of stored runs; default: results/ of the book, or of this folder.")
]
Log = Annotated[
    Path | None, typer.Option(help="A folder for TensorBoard: the curves of every part while it trains.")
]
PerGPU = Annotated[int, typer.Option(min=1, help="Parts at once on a GPU of a Ray cluster.")]


@app.command()
def run(
    method: Annotated[str, typer.Argument(help="Name of a method (ststnet), or your own: module:Class.")],
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
    log: Log = None,
) -> None:
    """Train and test a method on every fold; an interrupted run goes on where it stopped.

    Example: mer run ststnet --corpus synth --folds 5 --seeds 0,1,2
    """
    from mer_core.protocols import read_folds
    from mer_core.training import RunSettings

    asked = {"method": method, "preset": preset, "corpus": corpus, "classes": classes, "selection": selection}
    asked |= {"groups": read_folds(folds), "seeds": _seeds(seeds), "settings": _assignments(set_)}
    asked |= {"official": str(official) if official else None}
    asked |= {"device": device, "limit": limit, "every_epoch": every_epoch, "keep_weights": keep_weights}
    corpora = "+".join(Path(part).name for part in corpus.split("+"))
    name = f"{method.replace(':', '.')}-{corpora}-{classes}-{preset}-{folds}" + (
        "" if selection == "last" else f"-{selection}"
    )
    _run(RunSettings.parse(asked), out or Path("runs") / name, workers, engine, per_gpu, log)


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
    from mer_core.devices import find_device
    from mer_core.methods import create_method
    from mer_core.training.starts import make_start, read_start

    method = create_method("miacnet", preset, **{**_assignments(set_), "macro": macro, "start": start})
    people = set(open_corpus(tested).clips["subject"]) if tested else set()
    file = make_start(method, people, seed, find_device(device))
    card = read_start(file)[1]
    print(f"{file}\nlearnt from {len(card['subjects'])} subjects of {macro} in {card['seconds']:.0f} s")
    print(f"pairs of frames: {', '.join(f'{n} {what}' for what, n in card['pairs'].items())}")
    print("\n".join(f"{score:.3f}  {name}" for name, score in card["scores"].items()))


@app.command()
def resume(
    folder: Folder, workers: Workers = None, engine: Engine = "local", per_gpu: PerGPU = 1, log: Log = None
) -> None:
    """Compute what is missing of a run, with its own settings.

    Example: mer resume runs/ststnet-synth-megc2019-3class-book-loso
    """
    from mer_core.training import Run

    made = Run.open(folder)
    made.refuse_stored()
    _run(made.settings, folder, workers, engine, per_gpu, log)


@app.command()
def status(run: Named) -> None:
    """How much of a run is computed."""
    from mer_core.ledger.compare import warnings
    from mer_core.ledger.results import open_run

    made = open_run(run)
    finished, missing, seconds = made.finished(), made.missing(), made.notes()["seconds"].sum()
    print(f"{made.name}: {len(finished)} of {len(made.parts())} parts, {seconds:.0f} s of computing")
    for warning in warnings(made):
        print(warning)
    for word, parts in {"missing": missing, "damaged": made.damaged()}.items():
        if parts:
            print(f"{word}: {', '.join(map(str, parts[:8]))}{' …' if len(parts) > 8 else ''}")
    if unread := made.unread() - len(made.damaged()):
        print(f"{unread} files of an older version in predictions/: `mer resume` computes them anew")


@app.command()
def show(run: Named) -> None:
    """The scores of a run, each with the interval that its subjects support, and how its trainings went.

    Example: mer show fdp/mean
    """
    from mer_core.ledger.compare import headline
    from mer_core.ledger.learning import curves, summary
    from mer_core.ledger.results import open_run
    from mer_core.scoring.tables import score_table

    made = open_run(run)
    print(headline(made))
    print(score_table(made.predictions).to_string(float_format="{:.3f}".format))
    print("\n".join(summary(made.predictions, made.learnt)))
    print(curves(made.history, made.learnt))


@app.command()
def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Two or more on the same clips: folders, or names of stored runs (fdp/mean)."),
    ],
) -> None:
    """Runs on the same clips, subject by subject: is a difference more than chance?

    Example: mer compare famnet/clip fdp/synth ma2mi/ma2mi
    """
    from mer_core.ledger.compare import comparison
    from mer_core.ledger.results import open_run

    print(comparison([open_run(run) for run in runs]))


@app.command()
def predict(
    clip: Annotated[Path, typer.Argument(help="Folder of frames with numbers in their names, or a video.")],
    run: Annotated[Path, typer.Option(help="Folder of a finished run that kept its networks.")],
    onset: Annotated[
        int | None, typer.Option(help="Frame; default: the first. A video counts from 0.")
    ] = None,
    apex: Annotated[int | None, typer.Option(help="Frame; default: the middle stands in.")] = None,
    offset: Annotated[int | None, typer.Option(help="Frame; default: the last.")] = None,
    landmarks: Annotated[str, typer.Option(help="A file of 68 points a frame, dlib, or none.")] = "none",
    eyes: Annotated[
        str | None,
        typer.Option(
            help="Middles of both eyes at the onset, in pixels: X,Y,X,Y; the left of the picture first."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The page to write; default: CLIP-prediction.html.")
    ] = None,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Show the page in a browser.")] = False,
) -> None:
    """What the networks of a run say of a clip of your own, and what that can't mean.

    Example: mer predict myclip --run runs/mine --onset 1 --apex 21 --offset 40
    """
    from mer_core.prediction import Marks
    from mer_core.prediction import predict as predict_clip
    from mer_core.prediction.page import page

    made = predict_clip(clip, run, Marks(onset, apex, offset), landmarks, _numbers(eyes) if eyes else None)
    file = out or Path(f"{made.name}-prediction.html")
    file.write_text(page(made), encoding="utf-8")
    print(f"{made}\nThe page is {file}")
    if open_:
        typer.launch(file.resolve().as_uri())


def _numbers(said: str) -> list[float]:
    try:
        return [float(number) for number in said.split(",")]
    except ValueError:
        raise ValueError(f"--eyes is four numbers with commas between, not {said!r}.") from None


@app.command()
def keep(
    folder: Folder,
    name: Annotated[str, typer.Argument(help="A new folder of results/.")],
    results: Results = None,
) -> None:
    """Store a finished run in the book: settings, provenance, predictions; what chapters take their numbers from.

    Example: mer keep runs/ststnet-synth-megc2019-3class-book-loso inflate/ststnet
    """
    from mer_core.ledger.index import store
    from mer_core.ledger.stored import new_place
    from mer_core.training import Run

    place = _results(results)
    target = new_place(place, name)
    print(store(Run.open(folder), place, "/".join(target.parts[-2:])).folder)


@app.command()
def index(results: Results = None) -> None:
    """Write results/index.csv anew: a row a stored run. Whatever stores a run does so by itself."""
    from mer_core.ledger.index import write_index

    print(write_index(_results(results)))


OnCorpus = Annotated[str, typer.Argument(help="casme2, a prepared folder, or several with + between.")]
Roots = Annotated[
    list[str] | None, typer.Option(help="Its folder as owners hand it out, to prepare it; one a corpus.")
]
Landmarks = Annotated[str | None, typer.Option(help="To prepare it: a file, dlib (default), or none.")]
Devices = Annotated[str, typer.Option(help="cpu, cuda, mps or auto.")]
Assigned = Annotated[list[str], typer.Option("--set", help="A setting of the method: --set epochs=10.")]
OldForm = Annotated[str | None, typer.Option(hidden=True)]  # of `mer table`, before it was one
RunsIn = Annotated[Path, typer.Option(help="Folder of the runs: what is finished there is not repeated.")]


@app.command()
def table(
    paper: Annotated[str, typer.Argument(help="famnet, fdp, ma2mi or mol.")],
    corpus: OnCorpus,
    root: Roots = None,
    landmarks: Landmarks = None,
    preset: Annotated[str, typer.Option(help="paper, or book for two CPU cores.")] = "paper",
    selection: Annotated[
        str, typer.Option(help="last, inner or test-peek; or several: last,test-peek.")
    ] = "last",
    device: Devices = "auto",
    set_: Assigned = (),
    out: RunsIn = Path("runs/reproduce"),
    workers: Workers = None,
    engine: Engine = "local",
) -> None:
    """A paper's own table on a licensed corpus: what it reports beside what is computed; an interrupted one goes on.

    Example: mer table mol casme2 --root CASME2 --device cuda
    """
    from mer_core.ledger.licensed import Asked, compute_paper
    from mer_core.ledger.papers_table import text

    asked = {"paper": paper, "corpus": corpus, "roots": root or [], "landmarks": landmarks, "preset": preset}
    asked |= {"selections": selection.split(","), "device": device, "settings": _assignments(set_)}
    asked |= {
        "out": str(out),
        "workers": workers,
        "engine": engine,
    }
    for computed in compute_paper(Asked.parse(asked)):
        print(text(computed), flush=True)


@app.command()
def reproduce(
    only: Annotated[
        str | None, typer.Option(help="A paper (fdp) or one experiment of it (fdp/mean); default: all.")
    ] = None,
    main: Annotated[bool, typer.Option("--main", help="Only the rows of the table of all methods.")] = False,
    store: Annotated[
        bool, typer.Option("--store", help="Put the runs in the place of those in results/.")
    ] = False,
    sample: Annotated[
        int | None,
        typer.Option(min=1, help="So many parts of all stored runs, drawn by --seed; no whole run."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="With --sample: another seed draws others.")] = 0,
    minutes: Annotated[float, typer.Option(min=0, help="With --sample: the time that the parts took.")] = 10,
    preset: Annotated[str | None, typer.Option(help="book or paper; default: as listed.")] = None,
    selection: Annotated[
        str | None, typer.Option(help="last, inner or test-peek; default: as listed.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, mps or auto; default: as listed.")] = None,
    set_: Assigned = (),
    out: RunsIn = Path("runs/reproduce"),
    results: Results = None,
    workers: Workers = None,
    engine: Engine = "local",
    paper: OldForm = None,
    corpus: OldForm = None,
    root: Annotated[list[str] | None, typer.Option(hidden=True)] = None,
    landmarks: OldForm = None,
) -> None:
    """Compute every experiment of the papers again and compare it with results/; an interrupted one goes on.

    What results/ does not hold yet is kept there. The last table says what moved, and by how much it may.

    Example: mer reproduce --only fdp

    Example: mer reproduce --sample 5 --seed 1
    """
    from mer_core.ledger.experiments import listed

    changes = {"preset": preset, "selection": selection, "device": device, "settings": _assignments(set_)}
    changes = {name: value for name, value in changes.items() if value}
    if paper or corpus or root:
        return _table_as_it_was(
            paper, corpus, bool(only or main or store or sample),
            root=root, landmarks=landmarks, set_=set_, out=out, workers=workers, engine=engine,
            **{name: value for name, value in changes.items() if name != "settings"},
        )  # fmt: skip
    if not sample:
        return _reproduce_experiments(
            _results(results),
            listed(only, main=main),
            out,
            workers,
            store=store,
            changes=changes,
            engine=engine,
        )
    if only or main or store or changes:
        raise ValueError("--sample computes parts as they are stored: it takes --seed and --minutes alone.")
    _reproduce_sample(_results(results), sample, seed, minutes)


def _table_as_it_was(paper: str | None, corpus: str | None, is_mixed: bool, **options: Any) -> None:
    """`mer reproduce --paper … --corpus …`, as older text has it."""
    print(
        "mer: `mer reproduce --paper … --corpus …` goes with the next version; say "
        f"`mer table {paper or 'PAPER'} {corpus or 'CORPUS'} …` instead.",
        file=sys.stderr,
    )
    if is_mixed or not (paper and corpus):
        raise ValueError(
            "A licensed corpus needs both --paper and --corpus, and takes no --only, --main, --store or --sample."
        )
    table(paper, corpus, **options)


def _reproduce_sample(results: Path, n: int, seed: int, minutes: float) -> None:
    from mer_core.ledger.sample import conclusion, draw, refuse_wrong, repeated, stored_parts

    drawn = draw(stored_parts(results), n, seed, minutes)
    print(f"{len(drawn)} stored parts, drawn by seed {seed}", flush=True)
    rows = []
    for row in repeated(drawn, minutes):
        rows.append(row)
        print(row, flush=True)
    print(conclusion(rows, drawn))
    refuse_wrong(rows)


def _reproduce_experiments(
    results: Path, experiments: dict[str, "Experiment"], out: Path, workers: int | None, **options: Any
) -> None:
    from mer_core.ledger.reproduction import Clock, conclusion, refuse_drift, reproduce

    clock = Clock(experiments, results, workers, out, options["changes"])
    print(f"{len(experiments)} experiments; {clock.left()}".rstrip("; "))
    rows = []
    for row in reproduce(experiments, out, results, workers=workers, **options):
        rows.append(row)
        clock.finish(row.experiment)
        print(f"{row.experiment}: UF1 {row.now:.3f}, {row}; {clock.left()}".rstrip("; "), flush=True)
    print(conclusion(rows, out))
    refuse_drift(rows, as_listed=not (options["changes"] or options["store"]))


@app.command()
def review(
    runs: Annotated[
        Path, typer.Option(help="Folder of runs that were computed again, as `mer reproduce` leaves them.")
    ] = Path("runs/reproduce"),
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("review.html"),
    paper: Annotated[str | None, typer.Option(help="Its runs and claims only, such as fdp.")] = None,
    results: Results = None,
) -> None:
    """One page for a reviewer: what was run, on what, by what; every claim; what moved; all predictions to save.

    Example: mer review --paper fdp
    """
    from mer_core.ledger.review import review as make_review

    if not any((stored := _results(results)).glob("*/*/run.json")):
        raise ValueError(
            f"There are no stored runs in {stored.resolve()}: `mer keep` stores one; or name --results."
        )
    out.write_text(page := make_review(stored, runs, paper), encoding="utf-8")
    print(f"{out}: one file of {len(page.encode()) / 1e6:.1f} MB, complete without a network")


def _results(given: Path | None) -> Path:
    from mer_core.ledger.results import find_results

    return given or find_results()


def _run(
    settings: "RunSettings", folder: Path, workers: int | None, engine: str, per_gpu: int, log: Path | None
) -> None:
    from mer_core.training import Run
    from mer_core.training import run as run_all

    if (folder / "run.json").exists():
        made = Run(folder)
        made.refuse_stored()
        again = {"computed by other code than today's": made.stale(), "damaged": made.damaged()}
        for what, parts in again.items():
            if parts:
                print(f"{len(parts)} of {len(made.parts())} parts {what}: made anew")
    run_all(settings, folder, workers, engine, per_gpu, log)
    show(folder)


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
        except (ValueError, RecursionError):  # no JSON, or a number of thousands of digits
            made[name] = value
    return made


def main() -> None:
    """Run the command; whatever goes wrong ends with one line and an exit code, not with a stack."""

    def command() -> None:
        numerics.pin()
        app([word for word in sys.argv[1:] if word != DEBUG], prog_name="mer")  # it may stand anywhere

    pass_through("mer", command, debug=DEBUG in sys.argv)
