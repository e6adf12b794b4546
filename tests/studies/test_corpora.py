import re

import pandas as pd
import pytest

from mer_core import open_corpus
from mer_core.corpora.sources.casme2 import CASME2
from mer_core.corpora.sources.smic import SMIC
from mer_core.protocols import class_map, published_counts, published_selections
from mer_core.studies import corpora
from mer_core.studies.corpora import LEFT_OUT, MAPS, class_map_bars

OF = {
    "three": {"disgust": "negative", "fear": "negative", "surprise": "surprise", "others": None},
    "all": {name: name for name in ("disgust", "fear", "surprise", "others")},
}
CLIPS = {"disgust": 6, "fear": 1, "surprise": 2, "others": 3}


def maps():
    return class_map_bars(CLIPS, OF)


# What is published


def test_every_corpus_says_what_it_holds_and_what_it_lacks():
    table = corpora.overview([CASME2, SMIC])
    assert list(table.index) == ["CASME II", "SMIC"]
    assert table[["apex", "action units"]].to_numpy().tolist() == [["yes", "yes"], ["no", "no"]]
    assert table.loc["CASME II", "what it holds"].startswith("255 micro-expressions")


@pytest.mark.parametrize("version", ["2014", "2019", "updated"])
def test_the_reader_chooses_the_table_of_casme2_and_no_clip_is_lost_in_the_counts(version):
    tables = corpora.label_tables(version)
    assert tables["casme2"].version == version
    counts, about = corpora.by_emotion(tables), corpora.described(tables)
    assert counts.sum().to_dict() == about["clips"].to_dict()


def test_a_class_holds_the_clips_of_its_emotions():
    table = published_counts("casme2", "2014")
    kept = corpora.in_classes(table, "casme2-3class")
    by_hand = dict.fromkeys(kept.index, 0)
    for emotion, n in table.counts.items():
        if label := class_map("casme2-3class")("casme2", emotion):
            by_hand[label] += n
    assert kept.to_dict() == by_hand
    assert corpora.casme2_sizes().loc["casme2-3class", "2014"] == kept.sum()
    assert set(corpora.classes_of(table)) == set(MAPS)


def test_a_selection_follows_or_is_listed_with_its_reason():
    follows, otherwise = corpora.selections()
    assert 0 < follows <= len(published_selections()) - len(otherwise)
    assert otherwise["why"].str.len().min() > 10


def test_two_clips_of_the_composite_of_2019_are_kept_by_the_map_and_not_listed():
    composite = corpora.composite("megc2019-3class", ["casme2", "samm", "smic"])
    assert composite.sum(axis=1).to_dict() == {"casme2": 145, "samm": 133, "smic": 164}
    assert corpora.kept_but_not_listed(composite)["clips"].to_dict() == {
        "negative": 2, "positive": 0, "surprise": 0,
    }  # fmt: skip


# Figures


def test_the_figure_of_a_class_map_says_in_words_what_it_shows():
    assert "three keeps 9 of 12 clips" in maps().layout.meta["alt"]
    assert len(maps().to_json()) < 10_000


def visible(figure, number):
    shown = figure.layout.updatemenus[0].buttons[number].args[0]["visible"]
    return [part for part, is_shown in zip(figure.data, shown, strict=True) if is_shown]


@pytest.mark.parametrize("number", range(len(OF)))
def test_no_clip_is_lost_on_its_way_to_a_class(number):
    of = list(OF.values())[number]
    made = {part.text: (part.y[0], part.x[0]) for part in visible(maps(), number)}
    assert made == {name: (of[name] or LEFT_OUT, n) for name, n in CLIPS.items()}


def test_what_a_map_leaves_out_is_its_last_bar():
    assert [part.y[0] for part in visible(maps(), 0)] == ["negative", "negative", "surprise", LEFT_OUT]


def test_one_map_is_shown_at_first_and_the_menu_shows_one_at_a_time():
    figure = maps()
    assert [part for part in figure.data if part.visible] == visible(figure, 0)
    assert not set(map(id, visible(figure, 0))) & set(map(id, visible(figure, 1)))


# An imitation


@pytest.fixture(scope="module")
def three_clips(tmp_path_factory):
    """A tree and a table like those of CASME II: one clip whose names need no order, one that does, one lost."""
    root = tmp_path_factory.mktemp("imitation") / "CASME2"
    for name, numbers in {"a": (1, 2), "b": (98, 99, 100)}.items():
        folder = root / "CASME2-RAW" / "sub01" / name
        folder.mkdir(parents=True)
        for number in numbers:
            (folder / f"img{number}.jpg").touch()
    rows = pd.DataFrame({"Subject": [1, 1, 1], "Filename": ["a", "b", "lost"]})
    rows.to_excel(root / "CASME2-coding-20190701.xlsx", index=False)
    return root


def test_the_usual_loader_loses_a_row_and_the_order(three_clips):
    loaded = {name: frames for _, name, frames in corpora.usual_loader(three_clips)}
    assert list(loaded) == ["a", "b"]
    assert loaded["b"] == ["img100.jpg", "img98.jpg", "img99.jpg"]


def test_the_tree_counts_files(three_clips):
    lines = corpora.tree(three_clips).splitlines()
    assert lines == ["CASME2/CASME2-RAW/sub01/a (2 files)", "CASME2/CASME2-RAW/sub01/b (3 files)"]


def test_a_command_is_shown_with_all_that_it_says(tmp_path, capsys):
    corpora.terminal("python data_scripts/casme2.py --root nowhere --check", tmp_path)
    shown = capsys.readouterr().out
    assert shown.startswith("$ python data_scripts/casme2.py --root nowhere --check\ncasme2: ")
    assert max(map(len, shown.splitlines())) <= 79


@pytest.mark.parametrize("source", [CASME2, SMIC])
def test_a_sheet_holds_commands_traps_and_repairs(source):
    sheet = corpora.sheet(source)
    assert f"python data_scripts/{source.name}.py" in sheet
    assert all(f"- {trap}" in sheet for trap in source.traps)
    assert all(f"`--repair {name}`" in sheet for name in source.repairs)
    assert not re.search(r"(?<!<)https?://", sheet)
    assert set(source.repairs) <= set(corpora.repairs(source)["name"])


# What loses clips and labels


def test_digits_alone_make_units_that_nobody_saw():
    table = corpora.cells_read([4, "12 or 14", "R14+soft focus"])
    assert table["digits only"].tolist() == ["4", "1214", "14"]
    assert table["units"].tolist() == ["AU 4", "AU 12 (1?), AU 14 (1?)", "AU 14 right"]
    assert table["remark"].tolist() == ["", "", "soft focus"]


def test_the_middle_of_a_clip_misses_its_apex_by_so_much():
    mini = open_corpus("synth-mini")
    table = corpora.middle_for_apex(mini)
    first = mini.clips.iloc[0]
    assert table["frames"][0] == abs((first["onset"] + first["offset"]) // 2 - first["apex"])
    assert table["share"].between(0, 1).all()
