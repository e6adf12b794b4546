"""Every checked number under other kernels of this machine: so the next machine holds no surprise.

A stored output is called checked when any machine may compute it. Here each chapter's checked cells and the tests that
hold numbers run on two threads, and on machines that this one imitates: without AVX-512, with all of it, and without
AVX2. `--only numpy-old` and the like tell which library a failure comes from. What is finished is remembered until the
chapter, the code or the test changes, so that an interrupted call goes on. A machine takes as long as `make test`.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

from mer_core.book.build import NBVAL
from mer_core.book.contents import BookError, chapters, digest, files, inputs, of
from mer_core.numerics import processor

TESTS = (
    "tests/vision",
    "tests/faces",
    "tests/methods",
    "tests/scoring",
    "tests/ledger",
    "tests/studies",
    "tests/figures",
    "tests/training/test_fit.py",
    "tests/test_prediction.py",
)
READ_BY_TESTS = ("mer_core", "tests", "results")
COLOURS = re.compile(r"\x1b\[\d*m")


@dataclass(frozen=True)
class Kernels:
    """Some kernels in place of those that are pinned, and what a processor must have to run them."""

    environment: dict[str, str]
    needs: str | None = None

    def __or__(self, other: "Kernels") -> "Kernels":
        return Kernels(self.environment | other.environment, self.needs or other.needs)


WIDE = "avx512vl"
NO_AVX512 = "X86_V4 AVX512_ICL AVX512_SPR"
LIBRARIES = {
    "numpy": Kernels({"NPY_DISABLE_CPU_FEATURES": NO_AVX512}, WIDE),
    "numpy-old": Kernels(
        {"NPY_DISABLE_CPU_FEATURES": f"X86_V3 {NO_AVX512}", "OPENBLAS_CORETYPE": "Nehalem"}, "avx2"
    ),
    "opencv-new": Kernels({"OPENCV_CPU_DISABLE": "", "OPENCV_IPP": "avx512"}, WIDE),
    "opencv-old": Kernels(
        {
            "OPENCV_CPU_DISABLE": "AVX2,FP16" + (",AVX512-SKX" if WIDE in processor() else ""),
            "OPENCV_IPP": "sse42",
        },
        "avx2",
    ),
    "torch-new": Kernels(
        {"ATEN_CPU_CAPABILITY": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE", "MKL_CBWR": "AUTO"}, WIDE
    ),
    "torch-old": Kernels(
        {
            "ATEN_CPU_CAPABILITY": "default",
            "ONEDNN_MAX_CPU_ISA": "SSE41",
            "MKL_CBWR": "AUTO",
            "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        },
        "avx2",
    ),
    "pinned": Kernels({}),
}
MACHINES = {
    "threads": Kernels(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "2")),
    "avx2": LIBRARIES["numpy"],  # the rest is pinned to it
    "avx512": LIBRARIES["opencv-new"] | LIBRARIES["torch-new"],
    "old": LIBRARIES["numpy-old"] | LIBRARIES["opencv-old"] | LIBRARIES["torch-old"],
}
SETTINGS = MACHINES | LIBRARIES


@dataclass(frozen=True)
class Item:
    """A chapter or a place of tests, under one setting; what is known of it lies in a file."""

    root: Path
    name: str
    setting: str

    @property
    def file(self) -> Path:
        """Where it lies."""
        return self.root / "_build" / "kernels" / self.setting / f"{self.name.replace('/', '-')}.json"

    @property
    def key(self) -> str:
        """Changes when anything does that it depends on."""
        kernels = repr(SETTINGS[self.setting].environment)
        if self.name.endswith(".ipynb"):
            return digest(kernels + of(inputs(self.root, self.name, with_outputs=True)), ())
        return digest(kernels, [path for name in READ_BY_TESTS for path in files(self.root / name)])

    def known(self) -> dict | None:
        """What an earlier call found, if it still holds."""
        found = json.loads(self.file.read_text(encoding="utf-8")) if self.file.exists() else {}
        return found if found.get("key") == self.key else None

    def examine(self) -> None:
        """Run it and remember what failed, and how."""
        key, kernels = self.key, SETTINGS[self.setting].environment
        with TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            options = NBVAL if self.name.endswith(".ipynb") else ()
            call = [sys.executable, "-m", "pytest", *options, "-n0", "-q", f"--junitxml={report}", self.name]
            environment = {**os.environ, **kernels}
            made = subprocess.run(
                call, cwd=self.root, env=environment, capture_output=True, check=False, encoding="utf-8"
            )
            if made.returncode not in (0, 1):  # 1: something failed; else it was stopped, or never began
                raise BookError(f"{self.name} can't be run under {self.setting}:\n{made.stdout}{made.stderr}")
            failed = dict(failures(report.read_text(encoding="utf-8")))
        self.file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.file.with_suffix(".unfinished")
        unfinished.write_text(
            json.dumps({"key": key, "failed": failed}, indent=1, ensure_ascii=False), encoding="utf-8"
        )
        unfinished.replace(self.file)


def examine(root: Path, jobs: int, names: Sequence[str] = (), only: Sequence[str] = ()) -> str:
    """Run what is not known yet, and return the table of all that fails."""
    asked = [Item(root, name, setting) for setting in _settings(only) for name in _items(root, names)]
    todo = [item for item in asked if item.known() is None]
    print(f"{len(todo)} to run, {len(asked) - len(todo)} known", flush=True)
    with ThreadPoolExecutor(jobs) as pool:
        try:
            running = {pool.submit(item.examine): item for item in todo}
            for count, done in enumerate(as_completed(running), start=1):
                done.result()
                item = running[done]
                print(f"[{count}/{len(todo)}] {item.setting}: {item.name}  {_verdict(item)}", flush=True)
        finally:
            pool.shutdown(cancel_futures=True)
    return table(asked)


def table(items: Sequence[Item]) -> str:
    """A line a cell or test, and what it said where: grouped, since one cell mostly fails under several settings."""
    found: dict[str, dict[str, list[str]]] = {}
    for item in items:
        for where, said in (item.known() or {"failed": {}})["failed"].items():
            found.setdefault(f"{item.name}, {where}", {}).setdefault(said, []).append(item.setting)
    lines = [f"\n{len(found)} cells and tests fail under some of {', '.join(_used(items))}."]
    for place, answers in found.items():
        lines.append(place)
        for said, settings in answers.items():
            lines += [f"  under {', '.join(settings)}:", *(f"    {line}" for line in said.splitlines())]
    return "\n".join(lines)


def failures(report: str) -> Iterator[tuple[str, str]]:
    """Each cell or test that failed, and what it said of the old and the new value, from pytest's report."""
    for case in ElementTree.fromstring(report).iter("testcase"):
        for problem in [*case.findall("failure"), *case.findall("error")]:
            place = case.get("classname", "").replace(".", "/")
            yield (
                f"{place} {case.get('name')}".strip(),
                old_and_new(problem.text or problem.get("message", "")),
            )


def old_and_new(text: str) -> str:
    """The lines of a failure that show the numbers: those of a tolerance, of a cell's comparison, or of a test's."""
    lines = [line.rstrip() for line in COLOURS.sub("", text).splitlines() if line.strip()]
    moved = [line.strip() for line in lines if re.search(r"stored .+, computed ", line)]
    compared = [
        re.sub(r"^  \+ ", "stored   ", re.sub(r"^  - ", "computed ", line))
        for line in lines
        if re.match(r"  [+-] ", line)
    ]
    tested = [line for line in lines if line.startswith("E ")]
    return "\n".join((moved or compared or tested or lines[-3:])[:8])


def _verdict(item: Item) -> str:
    failed = item.known()["failed"]
    return f"{len(failed)} FAILED" if failed else "passed"


def _used(items: Sequence[Item]) -> list[str]:
    return list(dict.fromkeys(item.setting for item in items))


def _settings(only: Sequence[str]) -> list[str]:
    """Those that were asked for, or every machine that this processor can imitate."""
    if unknown := [name for name in only if name not in SETTINGS]:
        raise BookError(f"There are no kernels {unknown[0]!r}; there are {', '.join(SETTINGS)}.")
    can = [name for name, kernels in SETTINGS.items() if kernels.needs in (None, *processor())]
    if lacking := [name for name in only if name not in can]:
        raise BookError(f"This processor can't run {lacking[0]!r}: it has no {SETTINGS[lacking[0]].needs}.")
    return [name for name in can if name in (only or MACHINES)]


def _items(root: Path, names: Sequence[str]) -> list[str]:
    """Chapters by their name (mol), and places of tests (tests/vision); all of them if there is none."""
    every = {Path(chapter).stem: chapter for chapter in chapters(root)} | {place: place for place in TESTS}
    if unknown := [name for name in names if name not in every]:
        raise BookError(f"Expected some of {', '.join(every)}; got {unknown[0]!r}.")
    return [item for name, item in every.items() if not names or name in names]
