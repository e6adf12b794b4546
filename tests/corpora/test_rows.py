"""Whatever a label table holds, each of its rows ends as a clip or as a line that says why not."""

from datetime import datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from mer_core.corpora import SourceError, survey
from mer_core.corpora.sources.casme2 import CASME2
from mer_core.corpora.sources.casme_sq import CASMESquared
from mer_core.corpora.sources.macro import Macro
from mer_core.corpora.sources.mmew import MMEW
from mer_core.corpora.sources.own import Own
from mer_core.corpora.sources.samm import SAMM
from mer_core.corpora.sources.smic import SMIC
from tests.corpora import (
    imitate_casme2,
    imitate_casme_sq,
    imitate_macro,
    imitate_mmew,
    imitate_own,
    imitate_samm,
    imitate_smic,
)
from tests.corpora.imitate import write_frames

FIRST = "casme2/sub01/EP02_01f"  # row 2 of the table


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    root = tmp_path_factory.mktemp("casme2")
    imitate_casme2.imitate(root)
    return root


def edited(root, table, cells, below=()):
    """The same corpus with some cells of its table changed, and rows below a gap."""
    path = root / "edited" / table
    book = load_workbook(root / table)
    for place, value in cells.items():
        book.active[place] = value
    end = book.active.max_row + 3
    for line, row in enumerate(below, start=end):
        for column, value in enumerate(row, start=1):
            book.active.cell(line, column, value)
    path.parent.mkdir(exist_ok=True)
    book.save(path)
    return path, end


def lines(script, root, labels, **options):
    """The report by the row of the table."""
    made = survey(script(root, labels, options=script.Options.parse(options)))
    rows = made.report[made.report["where"].str.startswith("row ")]
    return rows.assign(row=rows["where"].str.extract(r"row (\d+) of", expand=False).astype(int)).set_index(
        "row"
    )


def casme2(corpus, cells=None, below=()):
    path, end = edited(corpus, "CASME2-coding-20190701.xlsx", cells or {}, below)
    return lines(CASME2, corpus, path), end


odd = st.sampled_from([
    None, "", " ", "/", 0, -3, 10**8, 1e22, "12,5", "12.000", "9" * 400, True, "#N/A", "../x", "\u00a08", "Total", 46.5,
    datetime(2026, 5, 4), time(4, 5), "４",
])  # fmt: skip
places = st.builds("{}{}".format, st.sampled_from("ABDEFHIK"), st.integers(2, 15))


@settings(max_examples=12)
@given(st.dictionaries(places, odd, max_size=5))
def test_no_row_is_lost_whatever_stands_in_it(corpus, cells):
    path, _ = edited(corpus, "CASME2-coding-20190701.xlsx", cells)
    sheet = load_workbook(path).active
    filled = {
        row[0].row
        for row in sheet.iter_rows(min_row=2)
        if any(str(c.value or "").strip() or c.value == 0 for c in row)
    }
    found = lines(CASME2, corpus, path)
    assert sorted(found.index) == sorted(filled)
    assert found.loc[found["outcome"] != "clip", "reason"].str.fullmatch("[a-z ]+: .+").all()


def test_a_row_that_stands_twice_counts_once_and_contradicting_rows_not_at_all(corpus):
    same = ("01", "EP02_01f", None, 8, 12, 17, None, "4+L10", "disgust")
    other = ("01", "ep03_02", None, 95, 99, 103, None, 12, "surprise")
    found, end = casme2(corpus, below=[same, other])
    assert found.loc[2, "outcome"] == "clip"
    assert found.loc[end, "reason"] == "stands more than once: as in row 2 of CASME2-coding-20190701.xlsx"
    assert (
        found.loc[3, "reason"]
        == f"stands more than once: row {end + 1} of CASME2-coding-20190701.xlsx says otherwise"
    )
    assert found.loc[end + 1, "outcome"] == "left out"


def test_rows_of_some_cells_are_reported_and_rows_below_a_gap_are_read(corpus):
    below = [
        (None, None, "a note"),
        ("01", None, None, 3),
        (1.0, "ep02_01F", None, "9", "12.0", 17, None, 4, " Disgust "),
    ]
    found, end = casme2(corpus, {"A2": None}, below)
    assert found.loc[2, "reason"].startswith("no name: the row has no subject (of merged cells")
    assert found.loc[end, "reason"].startswith("no name: the row has no subject and no clip")
    assert found.loc[end + 1, "reason"].startswith("no name: the row has no clip")
    assert found.loc[end + 2, ["clip", "outcome"]].tolist() == ["casme2/sub01/ep02_01F", "clip"]


@pytest.mark.parametrize("subject", [1, "1", "001", "sub01", "Sub 1", "SUB001", 1.0, " 01\u00a0"])
def test_a_subject_is_the_same_however_it_is_written(corpus, subject):
    found, _ = casme2(corpus, {"A2": subject})
    assert found.loc[2, ["clip", "outcome"]].tolist() == [FIRST, "clip"]


@pytest.mark.parametrize(
    ("cell", "value", "reason"),
    [
        ("F2", 10**8, "too long: 99,999,993 frames, 8 to 100000000, of at most 100,000"),
        ("D2", 10**12, "no frame number: onset is 1000000000000, the highest is 999,999,999"),
        ("D2", "8,0", "not a number: onset is '8,0'"),
        ("D2", "8.000", "not a number: onset is '8.000'"),  # eight thousand, where a point divides thousands
        ("H2", datetime(2026, 1, 2), "no action units: a spreadsheet made a date of the cell, 2026-01-02"),
        ("H2", "2-Jan", "no action units: a spreadsheet made a date of the cell, 2-Jan; type it as text"),
        ("H2", time(4, 5), "no action units: the cell is a time, 04:05:00"),
        ("H2", True, "no action units: the cell is a bool, True"),
        ("I2", "hapiness", "unknown label: 'hapiness' is none of happiness, surprise"),
        ("B2", "../EP02_01f", "unclear name: '../EP02_01f' can't be part of a clip's name"),
    ],
)  # fmt: skip
def test_what_cannot_be_so_is_refused_by_its_row(corpus, cell, value, reason):
    found, _ = casme2(corpus, {cell: value})
    assert found.loc[2, "reason"].startswith(reason)


def test_units_of_which_nothing_can_be_read_are_unknown_not_absent(corpus):
    path, _ = edited(corpus, "CASME2-coding-20190701.xlsx", {"H2": "soft focus", "H3": None})
    units = survey(CASME2(corpus, path)).clips["action_units"]
    assert units.isna().tolist()[:2] == [True, False]


# What names, folders and tables say of each other


def test_samm_names_that_contradict_each_other_are_reported(tmp_path):
    imitate_samm.imitate(tmp_path)
    (tmp_path / "SAMM" / "006" / "006_1_3" / "006_10325.jpg").rename(
        tmp_path / "SAMM/006/006_1_3/007_10325.jpg"
    )
    path, _ = edited(tmp_path, "SAMM_Micro_FACS_Codes_v2.xlsx", {"A15": "007"})
    found = lines(SAMM, tmp_path, path)
    assert found.loc[15, "reason"] == "contradiction: subject 007, but the clip is called 006_1_2"
    assert found.loc[16, "remark"] == "contradiction: subject 006, but a frame is called 007_10325.jpg"


def test_smic_names_that_contradict_their_folder_or_table_are_reported(tmp_path):
    imitate_smic.imitate(tmp_path)
    micro = tmp_path / "SMIC_all_raw" / "HS" / "s1" / "micro"
    (micro / "negative" / "s1_ne_01").rename(micro / "positive" / "s1_ne_01")
    (micro / "positive" / "s1_po_02").rename(micro / "positive" / "s3_po_02")
    reasons = survey(SMIC(tmp_path)).report.set_index("clip")["reason"]
    assert reasons["smic/s01/s1_ne_01"] == "contradiction: positive, but the clip is called s1_ne_01"
    assert reasons["smic/s01/s3_po_02"] == "contradiction: subject s01, but the clip is called s3_po_02"
    imitate_smic.imitate_long(tmp_path)
    path, _ = edited(tmp_path, "SMIC-HS-E_annotation.xlsx", {"Q2": "surprise", "A3": 4})
    found = lines(SMIC, tmp_path, path, part="HS-E")
    assert found.loc[2, "reason"] == "contradiction: surprise, but the clip is called s20_ne_01"
    assert found.loc[3, "reason"] == "contradiction: subject s04, but the clip is called s3_sur_05"


def test_mmew_folders_that_contradict_the_table_are_reported(tmp_path):
    imitate_mmew.imitate(tmp_path)
    path, _ = edited(tmp_path / "MMEW_Final", "MMEW_Micro_Exp.xlsx", {"G2": "Sadness", "A3": 12})
    found = lines(MMEW, tmp_path, path)
    assert found.loc[2, "remark"] == "contradiction: sadness in the table, but the folder is happiness"
    assert found.loc[3, "reason"] == "contradiction: subject S12, but the clip is called S13-07-001"


def test_casme_squared_is_read_row_by_row(tmp_path):
    imitate_casme_sq.imitate(tmp_path)
    cells = {"G1": "disgust", "H2": "micro expresion", "A6": 4}
    path, end = edited(tmp_path / "CAS(ME)^2", "CAS(ME)^2code_final.xlsx", cells, [(1, "disgust1_2")])
    made = survey(CASMESquared(tmp_path, path))
    reasons = made.report.set_index("where")["reason"]
    assert reasons[f"row 1 of {path.name}"].startswith(
        "unknown label: 'disgust' is none of positive, negative"
    )
    assert reasons[f"row 2 of {path.name}"].startswith("unknown kind: 'micro expresion'")
    assert reasons[f"row 6 of {path.name}"] == "folder missing: s20/0505"
    assert reasons[f"row {end} of {path.name}"].startswith("unknown kind: ''")
    assert "2 rows are no micro-expressions" in made.source.taken


def test_casme_squared_believes_no_list_of_participants_against_another(tmp_path):
    imitate_casme_sq.imitate(tmp_path)
    path = tmp_path / "CAS(ME)^2" / "CAS(ME)^2code_final.xlsx"
    book = load_workbook(path)
    book["naming rule1"]["B3"] = "s20"
    book.save(path)
    made = survey(CASMESquared(tmp_path))
    reasons = made.report.set_index("where")["reason"]
    assert reasons[f"row 2 of {path.name}"] == "contradiction: s19, but the sheet naming rule1 says s20"
    assert "the folder is called 23_" not in str(made.report["remark"].tolist())


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("9", "unknown label: '9' in S005_001_00000007_emotion.txt is none of 0, 1, 2"),
        ("-1", "unknown label: '-1'"),
        ("", "unknown label: ''"),
        ("nan", "unknown label: 'nan'"),
        ("3.5", "unknown label: '3.5'"),
    ],
)
def test_a_label_of_ck_plus_that_is_none_leaves_its_sequence_out(tmp_path, said, reason):
    imitate_macro.ck_plus(tmp_path)
    (tmp_path / "Emotion/S005/001/S005_001_00000007_emotion.txt").write_text(said)
    (tmp_path / "Emotion/S005/009").mkdir()
    (tmp_path / "Emotion/S005/009/S005_009_00000007_emotion.txt").write_text("1.0")
    reasons = survey(Macro(tmp_path)).report.set_index("clip")["reason"]
    assert reasons["ckplus/S005/001"].startswith(reason)
    assert reasons["ckplus/S005/009"] == "folder missing: S005/009"
    assert reasons["ckplus/S005/002"] == ""


def test_labels_of_ck_plus_that_contradict_each_other_count_not_at_all(tmp_path):
    imitate_macro.ck_plus(tmp_path)
    (tmp_path / "Emotion/S005/001/S005_001_00000009_emotion.txt").write_text("4.0")
    (tmp_path / "Emotion/S005/002/S006_002_00000007_emotion.txt").write_text("4.0")
    write_frames(tmp_path / "cohn-kanade-images/S007/001", range(3), "S007_001_{:08d}.png")
    reasons = survey(Macro(tmp_path)).report.set_index("clip")["reason"]
    assert reasons["ckplus/S005/001"].startswith(
        "contradiction: S005_001_00000007_emotion.txt and S005_001_0"
    )
    assert reasons["ckplus/S005/002"] == (
        "contradiction: the label of S005_002 is called S006_002_00000007_emotion.txt"
    )


def test_labels_of_dfew_that_are_none_or_differ_leave_their_clips_out(tmp_path):
    imitate_macro.dfew(tmp_path)
    splits = tmp_path / "EmoLabel_DataSplit"
    (splits / "train(single-labeled)" / "set_1.csv").write_text("video_name,label\n1,1\n27,8\n12,\n")
    (splits / "test(single-labeled)" / "set_1.csv").write_text("video_name,label\n1,2\n300,3\n")
    reasons = survey(Macro(tmp_path, options=Macro.Options(corpus="dfew"))).report.set_index("clip")["reason"]
    where = "row 2 of train(single-labeled)/set_1.csv and row 2 of test(single-labeled)/set_1.csv"
    assert reasons["dfew/00001/00001"] == f"contradiction: {where} differ"
    assert reasons["dfew/00027/00027"].startswith("unknown label: '8' in row 3 of train")
    assert reasons["dfew/00012/00012"].startswith("unknown label: '' in row 4 of train")
    assert reasons["dfew/00300/00300"] == ""


def test_two_folders_of_one_clip_are_unclear(tmp_path):
    imitate_own.imitate(tmp_path)
    write_frames(tmp_path / "Anna" / "Smile 3", range(10, 21), "{}.png")
    write_frames(tmp_path / "BEN" / "scar", range(3), "{}.png")
    reasons = survey(Own(tmp_path)).report.set_index("clip")["reason"]
    assert (
        reasons["own/anna/smile 3"] == "unclear folder: Anna/Smile 3 and anna/smile 3 are both Anna/Smile 3"
    )
    assert reasons["own/anna/brow"] == ""


def test_a_table_of_macro_expressions_is_not_taken_for_micro(tmp_path):
    from mer_core.corpora.sources.casme3 import CASMECubed

    imitate_macro.casme3_emotions(tmp_path)
    with pytest.raises(SourceError, match=r"is a table of macro-expressions: give it to macro.py"):
        survey(CASMECubed(tmp_path, next(tmp_path.glob("*.xlsx"))))
