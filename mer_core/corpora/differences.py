"""What differs between the preparation that lies in a folder and the one that is asked for, clip by clip."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from mer_core.clips import View

SHOWN = 20  # lines


def differences(folder: Path, record: Mapping[str, object], tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """A line a difference; none if `record` and what its `tables` hold are what lies there."""
    held = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    if all(held.get(name) == value for name, value in record.items()):
        return []
    if "content" not in record:
        return [*_settings(held, record)]
    if "content" not in held:
        return ["it was prepared by an earlier edition, which did not keep what could be compared"]
    there = {name: _read(folder / f"{name}.parquet") for name in tables}
    in_order = there["clips"]["clip"].tolist() == tables["clips"]["clip"].tolist()
    lines = [*_settings(held, record), *_by_clip(there, tables)]
    return lines or ([] if in_order else ["the order of the clips"])


def listed(lines: list[str]) -> str:
    """Differences as a message has them."""
    more = f"\n  … and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
    return "".join(f"\n  {line}" for line in lines[:SHOWN]) + more


def _read(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path) if path.exists() else pd.DataFrame({"clip": []})


def _settings(held: Mapping[str, dict], record: Mapping[str, dict]) -> Iterator[str]:
    for name in held["corpus"].keys() | record["corpus"].keys():
        before, now = held["corpus"].get(name), record["corpus"].get(name)
        if before != now:
            yield f"{name}: {before} there, {now} asked for"
    before, now = (part.get("content", {}).get("opencv") for part in (held, record))
    if before != now:
        yield f"OpenCV: {before} there, {now} asked for"
    if held["view"] != record["view"]:
        names = [View.parse(view).name for view in (held["view"], record["view"])]
        yield f"view: {names[0]} there, {names[1]} asked for"


def _by_clip(there: Mapping[str, pd.DataFrame], now: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """A line for each clip, row or folder of which something is otherwise."""
    fates = [_fates(tables["report"]) if "report" in tables else {} for tables in (there, now)]
    parts = [_parts(tables) for tables in (there, now)]
    for name in dict.fromkeys([*parts[1], *parts[0], *fates[1], *fates[0]]):
        before, after = (
            {"": fate.get(name)} | part.get(name, {}) for fate, part in zip(fates, parts, strict=True)
        )
        said = [_said(what, before.get(what), after.get(what)) for what in dict.fromkeys([*before, *after])
                if before.get(what) != after.get(what)]  # fmt: skip
        if not all(name in part for part in parts):  # a clip that comes or goes has all its pictures with it
            said = said[:1]
        if said:
            yield f"{name}: {_shortened(said)}"


def _said(what: str, before: object, after: object) -> str:
    return f"{what} {before or 'nothing'} there, {after or 'nothing'} now".strip()


def _shortened(said: list[str]) -> str:
    return "; ".join(said[:3]) + (f"; and {len(said) - 3} more" if len(said) > 3 else "")


def _fates(report: pd.DataFrame) -> dict[str, str]:
    """What became of every row and folder; a clip may stand in several rows."""
    fates: dict[str, list[str]] = {}
    for line in report.itertuples():
        said = (line.outcome, line.reason, line.repaired, line.remark)
        fates.setdefault(line.clip or line.where, []).append("; ".join(filter(None, said)))
    return {name: ", ".join(said) for name, said in fates.items()}


def _parts(tables: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, str]]:
    """Of each clip, everything that its arrays are made of, by name and in short."""
    parts: dict[str, dict[str, str]] = {}
    for row in tables["clips"].astype("string").fillna("").to_dict("records"):
        parts[row.pop("clip")] = row
    for row in tables["files"].itertuples():
        parts.setdefault(row.clip, {})[f"frame {row.frame}"] = f"{Path(row.path).name} ({row.crc:08x})"
    points = tables.get("points", pd.DataFrame({"clip": []}))
    keys = pd.util.hash_pandas_object(points.drop(columns=["clip"]), index=False)
    for clip, frame, key in zip(points["clip"], points.get("frame", []), keys, strict=True):
        parts.setdefault(clip, {})[f"landmarks of frame {frame}"] = f"{key:016x}"
    return parts
