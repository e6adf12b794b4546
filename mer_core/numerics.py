"""Which kernels compute: pinned to the same kind on every x86-64 machine with AVX2, and recorded as they really are.

A training run is chaotic. The same seed with other kernels agrees to 1e-5 for ten steps and then drifts until the
score has moved as far as another seed would move it. On one machine pinned trainings repeat bit for bit; on another of
the same class they need not. (Measured: of 14 networks that were trained again on another machine one gave all answers
again, and all scores moved less than other seeds move them. Why is not known.)

Importing the package pins nothing: whoever imports a metric keeps his threads. The doors of the book pin, before the
libraries read what they may take: the `mer` command; a chapter, a script, a test or a benchmark by `mer_core.pinned`,
its first import. Workers take what their parent has. What the environment already says wins, so that anyone can measure
the difference.

NumPy's own kernels are not pinned: without AVX-512 five of eight million pixels of `synth` differ by one grey level,
and what results/ holds was rendered with it. They are recorded, and a ClipSet of other kernels has another key.
"""

import ctypes
import os
import platform
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

# What each library reads once: OpenCV and NumPy's OpenBLAS when they are imported, torch when it first computes.
PINNED = {
    "numpy": {"OPENBLAS_CORETYPE": "Haswell"},  # products of matrices
    "cv2": {"OPENCV_CPU_DISABLE": "AVX512-SKX", "OPENCV_IPP": "avx2"},  # optical flow
    "torch": {
        "ATEN_CPU_CAPABILITY": "avx2",  # torch's own kernels
        "ONEDNN_MAX_CPU_ISA": "AVX2",  # convolutions
        "MKL_CBWR": "AVX2",  # products of matrices
        "OMP_NUM_THREADS": "1",  # a fold has one thread, so that results don't depend on the number of cores
    },
}
NUMPY = "X86_V4"  # its kernels, AVX-512, that results/ was computed with

NEEDS = {"OPENBLAS_CORETYPE": "fma", "OPENCV_CPU_DISABLE": "avx512vl", "OPENCV_IPP": "avx512vl"}
MKL_BRANCHES = {1: "off", 2: "AUTO", 3: "COMPATIBLE", 4: "SSE2", 6: "SSSE3", 7: "SSE4_1", 8: "SSE4_2", 9: "AVX",
                10: "AVX2", 12: "AVX512", 14: "AVX512_E1"}  # fmt: skip
IPP = {"k0": "avx512", "l9": "avx2", "y8": "sse42"}


def pin() -> None:
    """Take the pinned kernels, unless the environment already asks for others; say so where that comes too late.

    A variable that its library has read before is left alone, so that workers have the kernels of this process.
    """
    ours = {library: _to_set(settings) for library, settings in PINNED.items()}
    for settings in ours.values():
        os.environ.update(settings)
    if "torch" in sys.modules and "OMP_NUM_THREADS" in ours["torch"]:
        sys.modules["torch"].set_num_threads(int(ours["torch"]["OMP_NUM_THREADS"]))
    took: dict[str, str] = {}
    for library in ours.keys() & sys.modules.keys():
        took |= _others(library, ours[library])
    for name in took:
        del os.environ[name]
    if took:
        print(
            f"mer_core: too late to pin kernels, they were in use before: {_text(took)}. Results may differ from the "
            "book's, and runs record it; make `import mer_core.pinned` the first import.",
            file=sys.stderr,
        )


def _to_set(settings: dict[str, str]) -> dict[str, str]:
    """Those that are not set yet, and that this processor can follow without a word."""
    return {name: value for name, value in settings.items() if name not in os.environ and _can(name)}


def _can(name: str) -> bool:
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return False
    if name in NEEDS:
        return NEEDS[name] in processor()
    return name == "OMP_NUM_THREADS" or "avx2" in processor() or not processor()


@cache
def processor() -> frozenset[str]:
    """What the processor can do; nothing where the system does not say it (only Linux does)."""
    info = Path("/proc/cpuinfo")
    said = (
        re.search(r"^flags\s*:(.*)$", info.read_text(encoding="utf-8"), re.MULTILINE)
        if info.exists()
        else None
    )
    return frozenset(said[1].split()) if said else frozenset()


def _others(library: str, asked: dict[str, str]) -> dict[str, str]:
    """The kernels that an imported library took in place of those that were just asked for."""
    took = KERNELS[library]() if asked else {}
    return {name: took[name] for name, value in asked.items() if took[name] != value}


# What really computes: each library is asked, in the words of the variable that would pin it


def numerics_class() -> str:
    """What results of this process may be compared with, as text: stored beside each result.

    NumPy, OpenBLAS and OpenCV are named only where they took other kernels than those of the stored results.

    >>> numerics_class()  # doctest: +SKIP
    'x86_64 ATEN_CPU_CAPABILITY=avx2 MKL_CBWR=AVX2 OMP_NUM_THREADS=1 ONEDNN_MAX_CPU_ISA=AVX2'
    """
    usual = {"NumPy": NUMPY, **PINNED["numpy"], **PINNED["cv2"]}
    others = dict(item for item in (_numpy() | _opencv()).items() if item not in usual.items())
    return " ".join([platform.machine(), _text(_torch()), _text(others)]).rstrip()


def picture_kernels(flow: str | None = None) -> str:
    """What rendered pictures and estimated flow depend on: part of a ClipSet's key. TV-L1 is computed by torch."""
    of_torch = {"ATEN_CPU_CAPABILITY": _torch()["ATEN_CPU_CAPABILITY"]} if flow == "tvl1" else {}
    return f"{platform.machine()} {_text(_numpy() | _opencv() | of_torch)}"


def _text(kernels: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(kernels.items()))


def _torch() -> dict[str, str]:
    import torch

    return {
        "ATEN_CPU_CAPABILITY": torch.backends.cpu.get_cpu_capability().lower().replace(" ", "-"),
        "MKL_CBWR": _mkl_branch(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"),
        "OMP_NUM_THREADS": str(torch.get_num_threads()),
        "ONEDNN_MAX_CPU_ISA": _convolutions(),
    }


def _mkl_branch(library: Path) -> str:
    """MKL answers by itself where torch carries it; elsewhere the environment has the word."""
    try:
        return MKL_BRANCHES.get(ctypes.CDLL(str(library)).mkl_serv_cbwr_get(1), "off")
    except (OSError, AttributeError):
        return os.environ.get("MKL_CBWR", "unset")


def _convolutions() -> str:
    """oneDNN does not tell its limit, but AVX-512 kernels take weights in blocks of 16 channels, smaller ones of 8."""
    asked = os.environ.get("ONEDNN_MAX_CPU_ISA", "unset")
    is_wide, asks_wide = _blocks_of_16(), asked.upper().startswith(("AVX512", "AVX10"))
    if is_wide is None or (asked != "unset" and is_wide == asks_wide):
        return asked
    return "AVX512" if is_wide else "AVX2"


def _blocks_of_16() -> bool | None:
    """None where torch has no oneDNN, or another processor's."""
    import torch

    if not (torch.backends.mkldnn.is_available() and _can("ONEDNN_MAX_CPU_ISA")):
        return None
    weights = torch.zeros(8, 8, 3, 3).to_mkldnn()
    reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
    blocked = reorder(weights, [0, 0], [1, 1], [1, 1], 1, [1, 8, 8, 8])
    return torch.ops.mkldnn._nbytes(blocked) > weights.numel() * weights.element_size()


def _numpy() -> dict[str, str]:
    """The widest kernels of NumPy's, and the processor that OpenBLAS computes for."""
    from numpy._core import _multiarray_umath as core  # type: ignore[attr-defined]  # the stubs know less
    from threadpoolctl import threadpool_info

    names = [name for name in core.__cpu_dispatch__ if core.__cpu_features__[name]]
    widest = [name for name in names if name not in ("AVX512_ICL", "AVX512_SPR")]  # they only sort
    found = [library for library in threadpool_info() if library["internal_api"] == "openblas"]
    own = [library for library in found if "numpy" in library["filepath"]] or found
    return {
        "NumPy": widest[-1] if widest else "baseline",
        "OPENBLAS_CORETYPE": own[0]["architecture"] if own else "none",
    }


def _opencv() -> dict[str, str]:
    """What OpenCV has kernels for and does not take, and the kind that its IPP takes."""
    import cv2

    said = [name.strip("*?") for name in cv2.getCPUFeaturesLine().split() if name.endswith("?")]
    version = re.search(r"\((\w\w)\)", cv2.ipp.getIppVersion()) if cv2.ipp.useIPP() else None
    kind = version[1] if version else "disabled"
    return {"OPENCV_CPU_DISABLE": ",".join(said) or "none", "OPENCV_IPP": IPP.get(kind, kind)}


KERNELS: dict[str, Callable[[], dict[str, str]]] = {"numpy": _numpy, "cv2": _opencv, "torch": _torch}


def handed_on() -> dict[str, str]:
    """What a worker elsewhere needs to take the kernels of this process."""
    names = {name for settings in PINNED.values() for name in settings} & os.environ.keys()
    return {name: os.environ[name] for name in names} | {"OMP_NUM_THREADS": _torch()["OMP_NUM_THREADS"]}


def take_over(handed: dict[str, str]) -> None:
    """In a worker, before it computes: the kernels and the threads of the process that started it."""
    import torch

    os.environ.update(handed)
    torch.set_num_threads(int(handed["OMP_NUM_THREADS"]))
