"""A folder that looks like the book's and has small data, for the commands that the book prints."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from mer_core import open_corpus
from mer_core.corpora.command import run_script
from mer_core.faces.corpus import CARDS
from mer_core.training import parts
from tests.book.printed import SCRIPTS
from tests.book.tiny import ROOT
from tests.corpora import imitate_casme2, imitate_mmew, imitate_own, imitate_samm, imitate_smic
from tests.corpora.points import write_still_landmarks

IMITATIONS = {
    "casme2": imitate_casme2,
    "samm": imitate_samm,
    "smic": imitate_smic,
    "mmew": imitate_mmew,
    "own": imitate_own,
}


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A folder that looks like the book's, with small corpora in it; nothing is written outside of it."""
    here, patch = tmp_path_factory.mktemp("book"), pytest.MonkeyPatch()
    for place in ROOT.iterdir():
        if place.name in (
            "_toc.yml",
            "results",
            "data_scripts",
            "mer_core",
            "references.bib",
            "requirements.lock",
        ):
            (here / place.name).symlink_to(place)
    shutil.copytree(ROOT / "chapters", here / "chapters")  # a command may write there
    patch.chdir(here)
    patch.setenv("XDG_CACHE_HOME", str(here / "cache"))
    patch.setattr(os, "cpu_count", lambda: 1)  # so that all of it happens in this process
    patch.setitem(CARDS, "synth", CARDS["synth-mini"].replace(name="synth"))
    parts.material.cache_clear()
    _imitate()
    yield here
    patch.undo()
    parts.material.cache_clear()


def _imitate():
    """The folders that commands name: what owners hand out, what scripts made of it, and a clip."""
    for name, imitation in IMITATIONS.items():
        root = Path("MYCLIPS" if name == "own" else name.upper())
        root.mkdir()
        planted = imitation.imitate(root)
        out = ["--out", "mine", "--called", "mine", "--fps", "100"] if name == "own" else ["--out", name]
        if name == "casme2":
            write_still_landmarks("points.parquet", planted)
            out += ["--landmarks", "points.parquet"]
        run_script(SCRIPTS[name], ["--root", str(root), *out])
    frames = open_corpus("synth-mini").frames("synth-mini/s01/03", np.arange(60) / 200, 128)
    Path("myclip").mkdir()
    for number, frame in enumerate(frames):
        cv2.imwrite(f"myclip/img{number}.png", frame[..., ::-1])
