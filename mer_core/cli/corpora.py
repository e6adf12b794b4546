"""Commands that say what there is: corpora, methods, class maps; and the one that prepares a corpus."""

import inspect
from typing import TYPE_CHECKING, Annotated

import typer

from mer_core.cli.app import app

if TYPE_CHECKING:
    pass


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
