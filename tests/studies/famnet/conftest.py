"""Four branches, trained for one epoch on a handful of clips."""

import pytest

from mer_core.studies.famnet import Chapter, material, train_branches


@pytest.fixture(scope="session")
def settings():
    return Chapter(
        corpus="synth", classes="megc2019-3class", preset="book", groups=3, folds=1, epochs=1, seed=0, device="cpu"
    )  # fmt: skip


@pytest.fixture(scope="session")
def given(settings):
    return material(settings.model_copy(update={"corpus": "synth-mini"}))


@pytest.fixture(scope="session")
def live(given):
    return train_branches(given)
