"""Where to compute."""

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


Device = Annotated[str, AfterValidator(find_device)]  # for settings: checked before anything is trained
