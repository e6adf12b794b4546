"""Networks on disk: numbers only, as safetensors, each with a card that says what they are. Nothing is unpickled."""

import hashlib
from pathlib import Path

from torch import nn

from mer_core.methods import Method, count_parameters, create_model, find_method
from mer_core.reading import FileError, read_json, read_weights, same_shapes
from mer_core.training.parts import Material, Part, RunSettings
from mer_core.training.records import Card


def _trained_on(settings: RunSettings, method: Method) -> str:
    less = {
        f"{settings.limit} clips of it": settings.limit,
        f"{settings.labelled:g} of the training clips": settings.labelled < 1,
        "some training subjects only chose the epoch": settings.selection == "inner",
        "first weights learnt before": method.start != "scratch",
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
    weights, about = file.read_bytes(), read_card(file)
    if hashlib.sha256(weights).hexdigest() != about["sha256"]:
        raise FileError(f"{file} is not the file that its card describes: its checksum differs.")
    numbers, network = read_weights(weights, file), _network(about, file.with_suffix(".json"))
    same_shapes(file, network.state_dict(), numbers)
    network.load_state_dict(numbers)
    return network.eval()


def read_card(file: Path) -> dict[str, object]:
    """What the card of a `.safetensors` file says of it."""
    return read_json(file.with_suffix(".json"), Card)


def _network(about: dict, card: Path) -> nn.Module:
    """As its card says, with first weights that do not matter."""
    try:
        files = find_method(about["method"]).files
        settings = {name: value for name, value in about["settings"].items() if name not in files}
        return create_model(about["method"], len(about["classes"]), **settings)
    except (ValueError, RuntimeError) as error:
        raise FileError(f"{card}: expected the card of a network that can be built. {error}") from None
