from dataclasses import replace

import numpy as np

from mer_core.faces.hair import curtain, hair_field
from mer_core.faces.head import load_head
from mer_core.faces.identity import draw_identity
from mer_core.faces.render import vertex_normals

HAIR = replace(draw_identity(1).hair, length=0.8, line=0.0, temples=0.0, fringe=0.0)


def test_hair_grows_on_the_scalp_and_not_on_the_face():
    places = np.array([[0, 1.0, -0.3], [0.7, 0.3, -0.8], [0, -0.3, 0.3], [0, 0.3, 0.2], [1.1, -1.5, -0.6]])
    np.testing.assert_array_equal(hair_field(places, HAIR) > 0, [True, True, False, False, False])


def test_a_higher_hairline_leaves_less_hair():
    points = load_head().mean
    receding = replace(HAIR, line=0.2, temples=1.0)
    assert (hair_field(points, receding) > 0).sum() < (hair_field(points, HAIR) > 0).sum()


def test_short_hair_has_no_curtain():
    short = curtain(replace(HAIR, length=0.0), 1, 1.0)
    assert len(short.points) == len(short.triangles) == 0


def test_long_hair_hangs_on_both_sides_and_reaches_lower():
    shorter, longer = (curtain(replace(HAIR, length=length), 1, 1.0).points for length in (0.4, 1.0))
    assert longer[:, 1].min() < shorter[:, 1].min() < -0.5
    assert longer[:, 0].min() < -0.6 < 0.6 < longer[:, 0].max()


def test_the_curtain_shows_its_outside():
    made = curtain(HAIR, 1, 1.0)
    normals, (x, _, _) = vertex_normals(made.points, made.triangles), made.points.T
    assert (normals[0] * np.sign(x) > 0).mean() > 0.95
