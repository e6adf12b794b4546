"""What the networks of a run say of the action units of clips whose subjects they never saw."""

import numpy as np
import torch

from mer_core.training.fit import predict_outputs
from mer_core.training.parts import Part, material
from mer_core.training.records import Detections
from mer_core.training.runs import Run
from mer_core.training.weights import load_network


def detections(run: Run, seed: int | None = None) -> Detections:
    """What the networks of a run say of the clips of their folds; of its first seed if none is named.

    The run must have kept them. The clips are prepared again where they are not in the cache.
    """
    run.refuse_stored()
    asked = run.settings
    method = asked.create_method()
    if not asked.keep_weights:
        raise ValueError(f"{run.folder} has not kept its networks: run it again with keep_weights=true.")
    if not method.action_units:
        raise ValueError(f"{asked.method} learns no action units as it is set in {run.folder}.")
    if (by := method.settings.released.normalise) != "clip":
        raise ValueError(
            f"{run.folder} learnt from pictures that are scaled by other clips (released.normalise={by}): its networks "
            "can only be asked about clips by a run with normalise=clip."
        )
    if missing := run.missing():
        raise ValueError(
            f"{run.folder} is not finished: {len(missing)} parts are missing. `mer resume` it first."
        )
    seed = asked.seeds[0] if seed is None else seed
    if seed not in asked.seeds:
        raise ValueError(f"{run.folder} has the seeds {list(asked.seeds)}, not {seed}.")
    by_part = [_detected(run, part) for part in run.parts() if part.seed == seed]
    truth, probabilities = (np.concatenate(of_parts) for of_parts in zip(*by_part, strict=True))
    return Detections(truth, probabilities, method.action_units)


def _detected(run: Run, part: Part) -> tuple[np.ndarray, np.ndarray]:
    shared = material(run.settings.model_dump_json())
    test = shared.examples.take(shared.folds[part.fold].test).inputs
    probabilities = predict_outputs(load_network(run.weights(part)), test)["action_units"].sigmoid()
    truth = test["action_units"].masked_fill(test["action_unit_weight"] == 0, torch.nan)
    return truth.numpy(), probabilities.numpy()
