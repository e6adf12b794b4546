import numpy as np
import pandas as pd
import pytest

from mer_core.studies import motion
from mer_core.studies.motion import forms
from mer_core.studies.motion.measures import errors_halfway, grey_levels_off, magnified, mean_correlation
from mer_core.vision import dynamic_image
from mer_core.vision.strain import optical_strain


@pytest.fixture(scope="module")
def large(studio):
    """A clip that may be magnified."""
    specs = studio.first_clips(6)
    return max(specs, key=lambda spec: spec.largest_magnification)


def test_strain_is_compared_with_that_of_the_action_alone(studio, clip):
    shots = {"calm": studio.shoot([clip], without=motion.CALM)}
    action, where = studio.causes(clip)["action"][None], studio.masks([clip])
    likeness = motion.strain_likeness(shots, action, where).loc["calm"]
    assert likeness["exact flow"] == pytest.approx(1, abs=1e-6)
    estimated = optical_strain(shots["calm"].estimates["dis"])
    assert likeness["dis"] == mean_correlation(optical_strain(action), estimated, where)
    assert len(motion.strain_of_heads(studio, clip).frames) == 6


def test_dynamic_images_of_the_rise_end_at_the_apex(studio, clip):
    images = forms.pooled(studio, clip, (), frames=4)
    rise = studio.frames(clip, np.linspace(clip.onset, clip.apex, 4))
    np.testing.assert_array_equal(images["frames, to the apex"], dynamic_image(rise, "frames"))
    assert (images["frames"] != images["means"]).any()


def test_dynamic_images_are_like_themselves(studio, clip):
    table = motion.strength_and_likeness_of(studio, [clip])
    assert table["alike"].loc["alone"].tolist() == pytest.approx([1, 1, 1])
    assert list(table["strength"].index) == list(forms.DISTURBED)
    assert list(table["strength"]) == ["frames", "means", "frames, to the apex"]
    assert len(motion.dynamic_images(studio, clip).frames) == len(forms.DISTURBED)


def test_stripes_have_a_line_a_wavelength():
    figure = motion.stripes_curves((8, 16), moved=0.25)
    assert [trace.name for trace in figure.data] == ["8 px", "16 px"]
    assert figure.data[0].y[0] == round(motion.stripes_error(2, 8, 0.25), 4)


def test_errors_of_magnification_are_those_against_the_apex_rendered_larger(studio, large):
    errors = motion.magnification_errors(studio, [large, large], motion.CALM)
    pair, flows = forms.seen(studio, large, motion.CALM)
    wanted = studio.ends(large, without=motion.CALM, magnify=3)[1]
    for name, made in magnified(pair, flows, 3).items():
        assert errors.loc[3, name] == grey_levels_off(made, wanted, studio.mask(large))
    assert errors.loc[1, "unmagnified"] == 0
    assert len(motion.magnifications(studio, large).frames) >= 1


def test_curves_of_magnification_are_multiples_of_doing_nothing():
    table = pd.DataFrame({"unmagnified": [0, 1, 2, 4], "a way": [1, 3, 3, 2]}, index=forms.FACTORS)
    (line,) = motion.magnification_curves({"calm": table}).data
    assert (line.x, line.y) == ((2, 3, 4), (3, 1.5, 0.5))


def test_errors_of_interpolation_are_means_over_clips(studio):
    one, other = studio.first_clips(2)
    both = motion.interpolation_errors(studio, [one, other], (3, 5), has_noise=False)
    each = [motion.interpolation_errors(studio, [spec], (3, 5), has_noise=False) for spec in (one, other)]
    pd.testing.assert_frame_equal(both, (each[0] + each[1]) / 2)
    noisy = motion.interpolation_errors(studio, [one], (3,), has_noise=True)
    times = np.linspace(one.onset, one.offset, 17)
    right = studio.frames(one, times, without={"noise"})
    pd.testing.assert_frame_equal(noisy, errors_halfway(studio.frames(one, times), right, (3,)))
    assert len(motion.interpolation_curves({"given": both}).data) == both.shape[1]
    assert len(motion.interpolations(studio, one).frames) == 6
