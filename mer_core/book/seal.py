"""A seal on each stored output: what stands in a chapter is what its execution has left there.

`mer chapters` notes in the metadata of a cell a digest of its outputs. A digit that is changed by hand, however little,
breaks the seal, and `make test` names the cell; that an output is *true* is told by executing the cell again
(`comparison.py`).
"""

import hashlib
import json

from nbformat import NotebookNode

SEAL = "seal"


def seal(notebook: NotebookNode) -> None:
    """Note what each cell shows; floats of figures keep twelve digits."""
    for cell in notebook.cells:
        cell.metadata.pop(SEAL, None)
        if cell.get("outputs"):
            cell.outputs = _rounded(cell.outputs)
            cell.metadata[SEAL] = digest_of(cell.outputs)


def _rounded(value: object) -> object:
    """Behind the twelfth digit all is rounding, and programs that write a notebook again, as ruff does, change it."""
    if isinstance(value, dict):
        return NotebookNode({name: _rounded(one) for name, one in value.items()})
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


def digest_of(outputs: list[dict]) -> str:
    """Of what was stored, however a notebook's file is laid out."""
    text = json.dumps(outputs, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def broken_seals(notebook: NotebookNode, name: str) -> list[str]:
    """A line for each cell of the chapter `name` whose outputs are not those that its execution has left."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        f"{name}, cell {number}: its stored output is not what was computed; `mer chapters {name}` computes it again."
        for number, cell in enumerate(code)
        if cell.metadata.get(SEAL) != (digest_of(cell.outputs) if cell.outputs else None)
    ]
