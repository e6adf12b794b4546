"""Every script on an imitation of its corpus: exactly the planted clips, labels and exclusions."""

import pandas as pd
import pytest

from mer_core.corpora import SourceError, TableError, survey
from mer_core.corpora.report import differences
from mer_core.corpora.sources.casme2 import CASME2
from mer_core.corpora.sources.casme3 import CASMECubed
from mer_core.corpora.sources.casme_sq import CASMESquared
from mer_core.corpora.sources.macro import Macro
from mer_core.corpora.sources.mmew import MMEW
from mer_core.corpora.sources.own import Own
from mer_core.corpora.sources.samm import SAMM
from mer_core.corpora.sources.smic import SMIC
from tests.corpora import (
    imitate_casme2,
    imitate_casme3,
    imitate_casme_sq,
    imitate_macro,
    imitate_mmew,
    imitate_own,
    imitate_samm,
    imitate_smic,
)

CASES = {
    "casme2": (CASME2, imitate_casme2.imitate, {}),
    "casme2 selected": (
        CASME2,
        lambda root: imitate_casme2.imitate(root, "CASME2_RAW_selected/CASME2_RAW_selected"),
        {},
    ),
    "casme2 cropped": (
        CASME2,
        lambda root: imitate_casme2.imitate(root, "Cropped-updated/Cropped", "reg_img{}.jpg"),
        {},
    ),
    "casme2 other capitals": (
        CASME2,
        lambda root: imitate_casme2.imitate(
            root, "data/casme2-raw", table="casme2-CODING-20190701.xlsx", subject="Sub{}"
        ),
        {},
    ),
    "samm": (SAMM, imitate_samm.imitate, {}),
    "samm cropped": (SAMM, lambda root: imitate_samm.imitate(root, "SAMM_CROP"), {}),
    "samm nested": (
        SAMM,
        lambda root: imitate_samm.imitate(root, "SAMM/SAMM_CROP", "SAMM_20181215_Micro_FACS_Codes_v2.xlsx"),
        {},
    ),
    "samm nested often": (SAMM, lambda root: imitate_samm.imitate(root, "SAMM/SAMM-full/SAMM-full/SAMM"), {}),
    "smic": (SMIC, imitate_smic.imitate, {}),
    "smic cropped": (
        SMIC,
        lambda root: imitate_smic.imitate(root, "SMIC_all_cropped", "reg_image{:06d}.bmp"),
        {},
    ),
    "smic long": (SMIC, imitate_smic.imitate_long, {"part": "HS-E"}),
    "smic long, visible light": (
        SMIC,
        lambda root: imitate_smic.imitate_long(root, "VIS"),
        {"part": "VIS-E"},
    ),
    "smic long, own table": (
        SMIC,
        lambda root: imitate_smic.imitate_long(root, "VIS", "SMIC-VIS-E_annotation.xlsx", "Sheet1"),
        {"part": "VIS-E"},
    ),
    "smic long, near infrared": (
        SMIC,
        lambda root: imitate_smic.imitate_long(root, "NIR", "SMIC-NIR-E_annotation.xlsx", "VIS"),
        {"part": "NIR-E"},
    ),
    "mmew": (MMEW, imitate_mmew.imitate, {}),
    "mmew repression": (MMEW, lambda root: imitate_mmew.imitate(root, others="repression"), {}),
    "casme_sq": (CASMESquared, imitate_casme_sq.imitate, {}),
    "casme_sq other names": (
        CASMESquared,
        lambda root: imitate_casme_sq.imitate(root, "RawPic", "code_final.xlsx"),
        {},
    ),
    "casme3": (CASMECubed, imitate_casme3.imitate, {}),
    "casme3 clips": (CASMECubed, lambda root: imitate_casme3.imitate(root, clips=True), {}),
    "casme3 part C": (CASMECubed, imitate_casme3.imitate_part_c, {"part": "C"}),
    "own": (Own, imitate_own.imitate, {}),
    "own without apex": (
        Own,
        lambda root: imitate_own.imitate(root, known=False, columns=False),
        {"called": "own", "fps": 50},
    ),
    "own with empty columns": (Own, lambda root: imitate_own.imitate(root, known=False), {}),
    "macro casme3 emotions": (Macro, imitate_macro.casme3_emotions, {"corpus": "casme3"}),
    **{
        f"macro {name}": (Macro, imitate, {"corpus": name})
        for name, imitate in imitate_macro.IMITATIONS.items()
    },
}


def found(script, imitate, options, root, **asked):
    planted = imitate(root)
    source = script(root, options=script.Options.parse(options))
    return planted, survey(source, **asked)


@pytest.mark.parametrize("case", CASES)
def test_a_script_finds_exactly_what_was_planted(case, tmp_path):
    planted, made = found(*CASES[case], tmp_path)
    columns = ["emotion", "onset", "apex", "offset", "action_units"]
    rows = made.clips.set_index("clip")[columns].astype(object)
    rows = rows.where(rows.notna(), None).to_dict("index")
    assert rows == planted.clips


@pytest.mark.parametrize("case", CASES)
def test_everything_else_is_left_out_with_its_reason(case, tmp_path):
    planted, made = found(*CASES[case], tmp_path)
    reasons = {line.clip or line.where: line.reason for line in made.left_out.itertuples()}
    assert reasons.keys() == planted.left_out.keys()
    assert {
        name: reasons[name][: len(reason)] for name, reason in planted.left_out.items()
    } == planted.left_out


@pytest.mark.parametrize("case", CASES)
def test_every_frame_of_a_clip_lies_where_the_table_says(case, tmp_path):
    _, made = found(*CASES[case], tmp_path)
    numbers = made.frames.groupby("clip")["frame"].agg(["min", "max", "count"])
    clips, numbers = made.clips.set_index("clip"), numbers.loc[made.clips["clip"]]
    assert (numbers["min"] == clips["onset"]).all()
    assert (numbers["max"] == clips["offset"]).all()
    assert (numbers["count"] == clips["frames"]).all()
    assert all((tmp_path / path).is_file() for path in made.frames["path"])


def test_a_repair_is_applied_by_name_and_reported(tmp_path):
    _, made = found(*CASES["casme3"], tmp_path, repairs=["key-frames"])
    clips = made.clips.set_index("clip")
    assert clips.loc["casme3/spNO.214/c_5", "offset"] == 34
    assert clips.loc["casme3/spNO.216/e_0", ["onset", "apex"]].tolist() == [1, 1]
    report = made.report.set_index("clip")["repaired"]
    assert report["casme3/spNO.214/c_5"] == "key-frames: offset 34"
    assert report["casme3/spNO.1/b_166"] == ""


def test_gaps_and_a_missing_apex_are_bridged_only_if_asked_for(tmp_path):
    _, made = found(*CASES["smic"], tmp_path / "smic", repairs=["gaps"])
    holes = made.frames[made.frames["clip"] == "smic/s03/s3_sur_05"].set_index("frame")["path"]
    assert holes[100203] == holes[100202]
    _, made = found(*CASES["casme2"], tmp_path / "casme2", repairs=["middle-apex"])
    assert made.clips.set_index("clip").loc["casme2/sub04/EP12_01f", "apex"] == 23


def test_remarks_are_kept(tmp_path):
    _, made = found(*CASES["casme2"], tmp_path)
    remarks = made.report.set_index("clip")["remark"]
    assert "soft focus" in remarks["casme2/sub26/EP13_11"]
    assert remarks["casme2/sub05/EP09_05f"] == "apex at the onset: no movement"


def test_samm_alternatives_are_settled_by_a_repair(tmp_path):
    _, made = found(*CASES["samm"], tmp_path, repairs=["either-unit"])
    units = made.clips.set_index("clip")["action_units"]
    assert units[["samm/007/007_6_1", "samm/011/011_4_2"]].tolist() == ["R12+R15", "L14"]


def test_totals_of_units_name_the_repair_that_changes_them(tmp_path):
    _, made = found(*CASES["samm"], tmp_path)
    told = [line for line in differences(made) if line.startswith("action unit")]
    assert told
    assert all("`--repair either-unit` changes some" in line for line in told)


def test_the_macro_expressions_of_the_second_corpus_are_an_option(tmp_path):
    _, made = found(
        CASMESquared, imitate_casme_sq.imitate, {"expressions": "macro", "emotion": "feeling"}, tmp_path
    )
    assert made.clips["clip"].tolist() == ["casme_sq/s16/anger2_2_4"]
    assert made.clips["action_units"].tolist() == ["4+6+24"]
    assert isinstance(made.report, pd.DataFrame)


def test_a_table_without_header_whose_columns_moved_is_refused(tmp_path, monkeypatch):
    moved = [(row[1], row[0], *row[2:7], row[8], row[7]) for row in imitate_casme_sq.ROWS]
    monkeypatch.setattr(imitate_casme_sq, "ROWS", moved)
    with pytest.raises(
        TableError, match=r"row 1: expected macro-expression or micro-expression in column 8.*got 'disgust'"
    ):
        found(CASMESquared, imitate_casme_sq.imitate, {}, tmp_path)


@pytest.mark.parametrize("case", CASES)
def test_an_empty_folder_is_answered_with_what_was_expected(case, tmp_path):
    script, _, options = CASES[case]
    with pytest.raises(SourceError, match="Expected"):
        survey(script(tmp_path, options=script.Options.parse(options)))
