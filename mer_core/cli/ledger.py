"""Commands on what is stored: keep, list, reproduce, review; and a paper's own table."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mer_core.cli.app import Assigned, Engine, Folder, Workers, app, assignments

if TYPE_CHECKING:
    from mer_core.ledger.experiments import Experiment

Results = Annotated[
    Path | None, typer.Option(help="Folder of stored runs; default: results/ of the book, or of this folder.")
]


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
    asked |= {"selections": selection.split(","), "device": device, "settings": assignments(set_)}
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

    changes = {"preset": preset, "selection": selection, "device": device, "settings": assignments(set_)}
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
