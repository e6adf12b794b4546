"""Settings: typed, frozen, and strict about names and values."""

import json
from collections.abc import Iterator, Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined


class SettingsError(ValueError):
    """A setting is unknown or wrong; the message names the valid ones."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the message; the stack would only hide it."""
        return str(self).splitlines()


class Settings(BaseModel):
    """Base of all settings: an unknown name or a wrong value is a `SettingsError` that lists what is valid."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def __init__(self, **values: object) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError(_explain(type(self), error)) from None

    __init__.__pydantic_base_init__ = True  # tells pydantic that `parse` need not pass through here

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> Self:
        """Settings from plain data, as a file or a command line holds them: lists for tuples, tables for settings."""
        try:
            return cls.model_validate_json(json.dumps(values))
        except ValidationError as error:
            raise SettingsError(_explain(cls, error)) from None

    def plain(self) -> dict[str, object]:
        """As plain data: what `parse` takes."""
        return json.loads(self.model_dump_json())

    def replace(self, **changes: object) -> Self:
        """The same settings with some values changed, checked again."""
        return type(self)(**{**dict(self), **changes})

    def diff(self, other: Self) -> dict[str, tuple[object, object]]:
        """Where other settings are otherwise, by `augment.crop` and the like: the value here, and the one there."""
        return diff(self.plain(), other.plain())

    def __str__(self) -> str:
        width = max(map(len, type(self).model_fields), default=0)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in self)


def diff(one: Mapping, other: Mapping) -> dict[str, tuple[object, object]]:
    """Where two records differ, by `augment.crop` and the like; what one lacks is None there.

    >>> diff({"rate": 0.1, "augment": {"flip": True}}, {"rate": 0.1, "augment": {"flip": False}})
    {'augment.flip': (True, False)}
    """
    one, other = dict(flat(one)), dict(flat(other))
    return {
        name: (one.get(name), other.get(name))
        for name in {**one, **other}
        if one.get(name) != other.get(name)
    }


def flat(record: Mapping, above: str = "") -> Iterator[tuple[str, object]]:
    """Names and values; a name within a record gets a dot."""
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _explain(settings: type[Settings], error: ValidationError) -> str:
    lines = [f"{settings.__name__}: these settings can't be used."]
    for problem in error.errors():
        name = ".".join(map(str, problem["loc"]))
        if problem["type"] == "extra_forbidden":
            lines.append(f"  {name}: there is no such setting")
        elif problem["type"] == "missing":
            lines.append(f"  {name}: is not set")
        else:
            lines.append(f"  {name} = {problem['input']!r}: {problem['msg'].removeprefix('Value error, ')}")
    return "\n".join([*lines, "Valid settings:", *(f"  {line}" for line in valid(settings))])


def valid(settings: type[Settings]) -> list[str]:
    """A line a setting: its name, kind, limits, default and meaning."""
    return [f"{name}: {_describe(info)}" for name, info in settings.model_fields.items()]


SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def _describe(info: FieldInfo) -> str:
    """`int ≥ 2, ≤ 26 = 5 – groups of subjects`."""
    is_plain = isinstance(info.annotation, type) and not hasattr(info.annotation, "__args__")
    kind = info.annotation.__name__ if is_plain else str(info.annotation).replace("typing.", "")
    limits = [
        f"{sign} {getattr(m, name)}"
        for m in info.metadata
        for name, sign in SIGNS.items()
        if hasattr(m, name)
    ]
    parts = [kind, *([", ".join(limits)] if limits else [])]
    parts += [f"= {info.default!r}"] if info.default is not PydanticUndefined else []
    return " ".join([*parts, *([f"– {info.description}"] if info.description else [])])
