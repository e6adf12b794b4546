"""A Sphinx extension: cards of corpora and methods, made when the book is built.

Every number on a card is read where it is kept: in the corpus's own card, in the source of a licensed corpus, in
`published.toml`, in the method's settings and network, in `results/`. What is not there is said to be missing.
"""

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from mer_core.clips import View
from mer_core.corpora import Source
from mer_core.corpora.sources import find_source, source_names
from mer_core.faces.corpus import CARDS
from mer_core.ledger.experiments import always_the_commonest, listed
from mer_core.ledger.results import RESULTS
from mer_core.ledger.stored import StoredRun
from mer_core.methods import METHODS, create_method
from mer_core.methods.base import Method, NetworkMethod, count_parameters
from mer_core.protocols import (
    Published,
    PublishedSelection,
    class_map,
    published_selections,
    published_tables,
)
from mer_core.scoring import seeds_interval
from mer_core.training import RunSettings

PLAIN = {"corpus": "synth", "classes": "megc2019-3class", "groups": 5, "labelled": 1.0, "limit": None}
ORIGINS = {
    "abstract": "A reconstruction: its scores are no evidence for or against the paper.",
    "code": "No reconstruction, and not the official code either: what was known of it is said above.",
    "itself": "No reconstruction: its file is all there is to it.",
}
NAMED = {"variant", "start"}  # settings that make another network, or another beginning, and no ablation


class CorpusCard(SphinxDirective):
    """The card of a synthetic corpus, `synth`, or of a licensed one, `casme2`, by the name of its source."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """As Markdown, which the page's own parser reads."""
        self.env.note_reread()  # what a card tells may change without this page
        name = self.arguments[0]
        text = synthetic_card(name) if name in CARDS else licensed_card(find_source(name))
        return self.parse_text_to_nodes(text)


class ModelCard(SphinxDirective):
    """The card of a method, by its name in `METHODS`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """As Markdown, which the page's own parser reads."""
        self.env.note_reread()
        return self.parse_text_to_nodes(model_card(METHODS[self.arguments[0]]))


def import_sources() -> None:
    """Before any page is read: autodoc annotates our settings anew, and nothing can be derived from them after that."""
    for name in source_names():
        find_source(name)


# Corpora


def synthetic_card(name: str) -> str:
    """What `mer data` prints, and how many clips the three classes have."""
    card, classes = CARDS[name], class_map(PLAIN["classes"])
    found = dict.fromkeys(classes.classes, 0)
    for emotion, clips in card.counts.items():
        if label := classes(name, card.merge.get(emotion, emotion)):
            found[label] += clips
    counts = ", ".join(f"{label} {clips}" for label, clips in found.items())
    return _pairs({**card.table()[""], "in three classes": f"{sum(found.values())} clips: {counts}"})


def licensed_card(source: type[Source]) -> str:
    """Its licence, what is published of its label tables, what is taken from them, and what goes wrong."""
    tables = [one for one in published_tables() if one.corpus == source.name]
    taken = [one for one in published_selections() if one.corpus == source.name]
    repairs = source.repairs.items()
    sections = {
        "Which they are": _list(f"`--corpus {name}`: {about}" for name, about in source.includes.items()),
        "Label tables": _table(map(_published_row, tables)),
        "What the field takes from them": _table(map(_selection_row, taken)),
        "Known to go wrong": _list(source.traps),
        "Repaired if asked for by name": _list(
            f"`{name}`: {one.about} ({one.source})" for name, one in repairs
        ),
    }
    titled = [f"**{title}**\n\n{body}" for title, body in sections.items() if body]
    return "\n\n".join([_pairs(_facts(source)), *titled])


def _facts(source: type[Source]) -> dict[str, str]:
    unlabelled = [what for what in ("apex", "action_units") if getattr(source, f"has_{what}") is False]
    return {
        "corpus": source.about,
        "owner": source.owner,
        "licence": source.licence,
        "ask for it": re.sub(r"https?://[^\s;]+", r"<\g<0>>", source.apply),
        "cite": f"{{cite:t}}`{source.cite}`",
        "pictures": "in colour" if source.colour else "grey only",
        "not labelled": ", ".join(what.replace("_", " ") for what in unlabelled),
        "prepared by": f"`mer prepare {source.name}`",
    }


def _published_row(table: Published) -> dict[str, str]:
    return {
        "table": table.version,
        "clips": str(sum(table.counts.values())),
        "subjects": str(table.subjects or "not known"),
        "emotions": ", ".join(f"{name} {count}" for name, count in table.counts.items()),
        "source": table.source,
        "sure": table.mark,
    }


def _selection_row(taken: PublishedSelection) -> dict[str, str]:
    return {
        "class map": f"`{taken.classes}`",
        "table": taken.version,
        "clips": str(taken.clips),
        "subjects": str(taken.subjects or "not known"),
        "sure": taken.mark,
        "remark": taken.about,
    }


# Methods


def model_card(method: type[Method]) -> str:
    """What its file says, what it asks for and costs at both presets, and what it reached."""
    runs, presets = dict(stored_runs(method)), _presets(method)
    parts = [_said(method), _table(_preset_row(names, made, runs) for names, made in presets.items())]
    parts += [_table(_run_row(name, run) for name, run in runs.items() if run)]
    missing = [name for name, run in runs.items() if run is None]
    parts += [f"Not computed yet: {', '.join(missing)}."] if missing else []
    return "\n\n".join([*parts, _list(_limits(method, presets, runs))])


def _presets(method: type[Method]) -> dict[tuple[str, ...], Method]:
    """The method at its presets; those that set nothing differently are one."""
    found: dict[tuple[str, ...], Method] = {}
    for name in method.presets:
        made = create_method(method.name, name)
        same = next((names for names, other in found.items() if other.settings == made.settings), ())
        found.pop(same, None)
        found[(*same, name)] = made
    return found


def _said(method: type[Method]) -> str:
    """The head of its file: the paper, what differs from it, what was chosen. It is written as chapters are."""
    about, _, rest = inspect.getdoc(sys.modules[method.__module__]).partition("\n\n")
    entry = f"{{py:mod}}`{method.__module__}`"
    return f"*{inspect.getdoc(method).splitlines()[0]}* File: {entry}.\n\n{about}\n\n{rest}"


def _preset_row(names: tuple[str, ...], made: Method, runs: Mapping[str, StoredRun | None]) -> dict[str, str]:
    return {
        "preset": _code(names),
        "asks for": view_in_words(made.view),
        "parameters": parameters(made),
        "epochs": str(getattr(made.settings, "epochs", "none: fitted at once")),
        "one fold and seed takes": _cost(
            [_seconds(run) for run in runs.values() if run and _preset(run) in names]
        ),
    }


def _cost(seconds: list[float]) -> str:
    """Of the quickest to the slowest run."""
    said = dict.fromkeys(f"{one:.0f}" for one in (min(seconds), max(seconds))) if seconds else ()
    return f"{' to '.join(said)} s" if said else "not trained here"


def _preset(run: StoredRun) -> str:
    return run.record["settings"]["preset"]


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def parameters(method: Method) -> str:
    """How many numbers its network learns, for three classes."""
    return f"{count_parameters(method.network(3)):,}" if isinstance(method, NetworkMethod) else "no network"


def view_in_words(view: View) -> str:
    """What a method is given of a clip.

    >>> view_in_words(View(frames=2, size=128, span="onset-apex", flow="dis", landmarks=False))
    '2 frames of 128 × 128, grey, onset to apex; flow (dis)'
    """
    said = f"{view.moments} frames of {view.size} × {view.size}, {'colour' if view.colour else 'grey'}, "
    said += view.span.replace("-", " to ") + (", each aligned" if view.align == "frame" else "")
    said += f"; flow ({view.flow})" if view.flow else ""
    said += f"; dynamic image ({view.dynamic_image})" if view.dynamic_image else ""
    return said + ("; landmarks" if view.landmarks else "")


def stored_runs(method: type[Method]) -> Iterator[tuple[str, StoredRun | None]]:
    """Its listed runs on `synth` with all clips, ablations left out; None of one that `results/` doesn't hold."""
    for name, experiment in listed().items():
        asked = experiment.run
        if asked.method == method.name and set(asked.settings) <= NAMED and _is_plain(asked):
            folder = RESULTS / name
            yield name, StoredRun(folder) if (folder / "run.json").exists() else None


def _is_plain(asked: RunSettings) -> bool:
    return all(getattr(asked, name) == value for name, value in PLAIN.items())


def _run_row(name: str, run: StoredRun) -> dict[str, str]:
    asked, table = run.record["settings"], run.predictions
    interval = seeds_interval(table)
    changed = ", ".join(f"{key} {value}" for key, value in asked["settings"].items())
    return {
        "run": f"`{name}`",
        "preset": f"`{asked['preset']}`" + (f", {changed}" if changed else ""),
        "UF1": f"{interval.value:.3f}",
        "interval": f"{interval.low:.3f} to {interval.high:.3f}",
        "seeds": str(table["seed"].nunique()),
        "always the commonest": f"{always_the_commonest(table):.3f}",
        "machine": f"{run.record['hardware']['gpu'] or run.record['hardware']['machine']}",
    }


def _seconds(run: StoredRun) -> float:
    """Of one core, for one fold and one seed."""
    return run.record["seconds"] / len(run.record["folds"]) / len(run.record["settings"]["seeds"])


def _limits(
    method: type[Method], presets: Mapping[tuple[str, ...], Method], runs: Mapping[str, StoredRun | None]
) -> Iterator[str]:
    """What follows from the rest of the card, so that nobody has to find it."""
    yield ORIGINS[method.origin]
    held = {name: run for name, run in runs.items() if run}
    for names in presets:
        if not any(_preset(run) in names for run in held.values()):
            yield f"Never scored here at preset {_code(names)}."
    for name, run in held.items():
        if method.name != "majority" and seeds_interval(run.predictions).low <= always_the_commonest(
            run.predictions
        ):
            yield f"The interval of `{name}` reaches down to always naming the commonest class."


# Markdown


def _pairs(rows: Mapping[str, str]) -> str:
    """A row a fact; the first one is the head of the table."""
    (first, name), *others = rows.items()
    return _table({first: f"*{what}*", name: value} for what, value in others if value)


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _table(rows: Iterable[Mapping[str, str]]) -> str:
    """A table of equal rows; columns that are empty everywhere are left out."""
    rows = list(rows)
    names = [name for name in (rows[0] if rows else ()) if any(row[name] for row in rows)]
    lines = [names, ["---"] * len(names), *([row[name] for name in names] for row in rows)]
    return (
        "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
        if rows
        else ""
    )


def setup(app: Sphinx) -> dict[str, object]:
    """Called by Sphinx."""
    app.connect("env-before-read-docs", lambda *_: import_sources())
    app.add_directive("corpus-card", CorpusCard)
    app.add_directive("model-card", ModelCard)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
