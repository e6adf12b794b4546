"""Of trees, tables, sheets and columns that could be meant, what is taken is said; where none is, what lies there."""

import shutil

import pytest
from openpyxl import load_workbook

from mer_core import open_clipset
from mer_core.corpora import SourceError, TableError, survey
from mer_core.corpora.command import run_script
from mer_core.corpora.sources.casme2 import CASME2
from mer_core.corpora.sources.casme3 import CASMECubed
from mer_core.corpora.sources.casme_sq import CASMESquared
from mer_core.corpora.sources.macro import Macro
from mer_core.corpora.sources.mmew import MMEW
from mer_core.corpora.sources.samm import SAMM
from mer_core.corpora.sources.smic import SMIC
from tests.corpora import (
    imitate_casme2,
    imitate_casme3,
    imitate_casme_sq,
    imitate_macro,
    imitate_mmew,
    imitate_samm,
    imitate_smic,
)
from tests.corpora.imitate import write_frames
from tests.corpora.points import write_still_landmarks

LONG = SMIC.Options(part="HS-E")
TABLE = "CASME2-coding-20190701.xlsx"


def taken(source):
    return survey(source).source.taken


def test_of_two_trees_the_one_taken_stands_on_the_screen_and_in_the_provenance(tmp_path, capsys):
    imitate_casme2.imitate(tmp_path / "in", "Cropped-updated/Cropped", "reg_img{}.jpg")
    imitate_casme2.imitate(tmp_path / "in", "CASME2_RAW_selected/CASME2_RAW_selected")
    imitate_casme2.imitate(tmp_path / "in", "deeper/CASME2-RAW")
    words = ["--root", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--view", "frames=2,size=16"]
    run_script(CASME2, [*words, "--workers", "1"])
    said = (
        "pictures deeper/CASME2-RAW (as filmed); also there: "
        "CASME2_RAW_selected/CASME2_RAW_selected (onset to offset only), Cropped-updated/Cropped (cropped)"
    )
    assert f"  {said}\n" in capsys.readouterr().out
    assert open_clipset(tmp_path / "out").provenance["taken"] == [f"table {TABLE}, sheet Sheet1", said]


@pytest.mark.parametrize(
    ("root", "said"),
    [
        ("", "SAMM (as filmed); also there: SAMM_CROP (cropped)"),
        ("SAMM_CROP", "SAMM_CROP (cropped)"),
    ],
)
def test_an_edition_is_known_by_the_names_of_its_folders(tmp_path, root, said):
    imitate_samm.imitate(tmp_path)
    imitate_samm.imitate(tmp_path, "SAMM_CROP")
    labels = tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx"
    assert taken(SAMM(tmp_path / root, labels))[1] == f"pictures {said}"


def with_sheets(root, change):
    imitate_casme2.imitate(root)
    book = load_workbook(root / TABLE)
    change(book)
    book.save(root / TABLE)
    return survey(CASME2(root))


def test_a_sheet_that_is_shown_is_taken_before_a_hidden_one(tmp_path):
    def change(book):
        old = book.copy_worksheet(book["Sheet1"])
        old.title, old["I2"] = "old", "anger"
        book.move_sheet("old", -3)
        old.sheet_state = "hidden"

    made = with_sheets(tmp_path, change)
    assert f"table {TABLE}, sheet Sheet1; also possible: old (hidden)" in made.source.taken
    assert made.clips["emotion"][0] == "disgust"


def test_a_hidden_sheet_that_alone_is_a_table_is_said_to_be_hidden(tmp_path):
    made = with_sheets(tmp_path, lambda book: setattr(book["Sheet1"], "sheet_state", "hidden"))
    assert f"table {TABLE}, sheet Sheet1 (hidden)" in made.source.taken


def test_of_two_columns_the_one_taken_is_said(tmp_path):
    def change(book):
        book["Sheet1"]["J1"], book["Sheet1"]["K1"] = "Apex Frame", "apex_frame"

    said = "column E (ApexFrame) of sheet Sheet1; also possible: J (Apex Frame), K (apex_frame)"
    assert said in with_sheets(tmp_path, change).source.taken


def test_of_two_tables_none_is_guessed(tmp_path):
    imitate_casme2.imitate(tmp_path)
    (tmp_path / "old").mkdir()
    shutil.copy(tmp_path / TABLE, tmp_path / "old" / "CASME2-coding-20140508.xlsx")
    with pytest.raises(
        SourceError, match=rf"found several \({TABLE}, old/CASME2-coding-20140508.xlsx\). Name it with"
    ):
        survey(CASME2(tmp_path))


def test_a_camera_is_not_read_as_another(tmp_path):
    imitate_smic.imitate(tmp_path)
    assert taken(SMIC(tmp_path)) == ["pictures SMIC_all_raw/HS (as filmed)"]
    with pytest.raises(SourceError, match="No clip was found"):
        survey(SMIC(tmp_path / "SMIC_all_raw" / "HS", options=SMIC.Options(part="VIS")))
    imitate_smic.imitate_long(tmp_path)  # the sheet VIS is empty
    table = tmp_path / "SMIC-HS-E_annotation.xlsx"
    long = tmp_path / "SMIC-E_raw image"
    (long / "HS_long").rename(long / "VIS_long")
    with pytest.raises(SourceError, match="No clip was found"):
        survey(SMIC(tmp_path, table, SMIC.Options(part="VIS-E")))
    book = load_workbook(table)
    del book["VIS"]
    book.save(table)
    with pytest.raises(TableError, match=r"\(sheet Sheet3\) lacks the columns"):
        survey(SMIC(tmp_path, table, SMIC.Options(part="VIS-E")))


def test_frames_in_colour_are_taken_for_neither_other_pictures_nor_another_part(tmp_path):
    imitate_casme3.imitate(tmp_path)
    write_frames(tmp_path / "depth" / "spNO.1" / "b", range(160, 190), "{}.png")
    write_frames(tmp_path / "part_C" / "spNO.1" / "b", range(160, 190), "{}.png")
    said = "pictures part_A/data/part_A (as filmed); also there: depth (depth)"
    assert said in taken(CASMECubed(tmp_path))


def test_macro_expressions_say_which_table_and_folder_they_took(tmp_path):
    imitate_macro.casme3(tmp_path / "both")
    shutil.rmtree(tmp_path / "both" / "part_A")
    imitate_macro.casme3_emotions(tmp_path)
    said = taken(Macro(tmp_path, options=Macro.Options(corpus="casme3")))
    table = "cas(me)3_part_A_MaE_label_JpgIndex_v2_emotion.xlsx"
    assert f"table {table}; also there: CAS(ME)3_part_A_v2.xlsx" in said
    imitate_macro.ck_plus(tmp_path / "ck")
    shutil.copytree(tmp_path / "ck" / "Emotion", tmp_path / "ck" / "old" / "Emotion")
    assert "Emotion; also there: old/Emotion" in taken(Macro(tmp_path / "ck"))


def test_a_folder_that_is_no_clips_is_named(tmp_path):
    imitate_casme2.imitate(tmp_path / "casme2")
    write_frames(tmp_path / "casme2" / "CASME2-RAW" / "subject 9" / "EP01_01", [1], "img{}.jpg")
    said = taken(CASME2(tmp_path / "casme2"))
    assert "folders beside the subjects', not looked into: subject 9" in said
    imitate_mmew.imitate(tmp_path / "mmew")
    write_frames(tmp_path / "mmew" / "MMEW_Final" / "Micro_Expression" / "fear" / "S13-02", [1], "{}.jpg")
    imitate_smic.imitate_long(tmp_path / "smic")
    write_frames(tmp_path / "smic/SMIC-E_raw image/HS_long/SMIC-HS-E/s01/s1_ne_1x", [1], "{}.jpg")
    for source, folder in (
        (MMEW(tmp_path / "mmew"), "S13-02"),
        (SMIC(tmp_path / "smic", options=LONG), "s1_ne_1x"),
    ):
        assert f"folder {folder}" in survey(source).left_out["where"].tolist()


# Nothing there


def test_videos_instead_of_pictures_are_recognised(tmp_path):
    imitate_casme_sq.imitate(tmp_path)
    shutil.rmtree(tmp_path / "CAS(ME)^2" / "rawpic")
    film = tmp_path / "CAS(ME)^2" / "rawvideo" / "s15" / "15_0101disgustingteeth.avi"
    film.parent.mkdir(parents=True)
    film.write_bytes(b"RIFF")
    said = r"with 1 videos \(CAS\(ME\)\^2/rawvideo/s15/15_0101disgustingteeth.avi, …\) it is the edition of videos"
    with pytest.raises(SourceError, match=said):
        survey(CASMESquared(tmp_path))


def test_where_nothing_is_found_the_message_says_what_lies_there(tmp_path):
    imitate_casme2.imitate(tmp_path)
    (tmp_path / "CASME2-RAW").rename(tmp_path / "frames of mine")
    for folder in (tmp_path / "frames of mine").iterdir():
        folder.rename(folder.with_name(folder.name.replace("sub", "person")))
    for name in ("@eaDir", "__MACOSX", ".git"):
        (tmp_path / name).mkdir()
    with pytest.raises(SourceError) as error:
        survey(CASME2(tmp_path))
    assert f"{tmp_path.name} holds {TABLE}, frames of mine/. Expected a tree" in str(error.value)
    assert f"the first: row 2 of {TABLE}, folder missing: sub01/EP02_01f" in str(error.value)
    (tmp_path / TABLE).unlink()
    with pytest.raises(SourceError, match=r"found none: .* holds frames of mine/. Name it with --labels"):
        survey(CASME2(tmp_path))


# The command line


def refused(script, *words):
    with pytest.raises(SystemExit) as error:
        run_script(script, [str(word) for word in words])
    return error.value.code


@pytest.mark.parametrize("count", ["0", "-1", "two", "1.5", "1e9", "9999999"])
def test_no_process_at_all_is_no_number_of_processes(tmp_path, capsys, count):
    assert refused(CASME2, "--root", tmp_path, "--check", "--workers", count) == 2
    assert f"argument --workers: expected a number of 1 or more, got '{count}'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["../mine", "mine/../..", "Mine", "a b", "mine\n", "mine+synth", "", "a" * 41]
)
def test_a_corpus_is_called_by_a_plain_word(tmp_path, name):
    from mer_core.corpora.sources.own import Own

    said = refused(Own, "--root", tmp_path, "--check", "--called", name)
    assert f"called = {name!r}: String should" in said


def test_a_view_of_exact_motion_is_estimated_on_a_licensed_corpus(tmp_path, capsys):
    planted = imitate_casme2.imitate(tmp_path / "in")
    write_still_landmarks(tmp_path / "points.parquet", planted)
    words = ["--root", tmp_path / "in", "--out", tmp_path / "out", "--landmarks", tmp_path / "points.parquet"]
    run_script(CASME2, [*map(str, words), "--view", "mol", "--workers", "1"])
    assert open_clipset(tmp_path / "out").provenance["view"]["flow"] == "dis"
    assert "Next: mer run mol --set flow=dis --corpus" in capsys.readouterr().out
