"""The same clip on an older processor: imitated by switching off what newer ones have, in a process of its own."""

import os
import subprocess
import sys

import numpy as np
import pytest

RENDER = """
import sys
import numpy as np
from mer_core import open_corpus

corpus = open_corpus("synth")
spec = corpus.spec("synth/s03/01")
np.savez(
    sys.argv[1],
    labels=corpus.clips.head(20).to_json(),
    frames=corpus.frames(spec.clip, [spec.onset, spec.apex], 128),
    flow=corpus.flow(spec.clip, spec.onset, spec.apex, 128),
    landmarks=corpus.landmarks(spec.clip, spec.apex, 128),
)
"""
OLDER = {
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3",
    "OPENCV_CPU_DISABLE": "AVX2,AVX512-SKX,FP16",
    "OPENCV_IPP": "disabled",
    "OPENBLAS_CORETYPE": "Nehalem",
}


def render(path, environment):
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RENDER, str(path)],
        env={**os.environ, **environment},
        check=True,
        timeout=120,
    )
    return np.load(path)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("machines")
    return render(folder / "this.npz", {}), render(folder / "older.npz", OLDER)


def test_labels_are_equal(pair):
    this, older = pair
    assert str(this["labels"]) == str(older["labels"])


@pytest.mark.parametrize("name", ["flow", "landmarks"])
def test_geometry_is_equal_within_a_ten_thousandth_of_a_pixel(pair, name):
    this, older = pair
    np.testing.assert_allclose(this[name], older[name], atol=1e-4)


def test_pixels_are_equal_within_one_grey_level(pair):
    this, older = (np.asarray(made["frames"], int) for made in pair)
    assert np.abs(this - older).max() <= 1
