"""From label rows and folders to clips: every row and every folder ends as a clip or as a reason why not."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from mer_core.action_units import parse_action_units, read_action_units, to_text
from mer_core.corpora.images import Picture, depth, frame_number, list_frames, look_at, others
from mer_core.corpora.source import LABELS, Row, Source, SourceError, contents
from mer_core.corpora.tables import text, whole_number
from mer_core.progress import progress
from mer_core.protocols import canonical_emotion
from mer_core.settings import SettingsError

GAP = 5  # frames: what the repair `gaps` bridges at most
LONGEST = 100_000  # frames of a clip, and the highest number of one: what no corpus reaches
HIGHEST = 999_999_999
NO_NAME = re.compile(r"[/\\\x00-\x1f]|^\.+$")  # what can't be part of a clip's name
MONTH = "(?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-z]*"
DATE = re.compile(  # what a spreadsheet makes of 4+5, as text: 4-May, May-04, 04/05/2026, 4月5日
    rf"[0-9]{{1,2}}[-. ]+{MONTH}.*|{MONTH}[- ][0-9]{{1,4}}|"
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}.*|[0-9]{1,2}月[0-9]{1,2}日",
    re.IGNORECASE,
)

COMMON_REPAIRS = {
    "middle-apex": "an apex that is absent or outside its clip becomes the middle of onset and offset",
    "gaps": f"up to {GAP} missing frames in a row are stood in for by the nearest frame that is there",
}


class Excluded(Exception):
    """Why a row can't become a clip."""


@dataclass(frozen=True)
class Clip:
    """A row that became a clip: its labels, and the file of each of its frames."""

    row: Row
    emotion: str
    onset: int
    apex: int | None
    offset: int
    frames: dict[int, Path]  # onset … offset
    remarks: tuple[str, ...]
    repaired: tuple[str, ...]


@dataclass(frozen=True)
class Survey:
    """What a corpus on disk holds, and what became of every row and folder."""

    source: Source
    clips: pd.DataFrame  # a row a clip, as a ClipSet has it
    frames: pd.DataFrame  # clip, frame, path relative to the root, and what its picture is: `Picture`
    report: (
        pd.DataFrame
    )  # a line for every row and every folder: clip, where, outcome, reason, repaired, remark

    @property
    def left_out(self) -> pd.DataFrame:
        """The lines of the report that are no clip."""
        return self.report[self.report["outcome"] != "clip"]


def survey(
    source: Source,
    repairs: Sequence[str] = (),
    shortest: int = 2,
    known: Mapping[Path, Picture] | None = None,
) -> Survey:
    """Look at every row of the label table, every folder, and every picture of every clip: see `see_pictures`."""
    look = _Look(source, _checked(source, repairs), shortest)
    clips: list[Clip] = []
    lines: list[dict[str, str]] = []
    rows = _without_doubles(source.rows())
    for row in progress(rows, desc=f"surveying {source.name}"):
        try:
            clip = look(row)
        except Excluded as reason:
            lines.append(_line(source, row, "left out", str(reason)))
        else:
            clips.append(clip)
            lines.append(_line(source, clip.row, "clip", "", clip.repaired, clip.remarks))
    named = {look.key(row.folder) for row in rows}
    lines += [_unlabelled(source, key) for key in look.folders if key not in named]
    if not clips:
        raise SourceError(_nothing(source, lines))
    found = Survey(source, _clips_table(source, clips), _frames_table(source, clips), pd.DataFrame(lines))
    return see_pictures(found, known)


def _checked(source: Source, repairs: Sequence[str]) -> tuple[str, ...]:
    known = [*COMMON_REPAIRS, *source.repairs]
    if unknown := [name for name in repairs if name not in known]:
        raise SettingsError(f"there is no repair {', '.join(unknown)}; there are {', '.join(known)}.")
    return tuple(repairs)


def _without_doubles(rows: Sequence[Row]) -> list[Row]:
    """Of rows for one clip the first stands if all say the same; if they differ, none does."""
    by_clip: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if not row.refused:
            by_clip.setdefault(_name(row), []).append(row)
    return [row if row.refused else replace(row, refused=_double(row, by_clip[_name(row)])) for row in rows]


def _name(row: Row) -> tuple[str, str]:
    return row.subject.casefold(), row.clip.casefold()


def _double(row: Row, alike: Sequence[Row]) -> str:
    """Why a row can't stand beside those of the same name; nothing if it can."""
    told = {tuple(text(getattr(one, name)) for name in ("folder", *LABELS)) for one in alike}
    others = ", ".join(one.where for one in alike if one is not row)
    if len(told) > 1:
        return f"stands more than once: {others} says otherwise"
    return "" if row is alike[0] else f"stands more than once: as in {others}"


@dataclass(frozen=True)
class _Look:
    """Turns a row into a clip, or says why it can't be one."""

    source: Source
    repairs: tuple[str, ...]
    shortest: int

    @cached_property
    def folders(self) -> dict[str, Path]:
        return {key: folder for key, (folder, *_) in self._folders.items()}

    @cached_property
    def _folders(self) -> dict[str, list[Path]]:
        """By key as the first is written; a key of several folders is unclear."""
        found: dict[str, list[Path]] = {}
        keys: dict[str, str] = {}
        for key, folder in self.source.folders():
            found.setdefault(keys.setdefault(key.casefold(), key), []).append(folder)
        return found

    @cached_property
    def _keys(self) -> dict[str, str]:
        return {key.casefold(): key for key in self._folders}

    def key(self, folder: str) -> str:
        """The key of a row's folder, as it is written on disk if it is there."""
        return self._keys.get(folder.casefold(), folder)

    @cached_property
    def _indexed(self) -> dict[str, dict[int, list[Path]]]:
        return {}

    def __call__(self, row: Row) -> Clip:
        row, repaired = self._repair(row)
        if row.refused:
            raise Excluded(row.refused)
        if wrong := next((name for name in (row.subject, row.clip) if NO_NAME.search(name)), None):
            raise Excluded(f"unclear name: {wrong!r} can't be part of a clip's name")
        emotion = self._emotion(row)
        onset, offset = self._number(row, "onset"), self._number(row, "offset")
        if offset < onset:
            raise Excluded(f"offset before onset: {offset} before {onset}")
        if (n := offset - onset + 1) < self.shortest:
            raise Excluded(f"too short: {n} of at least {self.shortest} frames")
        if n > LONGEST:
            raise Excluded(f"too long: {n:,} frames, {onset} to {offset}, of at most {LONGEST:,}")
        apex, moved = self._apex(row, onset, offset)
        free_text = self._beside_units(row)
        frames, bridged, copies = self._frames(replace(row, folder=self.key(row.folder)), onset, offset)
        remarks = [row.remark, *self.source.doubts(row, frames), *copies]
        remarks += [f"not an action unit: {said}" for said in free_text]
        remarks += ["apex at the onset: no movement"] if apex == onset else []
        return Clip(
            row,
            emotion,
            onset,
            apex,
            offset,
            frames,
            tuple(filter(None, remarks)),
            (*repaired, *moved, *bridged),
        )

    def _repair(self, row: Row) -> tuple[Row, list[str]]:
        keys, done = (f"{row.subject}/{row.clip}", f"{row.subject}/{row.where.partition(' of ')[0]}"), []
        for name in self.repairs:
            changes = self.source.repairs[name].changes if name in self.source.repairs else {}
            for key in keys:
                if key in changes:
                    row = replace(row, **changes[key])
                    done.append(
                        f"{name}: {', '.join(f'{field} {value}' for field, value in changes[key].items())}"
                    )
        return row, done

    def _emotion(self, row: Row) -> str:
        if not text(row.emotion):
            raise Excluded("no label: the emotion is empty")
        try:
            return canonical_emotion(text(row.emotion))
        except ValueError as error:
            raise Excluded(f"unknown label: {error}") from None

    def _number(self, row: Row, name: str) -> int:
        number = whole_number(getattr(row, name))
        if number is None:
            raise Excluded(f"not a number: {name} is {text(getattr(row, name))[:40]!r}")
        if abs(number) > HIGHEST:
            raise Excluded(f"no frame number: {name} is {number}, the highest is {HIGHEST:,}")
        return number

    def _beside_units(self, row: Row) -> list[str]:
        """What stands beside the action units: never a date, which a spreadsheet made of some."""
        if DATE.fullmatch(text(row.action_units)):
            said = text(row.action_units).removesuffix(" 00:00:00")
            raise Excluded(f"no action units: a spreadsheet made a date of the cell, {said}; type it as text")
        try:
            return read_action_units(row.action_units)[1]
        except TypeError:
            kind = type(row.action_units).__name__
            raise Excluded(f"no action units: the cell is a {kind}, {text(row.action_units)}") from None

    def _apex(self, row: Row, onset: int, offset: int) -> tuple[int | None, list[str]]:
        if not self.source.has_apex:
            return None, []
        apex = whole_number(row.apex)
        if apex is not None and onset <= apex <= offset:
            return apex, []
        said = (
            f"apex absent: {text(row.apex)!r}"
            if apex is None
            else f"apex outside: {apex}, not {onset} to {offset}"
        )
        if "middle-apex" not in self.repairs:
            raise Excluded(said)
        return (onset + offset) // 2, [f"middle-apex: {said}"]

    def _frames(self, row: Row, onset: int, offset: int) -> tuple[dict[int, Path], list[str], list[str]]:
        """The file of each frame, what was bridged, and which files stand for a frame beside others."""
        if row.folder not in self.folders:
            raise Excluded(f"folder missing: {row.folder}")
        if len(held := self._folders[row.folder]) > 1:
            names = " and ".join(folder.relative_to(self.source.root).as_posix() for folder in held)
            raise Excluded(f"unclear folder: {names} are both {row.folder}")
        index = self._index(row.folder)
        missing = [n for n in range(onset, offset + 1) if n not in index]
        if not index or len(missing) == offset - onset + 1:
            raise Excluded(f"frames missing: all of {onset} to {offset}; the folder holds {_extent(index)}")
        bridged = self._bridge(index, missing, onset, offset)
        files = {n: index[bridged.get(n, n)] for n in range(onset, offset + 1)}
        copies = [said for n in files if n in index and (said := _copies(n, index[n]))]
        frames = {n: same[0] for n, same in files.items()}
        return frames, [f"gaps: {len(missing)} frames"] if missing else [], copies

    def _index(self, folder: str) -> dict[int, list[Path]]:
        """One folder may hold many clips: it is read once."""
        if folder not in self._indexed:
            try:
                self._indexed[folder] = list_frames(self.folders[folder])
            except OSError as error:
                raise Excluded(f"folder can't be opened: {folder} ({error.strerror.lower()})") from None
        return self._indexed[folder]

    def _bridge(
        self, index: Mapping[int, object], missing: list[int], onset: int, offset: int
    ) -> dict[int, int]:
        """For each missing frame the nearest that is there, if that was asked for."""
        if not missing:
            return {}
        said = f"frames missing: {len(missing)} of {offset - onset + 1} ({_list(missing)})"
        if "gaps" not in self.repairs:
            raise Excluded(said)
        there = [n for n in index if onset <= n <= offset]
        nearest = {n: min(there, key=lambda m: (abs(m - n), m)) for n in missing}
        if _longest_run(missing) > GAP:
            raise Excluded(f"{said}; more than {GAP} in a row")
        return nearest


def _copies(number: int, files: Sequence[Path]) -> str:
    """Which copies of a frame are passed over, or that a copy stands for it; what differs can't be told apart."""
    first, *more = files
    if different := others(files):
        raise Excluded(
            f"unclear frames: {first.name} and {different[0].name} are both frame {number}, and they differ"
        )
    if more:
        return f"the same as {first.name}, and passed over: {', '.join(path.name for path in more)}"
    is_copy = frame_number(first.stem) == number != whole_number(re.findall(r"[0-9]+", first.stem)[-1])
    return f"{first.name} is taken for frame {number}" if is_copy else ""


# The pictures


def see_pictures(found: Survey, known: Mapping[Path, Picture] | None = None) -> Survey:
    """Read and decode every picture of every clip, once: a clip with one that can't be used is left out.

    So what `--check` says is what a preparation finds, whichever frames its view needs.
    """
    paths = found.frames["path"].unique().tolist()
    seen = look_at([found.source.root / path for path in paths], known)
    listed = list(progress(seen, total=len(paths), desc="reading every picture"))
    pictures = pd.DataFrame(listed, paths, Picture._fields)
    frames = found.frames.join(pictures, on="path")
    found = replace(found, frames=frames.drop(columns="flaw"), report=_remarked(found.report, _kinds(frames)))
    return leave_out(found, _of_two_sizes(frames) | _flawed(frames))


def _flawed(frames: pd.DataFrame) -> dict[str, str]:
    """For each clip with pictures that are not whole, which the first one is and why."""
    flawed = frames[frames["flaw"] != ""].groupby("clip", sort=False)
    return {
        clip: f"unreadable image: {Path(lines['path'].iloc[0]).name} ({lines['flaw'].iloc[0]})"
        + (f", and {len(lines) - 1} more" if len(lines) > 1 else "")
        for clip, lines in flawed
    }


def _of_two_sizes(frames: pd.DataFrame) -> dict[str, str]:
    """For each clip whose pictures differ in size, one that is otherwise than most."""
    whole = frames[frames["flaw"] == ""]
    sizes = (whole["width"].astype(str) + " × " + whole["height"].astype(str)).rename("size")
    mixed = whole[sizes.groupby(whole["clip"]).transform("nunique") > 1].join(sizes)
    reasons = {}
    for clip, lines in mixed.groupby("clip", sort=False):
        most = lines["size"].mode()[0]
        odd = lines[lines["size"] != most].iloc[0]
        reasons[clip] = f"another size: {Path(odd['path']).name} has {odd['size']} pixels, others have {most}"
    return reasons


def _kinds(frames: pd.DataFrame) -> dict[str, str]:
    """What is peculiar to the pictures of some clips."""
    clips = frames[frames["flaw"] == ""].groupby("clip", sort=False)
    return {clip: said for clip, lines in clips if (said := _kind(lines))}


def _kind(lines: pd.DataFrame) -> str:
    bits = depth(lines["bits"].max())
    deep = [f"{bits} bits a value: {2**bits - 1} becomes white"] if bits > 8 else []
    grey = lines["grey"].sum()
    mixed = (
        [f"{grey} of {len(lines)} pictures are grey, the others coloured"] if 0 < grey < len(lines) else []
    )
    still = ["all its pictures are the same"] if (lines["crc"] == lines["crc"].iloc[0]).all() else []
    alone = [Path(lines["path"].iloc[n]).name for n in _alone(lines["sketch"], bits)]
    said = "is unlike the frames before and after it: damaged, or not of this clip?"
    return "; ".join([*deep, *mixed, *still, *(f"{name} {said}" for name in alone)])


def _alone(sketches: Iterable[bytes], bits: int) -> list[int]:
    """Frames that differ from their two neighbours as these do not from each other: decoders miss much damage."""
    seen = np.stack([np.frombuffer(sketch, np.uint16) for sketch in sketches]) / 2 ** (
        bits - 8
    )  # (T, 64) of 255
    step, across = (np.abs(seen[gap:] - seen[:-gap]).mean(axis=1) for gap in (1, 2))
    return (1 + np.flatnonzero(np.minimum(step[:-1], step[1:]) > 3 + 4 * across)).tolist()


def _remarked(report: pd.DataFrame, remarks: Mapping[str, str]) -> pd.DataFrame:
    """The report with a further remark on some clips."""
    clips = report["clip"].where(report["outcome"] == "clip", "")
    pairs = zip(report["remark"], clips.map(lambda clip: remarks.get(clip, "")), strict=True)
    return report.assign(remark=["; ".join(filter(None, pair)) for pair in pairs])


def leave_out(found: Survey, reasons: Mapping[str, str]) -> Survey:
    """The same survey with some clips left out after all, each with its reason."""
    if not reasons:
        return found
    report = found.report.copy()
    hit = report["clip"].isin(reasons) & (report["outcome"] == "clip")
    report.loc[hit, "outcome"] = "left out"
    report.loc[hit, "reason"] = report.loc[hit, "clip"].map(reasons)
    clips = found.clips[~found.clips["clip"].isin(reasons)].reset_index(drop=True)
    frames = found.frames[~found.frames["clip"].isin(reasons)].reset_index(drop=True)
    if clips.empty:
        clip, reason = next(iter(reasons.items()))
        raise SourceError(f"No clip of {found.source.name} is left: {reason} ({clip}).")
    return replace(found, clips=clips, frames=frames, report=report)


def _longest_run(numbers: Sequence[int]) -> int:
    """Of neighbouring numbers: those of one run share their distance from their place."""
    return max(Counter(n - place for place, n in enumerate(numbers)).values())


def _extent(index: Mapping[int, object]) -> str:
    return f"{len(index)} frames, {min(index)} to {max(index)}" if index else "no frame"


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:5])) + (", …" if len(numbers) > 5 else "")


# The tables


def _line(
    source: Source,
    row: Row,
    outcome: str,
    reason: str,
    repaired: Sequence[str] = (),
    remarks: Sequence[str] = (),
) -> dict[str, str]:
    clip = f"{source.corpus}/{row.subject}/{row.clip}" if row.clip else ""
    said = {"repaired": "; ".join(repaired), "remark": "; ".join(remarks)}
    return {
        "clip": clip,
        "where": row.where,
        "emotion": text(row.emotion),
        "action_units": text(row.action_units),
        "outcome": outcome,
        "reason": reason,
        **said,
    }


def _unlabelled(source: Source, key: str) -> dict[str, str]:
    reason = "no label: no row of the table names this folder"
    made = dict.fromkeys(
        ("clip", "where", "emotion", "action_units", "outcome", "reason", "repaired", "remark"), ""
    )
    return made | {"where": f"folder {key}", "outcome": "left out", "reason": reason}


def _known_units(row: Row) -> object:
    """As text; empty where a coder saw none, and missing where nobody knows, or nothing of a cell can be read."""
    units = parse_action_units(row.action_units)
    is_unknown = text(row.action_units).lower() in ("?", "null") or read_action_units(row.action_units)[1]
    return pd.NA if is_unknown and not units else to_text(units)


def _clips_table(source: Source, clips: Sequence[Clip]) -> pd.DataFrame:
    rows = [
        {
            "clip": f"{source.corpus}/{clip.row.subject}/{clip.row.clip}",
            "subject": f"{source.corpus}/{clip.row.subject}",
            "emotion": clip.emotion,
            "onset": clip.onset,
            "apex": pd.NA if clip.apex is None else clip.apex,
            "offset": clip.offset,
            "fps": source.fps,
            "frames": clip.offset - clip.onset + 1,
            "action_units": _known_units(clip.row) if source.has_action_units else pd.NA,
        }
        for clip in clips
    ]
    kinds = {**dict.fromkeys(("onset", "apex", "offset", "frames"), "Int64"), "action_units": "string"}
    return pd.DataFrame(rows).astype(kinds)


def _frames_table(source: Source, clips: Sequence[Clip]) -> pd.DataFrame:
    rows = [
        (
            f"{source.corpus}/{clip.row.subject}/{clip.row.clip}",
            number,
            path.relative_to(source.root).as_posix(),
        )
        for clip in clips
        for number, path in clip.frames.items()
    ]
    return pd.DataFrame(rows, columns=["clip", "frame", "path"])


def _nothing(source: Source, lines: list[dict[str, str]]) -> str:
    """No clip at all: most likely the folder is another one than the corpus."""
    reasons = Counter(line["reason"].split(":")[0].split("(")[0].strip() for line in lines)
    why = ", ".join(f"{reason} {n} times" for reason, n in reasons.most_common(3)) or "no row and no folder"
    first = f"; the first: {lines[0]['where']}, {lines[0]['reason']}" if lines else ""
    return (
        f"No clip was found in {source.root} ({why}{first}): {contents(source.root)}. Expected a tree such as\n"
        f"{source.tree}"
    )
