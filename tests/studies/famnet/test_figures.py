import numpy as np
import pandas as pd

from mer_core.figures.style import FOR, QUIET
from mer_core.studies.famnet.figures import (
    OVERVIEW,
    detection_bars,
    enlarged,
    masks_over,
    overlap_bars,
    overview,
    unit_support,
)


def alt(figure):
    return figure.layout.meta["alt"]


def test_branches_meet_in_the_fusion_only():
    names = [box[0] for box in OVERVIEW.boxes]
    flat, solid = names.index("AMNet2D"), names.index("AMNet3D")

    def after(box):
        return {box}.union(*(after(end) for start, end in OVERVIEW.arrows if start == box))

    assert [names[box] for box in after(flat) & after(solid)] == ["late fusion"]
    assert len(overview().layout.shapes) == len(OVERVIEW.boxes)


def test_a_masked_unit_is_grey_and_said():
    rarity = pd.DataFrame({"clips": [24, 2], "weight": [4.2, 0.0]}, index=[1, 5])
    figure = unit_support(rarity, clips=124)
    assert figure.data[0].marker.color == (FOR, QUIET)
    assert "AU 1: 24 clips, × 4.2; AU 5: 2 clips, masked" in alt(figure)


def test_each_unit_stands_beside_its_floor_and_one_without_clips_is_left_out():
    units = pd.Index([1, 4, 12], name="action unit")
    tables = {
        name: pd.DataFrame({"support": [5, 0, 3], "AP": values, "AP, guess": [0.2, np.nan, 0.1]}, index=units)
        for name, values in {"clip": [0.6, np.nan, 0.4], "apex": [0.3, np.nan, 0.1]}.items()
    }
    figure = detection_bars(tables, "AP", "AP, guess")
    clip, apex, floor = figure.data
    assert (clip.y, apex.y, floor.y) == ((0.6, 0.4), (0.3, 0.1), (0.2, 0.1))
    assert clip.x == ("AU 1<br>5", "AU 12<br>3")
    assert "clip 0.50, apex 0.20, AP, guess 0.15" in alt(figure)


def test_parts_of_a_pair_stand_behind_each_other():
    rows = pd.DataFrame(
        [[0.4, 0.2, 0.1, 0.3]], ["pair"], ["both", "only the first", "only the second", "neither"]
    )
    figure = overlap_bars(rows)
    assert [bar.x for bar in figure.data] == [(0.4,), (0.2,), (0.1,), (0.3,)]
    assert "pair: both 0.40, only the first 0.20, only the second 0.10, neither 0.30" in alt(figure)


def film(monkeypatch, masks):
    shown = {}
    monkeypatch.setattr(
        "mer_core.studies.famnet.figures.slideshow", lambda steps, **said: shown.update(steps, said=said)
    )
    face = np.full((2, 8, 8), 90, np.uint8)
    masks_over(face, face, np.zeros((2, 8, 8), bool), {"level 1": masks})
    return shown


def test_the_film_has_a_step_a_frame_and_the_tasks_above_each_other(monkeypatch):
    masks = {"emotion": np.zeros((2, 8, 8)), "action units": np.zeros((2, 8, 8))}
    masks["action units"][1, :2] = 0.9
    shown = film(monkeypatch, masks)
    assert shown["said"]["titles"] == ["clip, changes", "level 1"]
    seen, level = shown["2"]
    assert seen.shape == level.shape == (16, 8, 3)
    assert (level[:8] == 90).all()
    assert level[8, 4].tolist() == [202, 145, 18]
    assert (shown["1"][1] == 90).all()


def test_an_even_mask_marks_nothing_however_open_it_is(monkeypatch):
    even = {"emotion": np.full((2, 8, 8), 0.9), "action units": np.full((2, 8, 8), 0.1)}
    assert (film(monkeypatch, even)["1"][1] == 90).all()


def test_enlarging_keeps_an_even_grey():
    assert (enlarged(np.full((4, 4), 90, np.uint8), 12) == np.full((12, 12), 90)).all()
