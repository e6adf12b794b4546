import pytest
from pydantic import Field

from mer_core.settings import Settings, SettingsError, diff


class Example(Settings):
    folds: int = Field(5, ge=2, description="groups of subjects")
    rate: float = 0.1


def test_an_unknown_name_is_refused_and_the_valid_ones_are_listed():
    with pytest.raises(
        SettingsError, match=r"(?s)fols: there is no such setting.*folds: int .*groups of subjects"
    ):
        Example(fols=3)


@pytest.mark.parametrize("wrong", [1, "3", 2.5, True, None])
def test_a_wrong_value_is_refused_and_named(wrong):
    with pytest.raises(SettingsError, match=f"folds = {wrong!r}"):
        Example(folds=wrong)


def test_settings_are_frozen_and_replace_checks_again():
    assert Example().replace(folds=3).folds == 3
    with pytest.raises(SettingsError):
        Example().replace(folds=1)
    with pytest.raises(Exception, match="frozen"):
        Example().folds = 3


class Nested(Settings):
    seeds: tuple[int, ...] = (0,)
    example: Example = Example()


def test_settings_go_through_plain_data_and_back():
    made = Nested(seeds=(1, 2), example=Example(folds=3))
    assert Nested.parse(made.plain()) == made


def test_plain_data_is_checked_as_strictly():
    with pytest.raises(SettingsError, match=r"seeds\.0 = '1'"):
        Nested.parse({"seeds": ["1"]})
    with pytest.raises(SettingsError, match=r"example\.fold: there is no such setting"):
        Nested.parse({"example": {"fold": 3}})


def test_two_settings_differ_where_their_values_do_within_each_other_too():
    one, other = Nested(seeds=(1,)), Nested(example=Example(folds=3))
    assert one.diff(one) == {}
    assert one.diff(other) == {"seeds": ([1], [0]), "example.folds": (5, 3)}
    assert diff({"settings": {}}, {"settings": {"epochs": 2}}) == {"settings.epochs": (None, 2)}
