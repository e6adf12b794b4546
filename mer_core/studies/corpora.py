"""The chapter "The corpora": what label tables count, what becomes of an imitation, and what loses clips on the way."""

import re
import shlex
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from pydantic import Field

import mer_core
from mer_core.action_units import ActionUnit, read_action_units
from mer_core.clips import ClipSet
from mer_core.corpora import Source
from mer_core.corpora.survey import COMMON_REPAIRS
from mer_core.faces.corpus import Corpus
from mer_core.figures.images import flow_colours, slideshow
from mer_core.figures.style import CLASS_COLOURS, styled
from mer_core.protocols import (
    EMOTIONS,
    MEGC_2019,
    Published,
    class_map,
    published_counts,
    published_selections,
)
from mer_core.studies.parameters import Parameters

# The label tables that the chapter counts; of CASME II the reader chooses one.
TABLES = {
    "samm": "v2",
    "smic": "HS",
    "mmew": "300 rows",
    "casme_sq": "micro, valence",
    "casme3": "part A, v2",
}
MAPS = ("casme2-3class", "casme2-3class-all-negative", "casme2-5class")
LABELLED = {"colour": "colour", "apex": "has_apex", "action units": "has_action_units"}
LEFT_OUT = "left out"


class Chapter(Parameters):
    """What a reader may choose."""

    casme2_table: Literal["2014", "2019", "updated"] = Field(description="label table of CASME II")
    size: int = Field(ge=64, le=160, description="pixels of the prepared clips")


# What is published of them


def titles(sources: Sequence[type[Source]]) -> dict[str, str]:
    """Each corpus by its own name: `casme2` is CASME II."""
    return {source.name: _opened(source).about.partition(",")[0] for source in sources}


def overview(sources: Sequence[type[Source]]) -> pd.DataFrame:
    """A row a corpus: what it holds, what is labelled, and on which terms it is given."""
    opened = [_opened(source) for source in sources]
    holds = {"what it holds": [one.about.partition(", ")[2] for one in opened]}
    labelled = {
        title: ["yes" if getattr(one, name) else "no" for one in opened] for title, name in LABELLED.items()
    }
    licences = {"licence": [one.licence for one in opened]}
    return pd.DataFrame(holds | labelled | licences, index=list(titles(sources).values()))


def _opened(source: type[Source]) -> Source:
    """As its options are if nothing is asked for; no file is looked at."""
    return source(Path(), options=source.Options())


def label_tables(casme2: str) -> dict[str, Published]:
    """What is published of one label table a corpus."""
    chosen = {"casme2": casme2} | TABLES
    return {name: published_counts(name, version) for name, version in chosen.items()}


def described(tables: Mapping[str, Published]) -> pd.DataFrame:
    """A row a label table: its clips, its subjects, and who counted them."""
    rows = {
        name: {
            "label table": table.version,
            "clips": sum(table.counts.values()),
            "subjects": table.subjects or "?",
            "source": table.source,
        }
        for name, table in tables.items()
    }
    return pd.DataFrame(rows).T


def by_emotion(tables: Mapping[str, Published]) -> pd.DataFrame:
    """A row an emotion, a column a label table: its clips."""
    counts = pd.DataFrame({name: dict(table.counts) for name, table in tables.items()})
    return counts.reindex([emotion for emotion in EMOTIONS if emotion in counts.index]).fillna(0).astype(int)


# What a class map makes of them


def in_classes(table: Published, classes: str) -> pd.Series:
    """The clips of each class that a class map makes of a label table."""
    mapping, clips = class_map(classes), Counter()
    for emotion, n in table.counts.items():
        clips[mapping(table.corpus, emotion)] += n
    return pd.Series({label: clips[label] for label in mapping.classes})


def classes_of(table: Published) -> dict[str, dict[str, str | None]]:
    """The class of each emotion of a label table in each of the maps, None where it is left out."""
    return {
        name: {emotion: class_map(name)(table.corpus, emotion) for emotion in table.counts} for name in MAPS
    }


def casme2_sizes() -> pd.DataFrame:
    """A column a label table of CASME II: its rows, and how many of them each class map keeps."""
    tables = {version: published_counts("casme2", version) for version in ("2014", "2019", "updated")}
    return pd.DataFrame(
        {
            version: {"rows": sum(table.counts.values())}
            | {classes: in_classes(table, classes).sum() for classes in MAPS}
            for version, table in tables.items()
        }
    )


def selections() -> tuple[int, pd.DataFrame]:
    """How many published selections follow from a label table and a class map; the others, and why not."""
    follows, otherwise = 0, []
    for one in published_selections():
        table = published_counts(one.corpus, one.version)
        if table and in_classes(table, one.classes).sum() == one.clips:
            follows += 1
        elif one.about:
            otherwise.append((one.corpus, one.classes, one.clips, one.about))
    return follows, pd.DataFrame(otherwise, columns=["corpus", "classes", "clips", "why"])


def composite(classes: str, corpora: Sequence[str]) -> pd.DataFrame:
    """A row a corpus, a column a class: the clips that a challenge has selected."""
    selected = [one for one in published_selections() if one.classes == classes and one.corpus in corpora]
    return pd.DataFrame({one.corpus: dict(one.counts) for one in selected}).T


def kept_but_not_listed(composite: pd.DataFrame) -> pd.DataFrame:
    """Clips of CASME II that the class map of 2019 keeps and the list of that challenge lacks, by class."""
    kept = in_classes(published_counts("casme2", "2014"), MEGC_2019)
    return (kept - composite.loc["casme2"]).to_frame("clips")


def class_map_bars(counts: Mapping[str, int], maps: Mapping[str, Mapping[str, str | None]]) -> go.Figure:
    """Which clips of which emotion make up which class: a bar a class, one picture a class map, chosen from a menu.

    `counts` are the clips of each emotion; a map gives the class of each emotion, or None where it is left out.
    """
    parts = [
        _part(emotion, counts[emotion], of[emotion] or LEFT_OUT, visible=i == 0)
        for i, of in enumerate(maps.values())
        for emotion in sorted(counts, key=lambda emotion, of=of: of[emotion] is None)  # left out comes last
    ]
    shown = {name: [other == name for other in maps for _ in counts] for name in maps}
    buttons = [
        {"label": name, "method": "update", "args": [{"visible": visible}]} for name, visible in shown.items()
    ]
    place = {"x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}
    figure = go.Figure(parts).update_layout(
        barmode="stack", xaxis_title="clips", yaxis_autorange="reversed", showlegend=False,
        uniformtext={"mode": "hide", "minsize": 10},
        updatemenus=[{"buttons": buttons, "showactive": False, **place}],
    )  # fmt: skip
    rows = sum(counts.values())
    said = "; ".join(f"{name} keeps {_kept(counts, of)} of {rows} clips" for name, of in maps.items())
    return styled(figure, f"How emotions become classes. {said}.", height=380)


def _part(emotion: str, n: int, end: str, *, visible: bool) -> go.Bar:
    return go.Bar(
        x=[n],
        y=[end],
        orientation="h",
        visible=visible,
        marker={"color": CLASS_COLOURS[emotion], "line": {"color": "white", "width": 1}},
        text=emotion,
        textposition="inside",
        insidetextanchor="middle",
        hovertemplate=f"{emotion}: {n} clips, {end}<extra></extra>",
    )


def _kept(counts: Mapping[str, int], of: Mapping[str, str | None]) -> int:
    return sum(n for emotion, n in counts.items() if of[emotion])


# An imitation, loaded and prepared


def tree(root: Path) -> str:
    """The folders of clips, and how many files are in each."""
    lines = []
    for path in sorted(root.glob("*/*/*")):
        files = f"({len(list(path.iterdir()))} files)" if path.is_dir() else ""
        lines.append(f"{path.relative_to(root.parent)} {files}")
    return "\n".join(lines)


def usual_loader(root: Path) -> Iterator[tuple[int, str, list[str]]]:
    """Subject, clip and frames of CASME II, as many repositories read them."""
    table = pd.read_excel(root / "CASME2-coding-20190701.xlsx")
    for row in table.itertuples():
        folder = root / "CASME2-RAW" / f"sub{row.Subject:02d}" / row.Filename
        frames = sorted(path.name for path in folder.glob("*.jpg"))
        if frames:
            yield row.Subject, row.Filename, frames


def terminal(command: str, here: Path) -> None:
    """A command of the book as it is typed in a folder, printed with all that it says."""
    book = Path(mer_core.__file__).parents[1]
    script, *options = shlex.split(command)[1:]
    done = subprocess.run(
        [sys.executable, str(book / script), *options], cwd=here, capture_output=True, encoding="utf-8"
    )
    lines = f"$ {command}\n{done.stdout}{done.stderr}".splitlines()
    print("\n".join(textwrap.fill(line, 79) for line in lines))


def repairs(source: type[Source]) -> pd.DataFrame:
    """What may be asked for by name when a corpus is prepared, and who says that it is right."""
    rows = [(name, about, "") for name, about in COMMON_REPAIRS.items()]
    rows += [(name, one.about, one.source) for name, one in source.repairs.items()]
    return pd.DataFrame(rows, columns=["name", "what it does", "says who"])


def recorded_and_prepared(clips: ClipSet, root: Path, folder: Path) -> go.Figure:
    """A slider over clips: a picture under `root` as recorded; onset, apex and motion as prepared in `folder`."""
    places = pd.read_parquet(folder / "files.parquet").set_index(["clip", "frame"])["path"]
    steps = {}
    for i, row in enumerate(clips.clips.to_dict("records")):
        recorded = cv2.imread(str(root / places[row["clip"], row["onset"]]))[..., ::-1]
        apex = round((len(clips.frames[i]) - 1) * (row["apex"] - row["onset"]) / (row["frames"] - 1))
        flow = flow_colours(np.asarray(clips.flow[i], np.float32))
        steps[row["clip"].partition("/")[2]] = [recorded, clips.frames[i, 0], clips.frames[i, apex], flow]
    return slideshow(
        steps,
        titles=["recorded", "onset", "near the apex", "flow"],
        label="clip",
        alt="For each prepared clip: a picture as recorded, the aligned face at its onset and near its apex, and the "
        "motion between onset and apex.",
        width=200,
    )


# Each of them


def sheet(source: type[Source]) -> str:
    """What a corpus is, what its folders look like, the command that prepares it, and what is known to go wrong."""
    called = [f"python data_scripts/{source.name}.py {options}" for options in source.examples]
    commands = "\n".join(called).replace(" --", " \\\n    --")
    ask = re.sub(r"(https?://[^\s;,]+)", r"<\1>", source.apply)
    offered = [f"`--repair {name}`: {one.about} ({one.source})" for name, one in source.repairs.items()]
    parts = [
        f"**{source.about}.** Ask for it: {ask}. Licence: {source.licence}.",
        f"```text\n{source.tree}\n```",
        f"```bash\n{commands}\n```",
        "\n".join(f"- {line}" for line in (*source.traps, *offered)),
    ]
    return "\n\n".join(parts)


def layouts(known: Mapping[str, type]) -> pd.DataFrame:
    """A row a corpus of large expressions: how to ask for it, what it holds, and how fast it was filmed."""
    rows = {
        f"--corpus {name}": {"what it holds": one.about.partition(", ")[2], "frames a second": one.fps}
        for name, one in known.items()
    }
    return pd.DataFrame(rows).T


# What loses clips and labels


def cells_read(cells: Sequence[object]) -> pd.DataFrame:
    """A row a cell of action units: what a loader of digits makes of it, and what the parser of this book."""
    rows = {}
    for cell in cells:
        units, remarks = read_action_units(cell)
        in_words = ", ".join(map(_in_words, units))
        rows[str(cell)] = {
            "digits only": digits_only(cell), "units": in_words, "remark": ", ".join(remarks)
        }  # fmt: skip
    return pd.DataFrame(rows).T.rename_axis("cell")


def digits_only(cell: object) -> str:
    """What stands between plus signs, without all that is no digit."""
    pieces = (re.sub(r"[^0-9]", "", part) for part in str(cell).split("+"))
    return " ".join(piece for piece in pieces if piece)


def _in_words(unit: ActionUnit) -> str:
    words = [f"AU {unit.number}", unit.side, unit.intensity]
    doubt = [f"({unit.alternative}?)"] if unit.alternative else []
    return " ".join([word for word in words if word] + doubt)


def middle_for_apex(corpus: Corpus) -> pd.DataFrame:
    """A row a clip: frames between its apex and the middle of onset and offset, and the movement that is left there."""
    clips = corpus.clips
    middle = (clips["onset"] + clips["offset"]) // 2
    shares = [_share_at_middle(corpus, clip) for clip in clips["clip"]]
    return pd.DataFrame({"frames": (middle - clips["apex"]).abs(), "share": shares})


def _share_at_middle(corpus: Corpus, clip: str) -> float:
    spec = corpus.spec(clip)
    level = spec.movements[0].weights
    return level((spec.onset + spec.offset) / 2).max() / level(spec.apex).max()
