"""A licensed corpus that was damaged after its preparation: refused by file, never used."""

import pytest

from mer_core import View, open_corpus
from mer_core.clips import DamagedError
from tests.corpora.test_prepared import corpus, prepare  # noqa: F401 (fixture)

VIEW = View(frames=4, size=32, flow="dis", landmarks=False)


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("file", ["frames.npy", "flow.npy", "clips.parquet", "files.parquet"])
def test_a_damaged_preparation_is_refused_by_file(corpus, tmp_path, file):  # noqa: F811
    prepare(corpus, tmp_path / "out")
    flip(tmp_path / "out" / file)
    for view in (VIEW, VIEW.replace(frames=2)):
        with pytest.raises(DamagedError, match=rf"out/{file} is not the file that was written"):
            open_corpus(tmp_path / "out").clipset(view, workers=1)


def test_a_damaged_view_of_it_is_refused_by_file(corpus, tmp_path):  # noqa: F811
    prepare(corpus, tmp_path / "out")
    made = open_corpus(tmp_path / "out").clipset(VIEW.replace(frames=2), workers=1)
    flip(made.folder / "frames.npy")
    with pytest.raises(DamagedError, match=r"views/.*/frames\.npy is not the file .* Delete its folder"):
        open_corpus(tmp_path / "out").clipset(VIEW.replace(frames=2), workers=1)


def test_of_several_corpora_the_copy_is_made_again(corpus, tmp_path, capsys):  # noqa: F811
    prepare(corpus, tmp_path / "out")
    both = open_corpus(f"{tmp_path / 'out'}+synth-mini", tmp_path / "cache")
    made = both.clipset(VIEW.replace(frames=2, flow=None, size=16), workers=1)
    whole = (made.folder / "frames.npy").read_bytes()
    flip(made.folder / "frames.npy")
    again = both.clipset(VIEW.replace(frames=2, flow=None, size=16), workers=1)
    assert (again.folder / "frames.npy").read_bytes() == whole
    assert "composite-30-2x16-grey-no-landmarks" in capsys.readouterr().err
