"""A label table from anywhere can neither exhaust memory nor end in a stack."""

import struct
import zipfile

import pytest

from mer_core.corpora.tables import TableError, read_table, text
from tests.corpora.imitate import write_sheets

COLUMNS = {"subject": ("Subject",), "onset": ("OnsetFrame",)}
HEADER = ("Subject", "OnsetFrame")
BOUNDS = "a label table has at most 100,000 rows and 200 columns"


def changed(path, member, change):
    """A workbook of which one part is another."""
    write_sheets(path, {"Sheet1": [HEADER, (1, 2)]})
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts[member] = change(parts.get(member, b""))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts.items():
            new.writestr(name, data)
    return path


SHEET = "xl/worksheets/sheet1.xml"
END = b"</sheetData>"


def cell(row, column):
    """One more cell, anywhere."""
    more = b'<row r="%d"><c r="%s%d"><v>1</v></c></row>' % (row, column, row)
    return SHEET, lambda data: data.replace(END, more + END)


LAUGHS = b"".join(b"<!ENTITY a%d '%s'>" % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 10))
DAMAGED = {
    "a cell in the last corner": (*cell(1048576, b"XFD"), f"row 1048576 reaches column XFD: {BOUNDS}"),
    "a row that no sheet has": (*cell(10**11, b"A"), BOUNDS),
    "a column that no sheet has": (*cell(3, b"ZZZZZZ"), "can't be read as a table"),
    "much behind little": (
        SHEET,
        lambda data: data + bytes(64 << 20),
        "has 64 MiB unpacked: a label table has",
    ),
    "broken XML": (SHEET, lambda data: data[: len(data) // 2], "can't be read as a table"),
    "no XML": ("xl/workbook.xml", lambda data: b"?", "can't be read as a table"),
    "entities of entities": (
        SHEET,
        lambda data: b"<!DOCTYPE l [<!ENTITY a0 'aaaaaaaaaa'>" + LAUGHS + b"]><a>&a9;</a>",
        "can't be read as a table",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_crafted_workbook_is_refused_by_name_and_bound(tmp_path, name):
    member, change, reason = DAMAGED[name]
    with pytest.raises(TableError, match=reason) as error:
        read_table(changed(tmp_path / "a.xlsx", member, change), COLUMNS)
    assert str(error.value).startswith("a.xlsx")
    assert "\n" not in str(error.value)


def test_an_empty_cell_in_the_last_corner_is_no_matter(tmp_path):
    corner = b'<row r="1048576"><c r="XFD1048576" s="0"/></row>'
    path = changed(tmp_path / "a.xlsx", SHEET, lambda data: data.replace(END, corner + END))
    assert len(read_table(path, COLUMNS)) == 1


TEXTS = {
    "a row of a million cells": b"Subject,OnsetFrame\n" + b"," * 10**6 + b"1\n",
    "a row too many": b"Subject,OnsetFrame\n" + b"1,2\n" * 100_000,
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_has_the_same_bounds(tmp_path, name):
    (tmp_path / "a.csv").write_bytes(TEXTS[name])
    with pytest.raises(TableError, match=rf"a\.csv: row .* reaches column .*: {BOUNDS}"):
        read_table(tmp_path / "a.csv", COLUMNS)


def test_a_file_too_large_is_not_opened(tmp_path):
    with (tmp_path / "a.csv").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(TableError, match=r"a\.csv has 1048576 MiB unpacked: a label table has at most 32"):
        read_table(tmp_path / "a.csv", COLUMNS)


def test_other_kinds_of_tables_are_refused_with_what_to_do(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    with pytest.raises(TableError, match=r"a\.ods is no Excel workbook: save it as \.xlsx or \.csv"):
        read_table(tmp_path / "a.ods", COLUMNS)
    (tmp_path / "a.csv").write_bytes(b'Subject,OnsetFrame\n"' + b"x" * 200_000)
    with pytest.raises(TableError, match=r"a\.csv can't be read as a table \(field larger than"):
        read_table(tmp_path / "a.csv", COLUMNS)


# What is read


def old_workbook(rows):
    """An .xls of the first version: records of text and numbers."""
    made = [(0x0009, struct.pack("<HH", 2, 0x10))]
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            place = struct.pack("<HH3x", row, column)
            if isinstance(cell, str):
                made.append((0x0004, place + bytes([len(cell)]) + cell.encode()))
            elif cell is not None:
                made.append((0x0003, place + struct.pack("<d", cell)))
    return b"".join(struct.pack("<HH", kind, len(data)) + data for kind, data in [*made, (0x000A, b"")])


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.xls", old_workbook([HEADER, (1, "46"), (None, None), (2, 50)])),
        ("a.csv", "Subject;OnsetFrame\n1;46\n;\n2;50\n".encode("utf-16")),
        (
            "a.tsv",
            b"Subject\tOnsetFrame\n1\t46\n\t\n\xff2\t50\n".replace(b"\xff", b"\xa0"),
        ),  # neither UTF-8 nor Chinese
    ],
)
def test_old_workbooks_and_other_separators_are_read_as_well(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    read = read_table(tmp_path / name, COLUMNS)
    assert [[text(cell) for cell in row] for row in read.to_numpy()] == [["1", "46", "2"], ["2", "50", "4"]]
