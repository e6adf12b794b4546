import re

import nbformat
import pandas as pd
import pytest
from docutils.nodes import make_id

from mer_core.figures.claims import section
from mer_core.ledger.experiments import load_paper, paper_names
from mer_core.studies import claims
from tests.book.tiny import ROOT

EVIDENCE = ROOT / "chapters" / "evidence"
JUDGED = pd.DataFrame(
    {
        "claim": ["one is better", "two is better", "three is better", "four is better"],
        "difference": [0.2, 0.04, -0.3, 0.1],
        "low": [0.1, -0.06, -0.4, -0.2],
        "high": [0.3, 0.14, -0.2, 0.4],
        "p": [0.001, 0.4, 0.0001, 0.5],
        "seeds": [1, 1, 3, 3],
        "verdict": ["supported", "undecided", "not supported", "undecided"],
    },
    index=["fdp: order", "fdp: motion", "mol: raw", "mol: flow"],
)


def test_every_claim_is_linked_to_its_chapter_and_its_two_runs():
    nothing = dict.fromkeys(("difference", "low", "high"), float("nan")) | {
        "claim": "",
        "verdict": "not computed",
    }
    names = [f"{paper}: {claim}" for paper in paper_names() for claim in load_paper(paper).claims]
    html = claims.claims_table(pd.DataFrame([nothing] * len(names), index=names)).data
    for row, name in zip(html.split("<tr>")[2:], names, strict=True):
        paper, claim = name.split(": ")
        asked = load_paper(paper).claims[claim]
        links = re.findall(r'<a href="([^"]+)">([^<]+)</a>', row)
        tests, runs = section(paper, "claims"), section(paper, "runs")
        assert links == [(tests, name), (runs, asked.better), (runs, asked.worse)]


def test_a_run_of_another_list_leads_to_that_list(monkeypatch):
    paper = load_paper("baselines")
    claim = paper.claims["flow"].model_copy(update={"better": "famnet/clip"})
    monkeypatch.setattr(claims, "load_paper", lambda _: paper.model_copy(update={"claims": {"flow": claim}}))
    html = claims.claims_table(JUDGED[:1].set_axis(["baselines: flow"])).data
    assert '<a href="../papers/famnet.html#results">famnet/clip</a>' in html
    assert '<a href="../foundations/baselines.html#all-five">hoof</a>' in html


def test_a_difference_has_its_interval():
    row = {"claim": "", "difference": 0.2, "low": 0.1, "high": 0.4, "verdict": "supported"}
    assert "+0.200 [+0.100, +0.400]" in claims.claims_table(pd.DataFrame([row], index=["fdp: order"])).data


@pytest.mark.parametrize(
    "place",
    sorted({section(p, what) for p in paper_names() if load_paper(p).claims for what in ("claims", "runs")}),
)
def test_a_link_leads_to_a_section_that_the_chapter_has(place):
    page, anchor = place.split("#")
    cells = nbformat.read((EVIDENCE / page).with_suffix(".ipynb"), as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert anchor in {make_id(head) for head in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def test_verdicts_are_counted_by_list_and_kind():
    made = claims.counts(JUDGED)
    assert made.loc["fdp"].tolist() == [1, 1, 0, 0]
    assert made.loc["mol"].tolist() == [0, 1, 1, 0]
    assert len(claims.tested(JUDGED.replace("undecided", "not computed"))) == 2


def test_counting_all_lists_at_once_leaves_fewer():
    told = claims.says_together(JUDGED, 0.05)
    assert told.startswith(
        "4 claims were tested, 50% of them are undecided. If all 4 were nothing but chance, about 0.2"
    )
    assert "2 differences remain" in told
    assert told.endswith(
        "- found as claimed: *one is better*\n- found the other way round: *three is better*"
    )
    assert "0 differences remain" in claims.says_together(JUDGED.assign(p=0.02), 0.05)


def test_what_can_be_seen_is_half_a_width_and_large_undecided_claims_are_counted():
    told = claims.says_visible(JUDGED)
    assert "a difference of 0.10 of UF1" in told
    assert "1 of the 2 undecided claims show more than 0.05" in told


@pytest.mark.parametrize(("spread", "lucky"), [(0.1, "fdp: order"), (0.02, "none")])
def test_a_claim_on_one_seed_and_less_than_seeds_differ_may_be_luck(spread, lucky):
    seeds = pd.DataFrame({"seed 0": [0.5], "seed 1": [0.5 + spread * 2**0.5]}, index=["fdp: a"])
    told = claims.says_luck(JUDGED, seeds)
    assert f"over seeds is {spread:.3f}" in told
    assert told.endswith(f"Of the 1 supported claims these are such: {lucky}.")
    assert "none." in claims.says_luck(JUDGED.assign(seeds=3), seeds)


def test_without_several_seeds_luck_is_not_measured():
    assert "can't be measured" in claims.says_luck(JUDGED, pd.DataFrame())


def test_the_undecided_claim_with_the_largest_difference_needs_so_many_subjects():
    assert claims.says_subjects_needed(JUDGED).splitlines() == [
        "mol: flow: difference +0.100, half a width 0.300", "9.0 times as many subjects"
    ]  # fmt: skip
    assert claims.says_subjects_needed(JUDGED.assign(verdict="supported")) == "nothing is undecided"


def test_a_claim_is_told_by_its_two_runs():
    paper = load_paper("fdp")
    claim = paper.claims["order"]
    told = claims.says_claim(paper, "order").splitlines()
    assert told[0] == f"order: {claim.says}"
    assert told[1].strip() == f"paper: {paper.experiments['paper'].about}"
    assert re.fullmatch(r"UF1 0\.\d{3} and 0\.\d{3}, p = 0\.\d{4}", told[3])


def test_a_claim_whose_run_is_not_stored_is_not_computed(monkeypatch):
    monkeypatch.setattr(claims, "find_run", lambda name: None)
    assert claims.says_claim(load_paper("fdp"), "order").endswith("not computed yet")


def test_every_list_with_claims_is_a_row():
    rows = claims.lists()
    assert "inflate" not in rows.index  # one run, no claim
    assert rows.loc["five", "claims"] == len(load_paper("five").claims)


def test_the_best_of_many_equals_looks_better_than_it_is():
    assert claims.best_of(1, 0.03) == pytest.approx(0, abs=1e-3)
    assert claims.best_of(3, 1.0) == pytest.approx(0.85, abs=0.01)


def test_a_parameter_names_a_list():
    with pytest.raises(ValueError, match="no paper 'moll'"):
        claims.Chapter(level=0.05, paper="moll")
