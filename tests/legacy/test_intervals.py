"""Intervals to and from PostgreSQL's text."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.adapters.supabase_legacy.intervals import interval_text, parse_interval


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:00:00", dt.timedelta()),
        ("1 year 2 mons 3 days 04:05:06.789", dt.timedelta(days=365 + 60 + 3, hours=4, minutes=5, seconds=6.789)),
        ("-1 years -2 mons +3 days -04:05:06.789", dt.timedelta(days=-422) - dt.timedelta(seconds=14706.789)),
        ("1 mon", dt.timedelta(days=30)),
        ("2 years", dt.timedelta(days=730)),
        ("-1 days +23:59:59.999999", dt.timedelta(microseconds=-1)),
        ("1 day -00:00:00.000001", dt.timedelta(days=1, microseconds=-1)),
        ("-00:00:00.5", dt.timedelta(milliseconds=-500)),
        ("2562047788:00:54.775807", dt.timedelta(microseconds=2**63 - 1)),
    ],
)
def test_postgres_text_is_read_with_years_of_365_and_months_of_30_days(text: str, expected: dt.timedelta) -> None:
    assert parse_interval(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "infinity", "-infinity", "P1DT2H", "@ 1 day", "1-2 3 4:05:06", "1 day extra", "1:2:3", "1000000000 days"],
)
def test_other_styles_infinities_and_overflow_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_interval(text)


@given(st.timedeltas())
def test_written_seconds_carry_their_own_sign(value: dt.timedelta) -> None:
    days, _, seconds, _ = interval_text(value).split(" ")
    whole, fraction = seconds.removeprefix("+").split(".")
    read = dt.timedelta(days=int(days), seconds=int(whole), microseconds=int(fraction))
    assert read == value


@given(st.timedeltas())
def test_what_postgres_would_print_is_read_back(value: dt.timedelta) -> None:
    minutes, seconds = divmod(value.seconds, 60)
    clock = f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}.{value.microseconds:06d}"
    assert parse_interval(f"{value.days} days +{clock}") == value
