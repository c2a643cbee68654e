"""What is wrong with settings, and the checks that all their parts share."""

import enum
from collections.abc import Iterable, Mapping
from typing import TypeVar

from homeport.kernel.errors import QueryError, unknown_name

Member = TypeVar("Member", bound=enum.StrEnum)


class SettingsError(QueryError):
    """The settings name something unknown, or lack what something they ask for needs. Never shows a value of theirs."""


def refuse_unknown(kind: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raises SettingsError for the first name that is not known, with the nearest ones that are."""
    names = set(known)
    for name in given:
        if name not in names:
            raise SettingsError(unknown_name(kind, name, names))


def table_of(name: str, value: object) -> Mapping[str, object]:
    """The value as a table of names and values. Raises SettingsError."""
    if not isinstance(value, Mapping):
        raise SettingsError(f"{name} is a table of names and values")
    return value


def text_of(name: str, value: object) -> str:
    """The value as text. Raises SettingsError."""
    if not isinstance(value, str):
        raise SettingsError(f"{name} is text")
    return value


def member_of(kind: type[Member], what: str, value: object) -> Member:
    """The member of that value. Raises SettingsError, with the known ones."""
    try:
        return kind(str(value))
    except ValueError:
        raise SettingsError(unknown_name(what, value, kind)) from None
