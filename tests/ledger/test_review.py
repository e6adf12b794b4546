import base64
import gzip
import json
import re
from html.parser import HTMLParser
from io import BytesIO

import pandas as pd
import pytest
from typer.testing import CliRunner

from mer_core.cli import app
from mer_core.ledger import stored
from mer_core.ledger.experiments import listed, load_paper, uf1, verdicts
from mer_core.ledger.reproduction import reproduce
from mer_core.ledger.review import prose, review
from mer_core.ledger.stored import keep
from mer_core.training import Run, run, runs
from mer_core.training.parts import RunError
from tests.ledger.conftest import TOY


class Page(HTMLParser):
    """What a test asks a page: its elements, and the text below an id."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.texts, self.open = [], {}, []
        self.feed(html)

    def handle_starttag(self, name, attributes):
        self.elements.append((name, dict(attributes)))
        if name not in ("meta", "link", "br"):
            self.open.append((name, dict(attributes).get("id")))

    def handle_endtag(self, name):
        assert self.open.pop()[0] == name  # every element is closed where it should be

    def handle_data(self, text):
        for _, place in self.open:
            if place:
                self.texts[place] = self.texts.get(place, "") + text + " "

    def all(self, name, attribute):
        return [found[attribute] for kind, found in self.elements if kind == name and attribute in found]


@pytest.fixture
def made(toy):
    """A list of two experiments, both stored."""
    list(reproduce(listed("toy"), toy / "runs", toy / "results", workers=1))
    return toy


def page(folder):
    return Page(review(folder / "results", folder / "runs"))


def change(folder, n):
    """Other answers for the first clips of a stored run."""
    table = pd.read_parquet(folder / "predictions.parquet")
    table.loc[: n - 1, "predicted"] = (table.loc[: n - 1, "truth"] + 1) % 3
    table.to_parquet(folder / "predictions.parquet")


def test_every_run_is_on_the_page_with_its_score_listed_or_not(made):
    keep(Run.open(made / "runs" / "toy/flow"), made / "results" / "older/one")
    found = page(made)
    for name in ("toy/flow", "toy/guess", "older/one"):
        assert "synth-mini" in found.texts[f"run-{name}"]
        assert f"{name.replace('/', '-')}.predictions.csv.gz" in found.all("a", "download")
    score = uf1(Run(made / "results" / "toy/flow").predictions)
    assert f"{score:.3f} [" in review(made / "results", made / "runs")


def test_what_is_kept_takes_the_place_of_all_that_was_there(made):
    folder = made / "results" / "toy/flow"
    (folder / "epochs.parquet").write_text("of an older run")
    keep(Run.open(made / "runs" / "toy/flow"), folder)
    assert sorted(path.name for path in folder.iterdir()) == ["predictions.parquet", "run.json"]


def test_what_cannot_be_kept_takes_no_place(made, monkeypatch):
    folder = made / "results" / "toy/flow"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(stored, "readable", lambda predictions: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        keep(Run.open(made / "runs" / "toy/flow"), folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert sorted(path.name for path in (made / "results" / "toy").iterdir()) == ["flow", "guess"]


def test_a_stored_run_is_no_run_to_go_on_with(made):
    folder = made / "results" / "toy/flow"
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(RunError, match="toy/flow is a stored run, without its parts"):
        run(Run.open(folder).settings, folder)
    with pytest.raises(RunError, match="toy/flow is a stored run, without its parts"):
        keep(Run.open(folder), made / "results" / "toy/twin")
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize(("change", "same"), [({"device": "cuda"}, True), ({"groups": 3}, False)])
def test_a_run_on_another_device_is_the_same_and_one_with_other_settings_is_not(made, change, same):
    elsewhere = made / "runs" / "toy/flow-0123456789ab"
    (made / "runs" / "toy/flow").rename(elsewhere)
    record = json.loads((elsewhere / "run.json").read_text())
    record["settings"] |= change
    (elsewhere / "run.json").write_text(json.dumps(record))
    found = review(made / "results", made / "runs")
    assert ("no run of this page: toy/flow-0123456789ab" in found) == (not same)
    assert ("1 runs were computed again" in found, "2 runs were computed again" in found) == (not same, same)


def test_an_experiment_that_is_not_stored_is_not_passed_over(toy):
    found = page(toy)
    assert "not computed" in found.texts["run-toy/flow"]
    assert "not computed" in found.texts["claim-toy-motion"]


def test_the_predictions_on_the_page_are_those_stored(made):
    elements = page(made).elements
    held = {found["download"]: found["href"] for _, found in elements if "download" in found}
    data = held["toy-flow.predictions.csv.gz"].removeprefix("data:application/gzip;base64,")
    stored = Run(made / "results" / "toy/flow").predictions
    read = pd.read_csv(BytesIO(gzip.decompress(base64.b64decode(data))), dtype=dict(stored.dtypes))
    pd.testing.assert_frame_equal(read, stored, check_exact=True)


def test_a_claim_has_its_computed_verdict(made):
    verdict = verdicts(load_paper("toy"), made / "results").loc["motion"]
    said = page(made).texts["claim-toy-motion"]
    assert "motion helps" in said
    assert f"{verdict['difference']:+.3f} [{verdict['low']:+.3f}, {verdict['high']:+.3f}]" in said
    assert f"{verdict['p']:.4f}" in said
    assert verdict["verdict"] in said


def test_a_claim_says_in_what_its_two_runs_differ(made):
    (made / "toy.toml").write_text(
        TOY.replace('method = "majority"', 'method = "hoof"\nsettings = {bins = 4}')
    )
    load_paper.cache_clear()
    record = made / "results" / "toy/guess" / "run.json"
    other = (made / "results" / "toy/flow" / "run.json").read_text().replace('"bins": 8', '"bins": 4')
    record.write_text(other.replace('"limit": null', '"limit": 9'))
    assert "limit, bins" in page(made).texts["claim-toy-motion"]


def test_what_moved_is_named_with_its_clips_and_what_did_not_is_identical(made):
    truth = Run(made / "results" / "toy/flow").predictions
    change(made / "results" / "toy/flow", len(truth))
    differ = int((truth["predicted"] != (truth["truth"] + 1) % 3).sum())
    found = page(made)
    assert "DRIFTED" in found.texts["run-toy/flow"]
    assert f"{differ} answers differ" in found.texts["run-toy/flow"]
    assert "identical" in found.texts["run-toy/guess"]
    html = review(made / "results", made / "runs")
    assert "Beyond it: toy/flow." in html
    assert "every answer must be the same" in html


def test_an_unfinished_run_is_not_judged(made):
    begun = Run.open(made / "runs" / "toy/flow")
    begun.file(begun.parts()[0]).unlink()
    assert "unfinished: 1 parts missing" in page(made).texts["run-toy/flow"]


def test_a_run_by_other_code_is_not_judged(made, monkeypatch):
    assert "today's code" in page(made).texts["run-toy/flow"]
    monkeypatch.setattr(runs, "code_of", lambda method: "another")
    assert ", other code than today's" in page(made).texts["run-toy/flow"]
    assert "stale: 2 parts computed by other code than today's" in page(made).texts["run-toy/flow"]


def test_a_setting_that_differs_from_the_preset_or_from_the_list_is_said(made):
    (made / "toy.toml").write_text(TOY.replace('method = "hoof"', 'method = "hoof"\nseeds = [0, 1]'))
    load_paper.cache_clear()
    record = made / "results" / "toy/flow" / "run.json"
    record.write_text(record.read_text().replace('"bins": 8', '"bins": 5'))
    said = page(made).texts["run-toy/flow"]
    assert "bins = 5 (else " in said
    assert "seeds: [0, 1], ran with [0]" in said


def test_the_page_asks_no_other_host_and_its_links_lead_somewhere(made):
    found = page(made)
    assert any(rule.startswith("default-src 'none'") for rule in found.all("meta", "content"))
    assert not found.all("script", "src") + found.all("img", "src")
    links = found.all("a", "href") + found.all("link", "href")
    assert all(link.startswith(("#", "data:")) for link in links)
    places = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(places) == len(set(places))
    assert {link[1:] for link in links if link.startswith("#")} <= set(places)


def test_what_a_run_says_is_text_and_never_html(made):
    record = made / "results" / "toy/flow" / "run.json"
    evil = '<img src=x onerror=alert(1)>"'
    changed = re.sub('"machine": "[^"]*"', lambda _: f'"machine": "{evil[:-1]}"', record.read_text())
    record.write_text(changed)
    html = review(made / "results", made / "runs")
    assert "<img" not in html
    assert "&lt;img src=x" in html
    assert prose(f"`hoof` {evil}") == "<code>hoof</code> &lt;img src=x onerror=alert(1)&gt;&#34;"


def test_one_paper_alone_can_be_asked_for(made, monkeypatch):
    monkeypatch.chdir(made)
    keep(Run.open(made / "runs" / "toy/flow"), made / "results" / "older/one")
    asked = ["review", "--paper", "toy", "--out", str(made / "page.html"), "--runs", str(made / "runs")]
    assert "complete without a network" in CliRunner().invoke(app, asked).output
    assert "older/one" not in (made / "page.html").read_text()
    assert "there are toy" in str(CliRunner().invoke(app, [*asked[:2], "tay"]).exception)
