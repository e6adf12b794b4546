"""Pinned numerics: every x86-64 machine with AVX2 takes kernels of the same kind.

A training run is chaotic. The same seed with other kernels agrees to 1e-5 for ten steps and then drifts until the
score has moved as far as another seed would move it. On one machine pinned trainings repeat bit for bit; on another of
the same class they need not. (Measured: of 14 networks that were trained again on another machine one gave all answers
again, and all scores were within the tolerance of `mer reproduce`. Why is not known.)
What the environment already says wins, so that anyone can measure the difference.
"""

import os
import platform

PINNED = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch's own kernels
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # convolutions
    "MKL_CBWR": "AVX2",  # matrix products
    "OMP_NUM_THREADS": "1",  # a fold has one thread, so that results don't depend on the number of cores
}


def pin() -> None:
    """Ask for the pinned kernels, unless the environment already asks for others."""
    if platform.machine().lower() in {"x86_64", "amd64"}:
        for name, value in PINNED.items():
            os.environ.setdefault(name, value)


def numerics_class() -> str:
    """What results of this process may be compared with, as text: stored beside each result.

    >>> numerics_class()  # doctest: +SKIP
    'x86_64 ATEN_CPU_CAPABILITY=avx2 MKL_CBWR=AVX2 OMP_NUM_THREADS=1 ONEDNN_MAX_CPU_ISA=AVX2'
    """
    settings = (f"{name}={os.environ.get(name, 'unset')}" for name in sorted(PINNED))
    return " ".join([platform.machine(), *settings])
