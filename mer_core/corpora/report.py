"""What became of every row and folder, on the screen."""

from collections.abc import Iterable

import pandas as pd

from mer_core.corpora.survey import Survey
from mer_core.protocols import published_counts


def print_report(survey: Survey) -> None:
    """Clips, exclusions by reason, repairs, remarks, and counts beside the published ones."""
    source, report = survey.source, survey.report
    print(f"{source.corpus}: {source.about}\nlabels: {source.version}; pictures: {source.root}")
    print(
        f"{len(survey.clips)} clips of {survey.clips['subject'].nunique()} subjects; {len(survey.left_out)} left out"
    )
    for reason, lines in survey.left_out.groupby(survey.left_out["reason"].str.split(":").str[0], sort=False):
        print(f"  {reason} ({len(lines)})")
        _print_lines(f"{line.clip or line.where}  {line.reason}" for line in lines.itertuples())
    for title, column in (("repaired", "repaired"), ("remarks", "remark")):
        lines = report[report[column] != ""]
        if len(lines):
            print(f"  {title} ({len(lines)})")
            _print_lines(f"{line.clip}  {getattr(line, column)}" for line in lines.itertuples())
    print(count_table(survey).to_string())
    for difference in differences(survey):
        print(f"DIFFERENCE: {difference}")


def _print_lines(lines: Iterable[str], most: int = 8) -> None:
    lines = list(lines)
    print("\n".join(f"    {line}" for line in lines[:most]))
    if len(lines) > most:
        print(f"    … and {len(lines) - most} more: all of them stand in report.parquet beside the clips")


def count_table(survey: Survey) -> pd.DataFrame:
    """Clips of each emotion: rows of the label table, clips made, and what was published of this table."""
    columns = {"clips": survey.clips["emotion"].value_counts()}
    published = published_counts(survey.source.corpus, survey.source.version)
    if published:
        columns["published"] = pd.Series(dict(published))
    table = pd.DataFrame(columns).fillna(0).astype(int).sort_values("clips", ascending=False, kind="stable")
    table.loc["all"] = table.sum()
    return table.rename_axis("emotion")


def differences(survey: Survey) -> list[str]:
    """Where the number of clips is not the published one."""
    table = count_table(survey)
    if "published" not in table:
        return []
    unequal = table[table["clips"] != table["published"]]
    return [f"{row.Index}: {row.clips} clips, published are {row.published}" for row in unequal.itertuples()]
