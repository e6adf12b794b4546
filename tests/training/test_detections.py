"""What kept networks say of action units, part by part."""

import numpy as np
import pytest

from mer_core.training import Run, RunSettings, run
from mer_core.training.detections import detections

SETTINGS = {"epochs": 1, "width": 4, "frames": 2, "shrink": 1, "align": "clip", "units": [1, 4, 12]}


def computed(folder, **changes):
    settings = {"method": "amnet2d", "corpus": "synth-mini", "groups": 2, "limit": 6, "settings": SETTINGS}
    return run(RunSettings.parse({**settings, "keep_weights": True, **changes}), folder, workers=1)


def test_detections_of_a_run_are_those_of_its_networks_on_clips_that_they_never_saw(tmp_path):
    made = computed(tmp_path / "run")
    found = detections(made)
    assert found.units == (1, 4, 12)
    assert found.truth.shape == found.probabilities.shape == (len(made.predictions), 3)
    assert len(np.unique(found.probabilities.round(6), axis=0)) > 1
    with pytest.raises(ValueError, match=r"has the seeds \[0\], not 3"):
        detections(made, seed=3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keep_weights": False}, "has not kept its networks: run it again with keep_weights=true"),
        ({"settings": {**SETTINGS, "au_weight": 0.0}}, "amnet2d learns no action units"),
        ({"settings": {**SETTINGS, "released": {"normalise": "train"}}}, "scaled by other clips"),
    ],
)
def test_a_run_without_networks_or_action_units_is_refused(changes, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        detections(Run(computed(tmp_path / "run", **changes).folder))
