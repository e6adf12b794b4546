"""Where to compute; and so that a seed gives the same numbers there each time."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated

import torch
from pydantic import AfterValidator


def available_devices() -> list[str]:
    """What this machine can compute on; the last one is the fastest."""
    devices = ["cpu"]
    devices += ["mps"] if torch.backends.mps.is_available() else []
    return devices + (["cuda"] if torch.cuda.is_available() else [])


def find_device(name: str) -> str:
    """The device itself, `auto` for the fastest; an error that lists what there is."""
    devices = available_devices()
    if name not in (*devices, "auto"):
        raise ValueError(f"there is no {name!r} here; available: auto, {', '.join(devices)}")
    return devices[-1] if name == "auto" else name


def check_precision(precision: str, device: torch.device | str) -> None:
    """An error where bf16 would be twenty times slower: on a CPU whose kernels have no bf16, by nature or as pinned."""
    if precision == "bf16" and torch.device(device).type == "cpu" and not _has_fast_bf16():
        raise ValueError(
            "Expected precision=float32 on this CPU, got bf16: its kernels have none (AVX-512 has, where numerics are "
            "not pinned to AVX2), so that a step takes twenty times as long. Set precision=float32, or take a GPU."
        )


def _has_fast_bf16() -> bool:
    """What torch's convolutions may use here, which can be less than what the processor has."""
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


Device = Annotated[str, AfterValidator(find_device)]  # for settings: checked before anything is trained


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums over several threads are added in another order: the same seed would give other numbers."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def seeded(seed: int, device: torch.device | str) -> Iterator[None]:
    """Draws and convolutions are those of the seed; whoever draws outside does not notice."""
    on_gpu = [device] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices=on_gpu), exact_convolutions():
        torch.manual_seed(seed)
        yield


def exact_convolutions() -> AbstractContextManager[None]:
    """On a GPU: in whole float32, and by the same kernel each time."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
