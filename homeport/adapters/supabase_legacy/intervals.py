"""Intervals as PostgreSQL writes them (IntervalStyle postgres) and as it reads them exactly. Knows no columns.

Read: a year is 365 days and a month 30, as asyncpg has it. Written: days, seconds and microseconds alone, for months
and years have no length of their own.
"""

import datetime as dt
import re

_FIELDS = re.compile(
    r"""(?=.)
    (?:(?P<years>[+-]?\d+)\ years?)?\ ?
    (?:(?P<months>[+-]?\d+)\ mons?)?\ ?
    (?:(?P<days>[+-]?\d+)\ days?)?\ ?
    (?:(?P<sign>[+-]?)(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d)(?:\.(?P<fraction>\d{1,6}))?)?""",
    re.VERBOSE | re.ASCII,
)


def parse_interval(text: str) -> dt.timedelta:
    """The duration that the text stands for, to the microsecond.

    Raises:
        ValueError: the text is of another IntervalStyle, infinite, or more than a timedelta holds.
    """
    found = _FIELDS.fullmatch(text)
    if found is None:
        raise ValueError("not an interval of IntervalStyle postgres")
    years, months, days = (int(found[name] or 0) for name in ("years", "months", "days"))
    try:
        return dt.timedelta(days=years * 365 + months * 30 + days) + _clock(found)
    except OverflowError:
        raise ValueError("interval out of range") from None


def interval_text(value: dt.timedelta) -> str:
    """The text that PostgreSQL reads back as exactly this value, whatever the session's IntervalStyle.

    The sign of the seconds is written out: in IntervalStyle sql_standard the sign of the days would reach over to them.
    """
    return f"{value.days} days +{value.seconds}.{value.microseconds:06d} seconds"


def _clock(found: re.Match[str]) -> dt.timedelta:
    if found["hours"] is None:
        return dt.timedelta()
    clock = dt.timedelta(
        hours=int(found["hours"]),
        minutes=int(found["minutes"]),
        seconds=int(found["seconds"]),
        microseconds=int((found["fraction"] or "").ljust(6, "0")),
    )
    return -clock if found["sign"] == "-" else clock
