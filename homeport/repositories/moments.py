"""Days and times that a caller may give, and what is stamped with them. Knows no table."""

import datetime as dt
from collections.abc import Mapping
from typing import TypeAlias, cast

from homeport.kernel.errors import InvalidValue
from homeport.kernel.types import DateType

Day: TypeAlias = dt.date | str


def day(given: Day | None, name: str = "today") -> dt.date:
    """The day that is given; None is the present one in UTC. Raises InvalidValue by that name."""
    if given is None:
        return dt.datetime.now(dt.UTC).date()
    try:
        return DateType().admit(given)
    except ValueError as error:
        raise InvalidValue(f"{name}: {error}", field=name) from None


def moment(given: dt.datetime | None, name: str = "now") -> dt.datetime:
    """The time that is given, in its own zone; None is the present one. Raises InvalidValue by that name."""
    if given is None:
        return dt.datetime.now(dt.UTC)
    if not isinstance(given, dt.datetime) or given.utcoffset() is None:
        raise InvalidValue(f"{name}: expected an aware datetime", field=name)
    return given


def stamped(data: Mapping[str, object], flag: str, stamps: Mapping[str, object]) -> Mapping[str, object]:
    """The data with these stamps where the flag is set, and without any where it is unset.

    Unset are False and None. Stamps that are given stay; without the flag nothing is stamped.
    """
    if not isinstance(data, Mapping) or flag not in data:
        return data
    unset = data[flag] is None or data[flag] is False
    added = cast("Mapping[str, object]", dict.fromkeys(stamps) if unset else stamps)
    return {**added, **data}
