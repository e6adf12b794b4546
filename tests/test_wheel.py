"""The installed package stands alone: a wheel, in an environment with what it asks for and nothing else."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import mer_core
from tests.book.tiny import ROOT

READS = [
    "mer_core",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CITATION.cff",
    "requirements.txt",
    "requirements.lock",
]
METADATA = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
STEPS = """\
--version
methods
corpora
classes
prepare casme2 --root CASME2 --repair middle-apex --out casme2 --workers 1
run ststnet --corpus casme2 --folds 2 --set epochs=1 --keep-weights --out runs/net --workers 1
run hoof --corpus casme2 --folds 2 --out runs/hoof --workers 1
show runs/net
compare runs/net runs/hoof
predict CASME2/CASME2-RAW/sub01/EP01_01 --run runs/net
keep runs/net mine/net
review --out review.html
run mypkg.mine:Mine --corpus casme2 --folds 2 --workers 1
reproduce --sample 1
book --stored
"""
OUTSIDER = """\
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from mer_core import cli, pinned
from mer_core.corpora import imitation

imitation.FACE = 48  # quick to draw
imitation.imitate_casme2(Path("CASME2"))
said = {}
for step in sys.stdin.read().splitlines():
    sys.argv = ["mer", *step.split()]
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(out):
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code
    said[step] = code, out.getvalue()
print(json.dumps({"said": said, "file": cli.__file__, "modules": sorted({name.split(".")[0] for name in sys.modules})}))
"""
MINE = """\
from mer_core.methods.hoof import HOOF

class Mine(HOOF):
    name = "mine"
"""


def needed(name: str, found: dict[str, Distribution]) -> dict[str, Distribution]:
    """What a distribution asks for without any extra, and what that asks for, by name."""
    try:
        made = distribution(name)
    except PackageNotFoundError:  # for another system
        return found
    if made.name not in found:
        found[made.name] = made
        for asked in map(Requirement, made.requires or ()):
            if asked.marker is None or asked.marker.evaluate({"extra": ""}):
                needed(asked.name, found)
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder as pip would fill it for the core alone: our wheel unpacked, all else linked."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    (source / "mer_core").symlink_to(ROOT / "mer_core")
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        source,
        source,
    ]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = source.glob("*.whl")
    shutil.unpack_archive(wheel, site, "zip")
    core: dict[str, Distribution] = {}
    for line in METADATA["dependencies"]:
        needed(Requirement(line).name, core)
    for made in core.values():
        for top in {file.parts[0] for file in made.files} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(made.locate_file(top))
    return site


@pytest.fixture(scope="module")
def outsider(site, tmp_path_factory):
    """All steps, one after the other, in a folder that knows nothing of the book."""
    here = tmp_path_factory.mktemp("here")
    (here / "mypkg").mkdir()
    (here / "mypkg" / "mine.py").write_text(MINE)
    # -S: nothing of this environment but what is linked.
    environment = {**os.environ, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(here / "cache")}
    made = subprocess.run(
        [sys.executable, "-S", "-c", OUTSIDER],
        cwd=here,
        env=environment,
        input=STEPS,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout) | {"here": here, "site": site}


@pytest.mark.parametrize("step", STEPS.splitlines()[:-1])
def test_a_wheel_with_its_core_alone_does(outsider, step):
    code, said = outsider["said"][step]
    assert code in (0, None), said


def test_what_it_says_is_what_was_asked_for(outsider):
    said = {step.split()[0]: text for step, (_, text) in outsider["said"].items()}
    assert said["--version"] == f"mer_core {mer_core.__version__}\n"
    assert "clips as 8x144" in said["prepare"]
    assert "mypkg.mine:Mine (book)" in said["run"]  # the last of them
    assert "2 of 2 stored answers are the same" in said["reproduce"]
    assert "UF1" in said["show"]
    assert (outsider["here"] / "results" / "mine" / "net" / "run.json").exists()
    assert "mine/net" in (outsider["here"] / "review.html").read_text(encoding="utf-8")
    record = json.loads((outsider["here"] / "runs" / "net" / "run.json").read_text())
    assert record["code"]["mer_core"] == mer_core.__version__


def test_what_needs_the_book_says_so_in_one_line(outsider):
    code, _ = outsider["said"]["book --stored"]
    assert code == "mer: the package IPython is missing: `make` installs it, or `pip install mer-core[book]`."


def test_nothing_of_the_repository_and_of_the_extras_was_imported(outsider):
    assert Path(outsider["file"]).is_relative_to(outsider["site"])
    extras = {
        "jupyter_book",
        "papermill",
        "nbval",
        "pytest",
        "playwright",
        "sphinx",
        "nbformat",
        "IPython",
        "ruff",
    }
    assert not extras & set(outsider["modules"])


def test_types_travel_with_the_wheel(site):
    assert (site / "mer_core" / "py.typed").exists()
    assert (site / "mer_core" / "book" / "static" / "NOTICE").exists()


# The metadata


def test_every_bound_has_its_reason():
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    bounds = [line for line in lines if re.match(r'\s+"[\w-]+[<>=]', line)]
    assert len(bounds) == sum(
        map(len, [METADATA["dependencies"], *METADATA["optional-dependencies"].values()])
    )
    assert all(re.search(r'",\s+# \S', line) for line in bounds)


def test_the_locked_versions_are_those_that_the_metadata_allow():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    locked = {asked.name: asked for asked in map(Requirement, lines)}
    extras = METADATA["optional-dependencies"]
    for line in [*METADATA["dependencies"], *extras["book"], *extras["dev"]]:
        asked = Requirement(line)
        (version,) = locked[asked.name].specifier
        assert asked.specifier.contains(version.version), line


def test_one_file_installs_the_whole():
    lines = [
        line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")
    ]
    assert lines == ["--editable .[book,dev]"]


def test_there_is_one_version():
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert cited[1] == mer_core.__version__
    assert METADATA["dynamic"] == ["version"]
