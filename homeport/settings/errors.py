"""What is wrong with settings, and the checks that all their parts share."""

from collections.abc import Iterable, Mapping

from homeport.kernel.errors import QueryError, unknown_name


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
