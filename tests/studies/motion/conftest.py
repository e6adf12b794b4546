import pytest

from mer_core import open_corpus
from mer_core.studies.motion import Studio


@pytest.fixture(scope="session")
def studio():
    return Studio(open_corpus("synth-mini"), 32)


@pytest.fixture(scope="session")
def clip(studio):
    return studio.first_clips(1)[0]
