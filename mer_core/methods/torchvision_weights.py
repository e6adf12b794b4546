"""First weights of residual trunks, from files of torchvision's networks: safetensors alone, nothing is unpickled."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from torch import Tensor, nn

from mer_core.reading import FileError, read_weights


def load_trunks(trunks: Iterable[nn.Module], file: Path, name: str) -> None:
    """Begin with the weights of torchvision's network of that name, without its head."""
    weights = {
        _renamed(key): values for key, values in _read(file, name).items() if not key.startswith("fc.")
    }
    there = _shapes(weights)
    for trunk in trunks:
        here = {key: shape for key, shape in _shapes(trunk.state_dict()).items() if _is_torchvisions(key)}
        if here != there:
            key = min(key for key in {*here, *there} if here.get(key) != there.get(key))
            raise ValueError(
                f"{file}: expected the weights of torchvision's {name}, {key} of shape {here.get(key)}, got "
                f"{there.get(key)}. They need width=64 and channels=3; leave the file out to begin at random."
            )
        trunk.load_state_dict(weights, strict=False)


def _shapes(weights: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Old files have no count of batches."""
    return {
        key: tuple(values.shape) for key, values in weights.items() if not key.endswith("batches_tracked")
    }


def _is_torchvisions(key: str) -> bool:
    return key.startswith(("stem.", "layer"))


def _renamed(key: str) -> str:
    """The picture's stem is called as the clip's."""
    old, *rest = key.split(".")
    return ".".join([{"conv1": "stem.0", "bn1": "stem.1"}.get(old, old), *rest])


def _read(file: Path, name: str) -> Mapping[str, Tensor]:
    if not file.exists():
        raise FileNotFoundError(
            f"{file}: expected torchvision's weights of {name} as safetensors, there is no such file. Put them there, "
            "or leave the setting out to begin at random."
        )
    try:
        return read_weights(file.read_bytes(), file)
    except FileError as error:
        made = f"torchvision.models.{'video.' if name == 'r3d_18' else ''}{name}(weights='DEFAULT')"
        raise ValueError(
            f"{error} They hold numbers alone. Torchvision's own file becomes one by "
            f"safetensors.torch.save_file({made}.state_dict(), 'weights.safetensors')."
        ) from None
