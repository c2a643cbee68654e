"""Answers in a form that every adapter shares, and the first place where two of them differ."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import cast

import attrs

from homeport.cli.demo.rows import LATEST
from homeport.domain.social import Follow, Like
from homeport.kernel.errors import RepositoryConstraintError

_BY_THE_CLOCK = ("created_at", "updated_at", "deleted_at")
_ID_BY_THE_DATABASE = (Like, Follow)
_MADE = "made by the database"


def neutral(value: object) -> object:
    """The value without what each database makes for itself: its times, and ids that nobody gave it.

    Errors become their class and constraint. Types stay visible: 1 and Decimal(1) differ, and so do list and tuple.
    """
    match value:
        case RepositoryConstraintError():
            return {"": type(value).__name__, "constraint": value.constraint, "columns": value.columns}
        case BaseException():
            return {"": type(value).__name__}
        case str() | bytes():
            return value
        case uuid.UUID():
            return uuid.UUID(int=value.int)  # a driver may have a faster class of its own, equal in all else
        case Mapping():
            return {name: neutral(each) for name, each in value.items()}
        case list():
            return [neutral(each) for each in value]
        case tuple():
            return tuple(neutral(each) for each in value)
        case _ if attrs.has(type(value)):
            return _entity(cast("attrs.AttrsInstance", value))
        case _:
            return value


def _entity(value: attrs.AttrsInstance) -> dict[str, object]:
    shown: dict[str, object] = {"": type(value).__name__}
    for field in attrs.fields(type(value)):
        held = getattr(value, field.name)
        by_the_clock = field.name in _BY_THE_CLOCK and isinstance(held, dt.datetime) and held >= LATEST
        by_the_database = field.name == "id" and isinstance(value, _ID_BY_THE_DATABASE)
        shown[field.name] = _MADE if by_the_clock or by_the_database else neutral(held)
    return shown


def difference(one: object, other: object, path: str = "") -> tuple[str, object, object] | None:
    """The first place where two neutral values differ and what stands there; None if they are equal."""
    if type(one) is not type(other):
        return path, one, other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return _in_mappings(one, other, path)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return _in_sequences(one, other, path)
    return None if one == other else (path, one, other)


def _in_mappings(
    one: Mapping[object, object], other: Mapping[object, object], path: str
) -> tuple[str, object, object] | None:
    if one.keys() != other.keys():
        return f"{path} (names)", list(one), list(other)
    found = (difference(one[name], other[name], f"{path}.{name}" if name else path) for name in one)
    return next((each for each in found if each is not None), None)


def _in_sequences(one: Sequence[object], other: Sequence[object], path: str) -> tuple[str, object, object] | None:
    found = (difference(left, right, f"{path}[{at}]") for at, (left, right) in enumerate(zip(one, other)))  # noqa: B905
    first = next((each for each in found if each is not None), None)
    if first is None and len(one) != len(other):
        return f"{path} (how many)", len(one), len(other)
    return first
