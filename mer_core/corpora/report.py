"""What became of every row and folder, on the screen and in a file."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mer_core.action_units import resolve
from mer_core.corpora.survey import Survey
from mer_core.protocols import Published, parse_action_units, published_counts

HEADER = "clip,where,outcome,reason"  # how a file with a report begins


class ReportError(ValueError):
    """A report can't be written where it was asked for."""


def check_report_file(path: Path | None) -> None:
    """Refuse, before the work, a place where no report can be written, and a file that is something else."""
    if path is None:
        return
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise ReportError(f"Expected --report FILE in a folder that is there, got {path}.")
    if path.exists() and not path.read_bytes().startswith(HEADER.encode()):
        raise ReportError(f"{path} is there and is no report: choose another name for --report.")


def write_report(survey: Survey, path: Path) -> None:
    """A line for every row of the label table and every folder."""
    first = HEADER.split(",")
    rest = [name for name in survey.report if name not in first]
    survey.report[[*first, *rest]].to_csv(path, index=False)
    print(f"{path}: {len(survey.report)} rows and folders")


def print_report(survey: Survey, whole: str) -> None:
    """Clips, exclusions by reason, repairs, remarks, and counts beside the published ones.

    `whole` is where all lines stand: on the screen long lists are cut.
    """
    source, report = survey.source, survey.report
    print(f"{source.corpus}: {source.about}\nlabels: {source.version}; pictures: {source.root}")
    for said in source.taken:
        print(f"  {said}")
    print(
        f"{len(survey.clips)} clips of {survey.clips['subject'].nunique()} subjects; "
        f"{len(survey.left_out) or 'none'} left out"
    )
    for reason, lines in survey.left_out.groupby(survey.left_out["reason"].str.split(":").str[0], sort=False):
        print(f"  {reason} ({len(lines)})")
        _print_lines(
            [f"{line.clip or line.where}  {line.reason.partition(': ')[2]}" for line in lines.itertuples()],
            whole,
        )
    for title, column in (("repaired", "repaired"), ("remarks", "remark")):
        lines = report[report[column] != ""]
        if len(lines):
            print(f"  {title} ({len(lines)})")
            _print_lines([f"{line.clip}  {getattr(line, column)}" for line in lines.itertuples()], whole)
    print(count_table(survey).to_string())
    for difference in differences(survey):
        print(f"DIFFERENCE: {difference}")


def _print_lines(lines: Sequence[str], whole: str, most: int = 8) -> None:
    print("\n".join(f"    {line}" for line in lines[:most]))
    if len(lines) > most:
        print(f"    … and {len(lines) - most} more: all of them stand in {whole}")


def count_table(survey: Survey) -> pd.DataFrame:
    """Clips of each emotion, and how many were published of this label table."""
    columns = {"clips": survey.clips["emotion"].value_counts()}
    if published := _published(survey):
        columns["published"] = pd.Series(dict(published.counts))
    table = pd.DataFrame(columns).fillna(0).astype(int).sort_values("clips", ascending=False, kind="stable")
    table.loc["all"] = table.sum()
    return table.rename_axis("emotion")


def differences(survey: Survey) -> list[str]:
    """Where clips, subjects or action units are not as many as were published."""
    published = _published(survey)
    if not published:
        return [
            f"nothing is published of {survey.source.corpus}, {survey.source.version}: compare the counts yourself"
        ]
    clips, units = count_table(survey).drop("all"), unit_totals(survey)
    said = [f"{row.Index}: {row.clips} clips, published are {row.published}"
            for row in clips[clips["clips"] != clips["published"]].itertuples()]  # fmt: skip
    if published.subjects not in (None, n := survey.clips["subject"].nunique()):
        said.append(f"{n} subjects, published are {published.subjects}")
    unequal = {name: n for name, n in published.action_units.items() if units[name] != n}
    hint = _repairs_of_units(survey)
    return said + [
        f"action unit {name}: {units[name]} in the table, published are {n}{hint}"
        for name, n in unequal.items()
    ]


def _repairs_of_units(survey: Survey) -> str:
    """Published totals may count cells that a repair settles."""
    rows = {name: repair.changes.values() for name, repair in survey.source.repairs.items()}
    names = [name for name, changes in rows.items() if any("action_units" in change for change in changes)]
    return "".join(f"; `--repair {name}` changes some" for name in names)


def unit_totals(survey: Survey) -> Counter:
    """How often each action unit stands in the label table, clips that are left out included; and all together."""
    cells = survey.report["action_units"]
    totals = Counter(str(unit.number) for cell in cells for unit in resolve(parse_action_units(cell)))
    return totals + Counter(all=totals.total())


def _published(survey: Survey) -> Published | None:
    return published_counts(survey.source.corpus, survey.source.version)
