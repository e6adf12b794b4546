"""What is said of runs, in words: what one is, what spoils its numbers, and which of several is better."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import pandas as pd

from mer_core.protocols import folds_in_words
from mer_core.scoring.statistics import Paired
from mer_core.scoring.tables import difference_table, pairs_table
from mer_core.training import Run


def headline(run: Run) -> str:
    """What the numbers of a run are numbers of, in one line; what spoils them is always said."""
    settings, table = run.settings, run.predictions
    changed = "".join(f", {name}={value}" for name, value in settings.settings.items())
    words = [
        f"{settings.method} ({settings.preset}{changed}) on {settings.corpus}, {settings.classes}",
        f"{table['clip'].nunique()} clips of {table['subject'].nunique()} subjects",
        f"{folds_in_words(settings.groups)}, seeds {', '.join(map(str, settings.seeds))}",
    ]
    return "; ".join([*words, *warnings(run)])


def warnings(run: Run) -> list[str]:
    """What must be said beside every number of a run."""
    lines = []
    if run.settings.selection == "test-peek":
        lines.append("EPOCH CHOSEN ON THE TEST CLIPS: not a result")
    elif run.settings.selection == "inner":
        lines.append("epoch chosen on held-out training subjects")
    parts = len(run.parts())
    if missing := len(run.missing()):
        damaged = f", {len(run.damaged())} of them damaged" if run.damaged() else ""
        lines.append(f"INCOMPLETE: {missing} of {parts} parts missing{damaged}")
    if stale := len(run.stale()):
        which = "" if run.is_stored else f"{stale} of {parts} parts "
        advice = "" if run.is_stored else ": `mer resume` computes them anew"
        lines.append(f"{which}computed by other code than today's{advice}")
    if (several := run.notes()["numerics"].nunique()) > 1:
        lines.append(f"COMPUTED BY {several} VERSIONS of numerics")
    return lines


def comparison(runs: Sequence[Run]) -> str:
    """Runs on the same clips: what each is, each beside the first, every pair, and what its p-value is made of."""
    if len(runs) < 2:
        raise ValueError(f"Expected two runs or more to compare, got {', '.join(run.name for run in runs)}.")
    tables = {_label(runs, number): run.predictions for number, run in enumerate(runs)}
    first, *others = tables
    parts = ["\n".join(f"{label}: {headline(run)}" for label, run in zip(tables, runs, strict=True))]
    against = {other: _paired(tables, first, other) for other in others}
    for other, pair in against.items():
        parts.append(_printed(difference_table(pair).rename(columns={"first": first, "second": other})))
    pairs = pairs_table(tables, combinations(tables, 2))
    if len(runs) == 2:
        parts.append(f"By UF1, {_verdict(pairs.loc[0, 'better'])}.")
    else:
        parts.append(f"UF1 of every pair, one less the other:\n{_printed(pairs, index=False)}")
    return "\n\n".join([*parts, _explained(against[others[0]], len(pairs))])


def _printed(table: pd.DataFrame, **options: bool) -> str:
    finer = {name: "{:.4f}".format for name in ("p", "corrected") if name in table}  # they are never 0
    return table.to_string(float_format="{:.3f}".format, formatters=finer, **options)


def _paired(tables: Mapping[str, pd.DataFrame], first: str, other: str) -> Paired:
    try:
        return Paired.of(tables[first], tables[other])
    except ValueError as error:
        raise ValueError(f"{first} and {other} can't be compared. {error}") from None


def _label(runs: Sequence[Run], number: int) -> str:
    """Of a run that is there twice, the second one is told from the first."""
    before = sum(run.name == runs[number].name for run in runs[:number])
    return runs[number].name + (f" ({before + 1})" if before else "")


def _verdict(better: str) -> str:
    return (
        "undecided: it is not sure that either is better" if better == "undecided" else f"{better} is better"
    )


def _explained(pair: Paired, pairs: int) -> str:
    """What an interval and a p-value of these tables rest on."""
    seeds = (
        "Of one seed"
        if pair.seeds == 1
        else f"Means over {pair.seeds} seeds (of a pair, those that both have)"
    )
    corrected = f"; corrected counts all {pairs} pairs (Holm)" if pairs > 1 else ""
    return (
        f"{seeds}. Intervals: {pair.subjects} subjects drawn anew. p: how often exchanging two runs' answers for whole "
        "subjects (in all ways, or 10,000 of them) makes so large a difference, either way: a paired permutation "
        f"test{corrected}."
    )
