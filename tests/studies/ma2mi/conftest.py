import pytest
import torch

from mer_core import open_corpus
from mer_core.methods.ma2mi import MA2MI, MA2MISettings
from mer_core.methods.ma2mi.reconstruction import Reconstruction
from mer_core.studies.ma2mi.chapter import Chapter, assemble

SMALL = {"stem": 4, "widths": [4, 4, 8, 8], "depth": 1, "drop_path": 0.0, "decoder_width": 16, "decoder_depth": 1,
         "decoder_heads": 2, "bottleneck": 4, "size": 48, "epochs": 2}  # fmt: skip


@pytest.fixture(scope="session")
def given():
    """Both stages on the tiny corpus: six videos of its first, micro-expressions of all subjects."""
    asked = {
        "corpus": "synth-mini",
        "classes": "megc2019-3class",
        "preset": "paper",
        "videos": 6,
        "steps": 2,
        "batch": 2,
    }
    settings = Chapter.model_construct(**asked, groups=3, folds=2, epochs=2, seed=0, device="cpu")
    method = MA2MI(MA2MISettings.parse(SMALL))
    learner = MA2MI(MA2MISettings.parse(SMALL | {"start": "ma2mi", "macro": "synth-mini", "moments": 7}))
    corpus = open_corpus("synth-mini")
    for view, limit in ((learner.macro_view, 6), (method.view.replace(landmarks=True), None)):
        corpus.clipset(view, limit, workers=1)  # so few that other processes would cost more
    return assemble(settings, method, learner)


@pytest.fixture(scope="session")
def drawer(given):
    """A decoder that draws something, though it has learnt nothing."""
    torch.manual_seed(0)
    model = Reconstruction(given.learner.settings).eval()
    torch.nn.init.normal_(model.decode.draw.weight, std=0.1)
    return model
