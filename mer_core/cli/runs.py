"""Commands that compute runs and look at them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mer_core.cli.app import Engine, Folder, Workers, app, assignments

if TYPE_CHECKING:
    from mer_core.training import RunSettings

Named = Annotated[Path, typer.Argument(help="Folder of a run, or the name of a stored one (fdp/mean).")]
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
    asked |= {"groups": read_folds(folds), "seeds": _seeds(seeds), "settings": assignments(set_)}
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

    method = create_method("miacnet", preset, **{**assignments(set_), "macro": macro, "start": start})
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
