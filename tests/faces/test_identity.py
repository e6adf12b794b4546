from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from mer_core.faces.identity import COEFFICIENT_LIMIT, draw_identity
from mer_core.settings import SettingsError


def numbers(record):
    """All numbers of a record and of the records in it, in order."""
    values = (getattr(record, field.name) for field in fields(record))
    return np.concatenate([numbers(v) if is_dataclass(v) else np.ravel(v).astype(float) for v in values])


def test_the_same_seed_is_the_same_person():
    np.testing.assert_array_equal(numbers(draw_identity(3)), numbers(draw_identity(3)))


def test_another_seed_is_another_person():
    assert not np.allclose(draw_identity(3).coefficients, draw_identity(4).coefficients)


def test_a_known_person_stays_the_same_across_versions():
    """Random streams are part of the format: a change here makes other corpora."""
    person = draw_identity(1)
    np.testing.assert_allclose(
        person.coefficients[:3], [-0.6631240081696607, 0.7141411294232948, -1.7], atol=1e-12
    )
    assert person.skin.tone == pytest.approx(0.8430617230353176, abs=1e-12)


def test_everybody_is_plausible():
    for seed in range(40):
        person = draw_identity(seed)
        values = numbers(person)
        assert np.isfinite(values).all()
        assert np.abs(person.coefficients).max() <= COEFFICIENT_LIMIT
        assert 0 < person.skin.colour.min() <= person.skin.colour.max() < 0.9
        assert np.linalg.norm(person.light.direction) == pytest.approx(1)


def test_options_change_the_population():
    fair = np.mean([draw_identity(seed, tone=(1.0, 8.0)).skin.tone for seed in range(20)])
    dark = np.mean([draw_identity(seed, tone=(8.0, 1.0)).skin.tone for seed in range(20)])
    assert fair < 0.3 < 0.7 < dark
    assert draw_identity(5, older=1.0).old > draw_identity(5, older=-1.0).old


def test_an_unknown_option_is_named_with_the_valid_ones():
    with pytest.raises(SettingsError, match=r"(?s)colour: there is no such setting.*tone.*older.*spread"):
        draw_identity(1, colour="green")
