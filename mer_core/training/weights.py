"""Networks on disk: numbers only, as safetensors, each with a card that says what they are. Nothing is unpickled."""

import hashlib
import json
from pathlib import Path

from safetensors.torch import load as unpack
from torch import nn

from mer_core.methods import METHODS, Method, count_parameters, create_method
from mer_core.training.parts import Material, Part, RunSettings


def _trained_on(settings: RunSettings, method: Method) -> str:
    less = {
        f"{settings.limit} clips of it": settings.limit,
        f"{settings.labelled:g} of the training clips": settings.labelled < 1,
        "some training subjects only chose the epoch": settings.selection == "inner",
        "first weights learnt before": getattr(method.settings, "start", "scratch") != "scratch",
    }
    told = [
        f"{settings.corpus} without the subjects of the fold",
        *(what for what, is_so in less.items() if is_so),
    ]
    return "; ".join(told)


def card(weights: bytes, settings: RunSettings, shared: Material, part: Part) -> dict[str, object]:
    """What is needed to build the network again, and the checksum of its numbers."""
    return {
        "method": settings.method,
        "settings": shared.method.settings.plain(),
        "classes": list(shared.classes),
        "view": shared.method.view.plain(),
        "fold": part.fold,
        "seed": part.seed,
        "trained on": _trained_on(settings, shared.method),
        "selection": settings.selection,
        "parameters": count_parameters(shared.method.network(len(shared.classes))),
        "sha256": hashlib.sha256(weights).hexdigest(),
    }


def load_network(file: Path) -> nn.Module:
    """The network of a `.safetensors` file, ready to predict; its card lies beside it."""
    weights, about = file.read_bytes(), json.loads(file.with_suffix(".json").read_text())
    if hashlib.sha256(weights).hexdigest() != about["sha256"]:
        raise ValueError(f"{file} is not the file that its card describes: its checksum differs.")
    kind = METHODS[about["method"]]
    settings = {name: value for name, value in about["settings"].items() if name not in kind.files}
    method = create_method(about["method"], **settings)
    network = method.network(len(about["classes"]))
    network.load_state_dict(unpack(weights))
    return network.eval()
