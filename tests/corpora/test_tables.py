import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mer_core.corpora.tables import TableError, padded, read_plain_table, read_table, text, whole_number
from tests.corpora.imitate import write_sheets

COLUMNS = {"subject": ("Subject",), "onset": ("OnsetFrame", "Onset Frame"), "emotion": ("Estimated Emotion",)}
ROWS = [("01", 46, "happiness"), (2, "50", "fear")]


def table(path, header=("Subject", "OnsetFrame", "Estimated Emotion"), rows=ROWS, before=(), sheet="Sheet1"):
    write_sheets(path, {sheet: [*before, header, *rows], "Sheet2": []})
    return path


def values(read):
    return [[text(cell) for cell in row] for row in read[["subject", "onset", "emotion"]].to_numpy()]


EXPECTED = [["01", "46", "happiness"], ["2", "50", "fear"]]


def test_columns_are_found_by_name_wherever_they_stand(tmp_path):
    shuffled = ("Estimated Emotion", None, "OnsetFrame", "Subject")
    rows = [(emotion, None, onset, subject) for subject, onset, emotion in ROWS]
    assert values(read_table(table(tmp_path / "a.xlsx", shuffled, rows), COLUMNS)) == EXPECTED


def test_a_preamble_other_spelling_and_empty_rows_do_not_matter(tmp_path):
    path = table(
        tmp_path / "a.xlsx",
        ("SUBJECT ", "onset  frame", "Estimated_Emotion"),
        [*ROWS[:1], (), *ROWS[1:]],
        [("title",), ()],
    )
    read = read_table(path, COLUMNS)
    assert values(read) == EXPECTED
    assert read["row"].tolist() == [4, 6]  # as the spreadsheet numbers them


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_file_is_read_in_whatever_it_was_saved(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_text(
        "Subject,OnsetFrame,Estimated Emotion,备注\n01,46,happiness,好\n2,50,fear,\n", encoding=encoding
    )
    assert values(read_table(path, COLUMNS)) == EXPECTED


def test_a_missing_column_is_named_beside_what_is_there(tmp_path):
    path = table(tmp_path / "a.xlsx", ("Subject", "Onset", "Estimated Emotion"))
    with pytest.raises(
        TableError, match=r"lacks the columns \['OnsetFrame'\].*'Subject', 'Onset', 'Estimated Emotion'"
    ):
        read_table(path, COLUMNS)


def test_a_missing_sheet_is_looked_for_in_the_others(tmp_path):
    assert len(read_table(table(tmp_path / "a.xlsx", sheet="other"), COLUMNS, sheet="Sheet1")) == 2
    write_sheets(tmp_path / "b.xlsx", {"empty": [], "notes": [("nothing",)]})
    with pytest.raises(TableError, match="sheets empty, notes"):
        read_table(tmp_path / "b.xlsx", COLUMNS, sheet="Sheet1")


def test_what_is_no_table_is_refused(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"no workbook")
    with pytest.raises(TableError, match="can't be read as a table"):
        read_table(tmp_path / "a.xlsx", COLUMNS)
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))  # and is cut off
    with pytest.raises(TableError, match="can't be read as a table"):
        read_table(tmp_path / "a.xls", COLUMNS)
    with pytest.raises(TableError, match="There is no label table"):
        read_table(tmp_path / "b.xlsx", COLUMNS)


def test_a_table_without_header_is_read_by_place(tmp_path):
    write_sheets(tmp_path / "a.xlsx", {"first": ROWS, "second": [(1, "s15", 2)]})
    read = read_plain_table(tmp_path / "a.xlsx", ("subject", "onset", "emotion"))
    assert values(read) == EXPECTED
    with pytest.raises(TableError, match="expected 4 columns"):
        read_plain_table(tmp_path / "a.xlsx", ("a", "b", "c", "d"))
    with pytest.raises(TableError, match="no sheet 'third'; it has first, second"):
        read_plain_table(tmp_path / "a.xlsx", ("a",), sheet="third")


@given(st.integers(-(10**9), 10**9), st.sampled_from(["int", "float", "text", "blanks", "point"]))
def test_a_whole_number_is_one_however_it_is_stored(number, stored):
    forms = {
        "int": number,
        "float": float(number),
        "text": f"{number}",
        "blanks": f" {number} ",
        "point": f"{number}.0",
    }
    assert whole_number(forms[stored]) == number


@pytest.mark.parametrize("cell", ["/", "", "4.5", 4.5, "frame 7", None, np.nan, pd.NA, "1e3", "²"])
def test_what_is_no_whole_number_is_none(cell):
    assert whole_number(cell) is None


def test_numbers_are_padded_as_folders_are():
    assert [padded(cell, 2) for cell in (1, "01", "1.0", 26.0, "x7")] == ["01", "01", "01", "26", "x7"]
