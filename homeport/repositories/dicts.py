"""Entities as dicts, for callers of the old functions and for web handlers.

`to_dict` keeps Python's values; `to_json` has what JSON can say:

- UUID, Decimal, IP addresses -> text; a Decimal never with an exponent
- datetime, date -> ISO 8601, in UTC with `+00:00`; timedelta -> ISO 8601 duration of days and seconds
- bytes -> base64; members of an enum -> their text
- arrays -> list, in `to_dict` as well
"""

import base64
import datetime as dt
import enum
import ipaddress
import uuid
from decimal import Decimal
from typing import cast

import attrs
import cattrs

from homeport.kernel.entity import Entity
from homeport.kernel.types import Json

_ONE_SECOND = 1_000_000
"""In microseconds."""


def to_dict(entity: Entity | attrs.AttrsInstance) -> dict[str, object]:
    """The values by field name, in the fields' order; entities within become dicts too."""
    return cast("dict[str, object]", _PLAIN.unstructure(entity))


def to_json(entity: Entity | attrs.AttrsInstance) -> dict[str, Json]:
    """The values by field name, in the fields' order, ready for any JSON encoder."""
    return cast("dict[str, Json]", _JSON.unstructure(entity))


def duration(span: dt.timedelta) -> str:
    """ISO 8601 with days, seconds and microseconds: `P1DT2.5S`, `-PT1S`, `PT0S`."""
    sign = "-" if span < dt.timedelta(0) else ""
    size = abs(span)
    days = f"{size.days}D" if size.days else ""
    micros = size.seconds * _ONE_SECOND + size.microseconds
    if not micros and days:
        return f"{sign}P{days}"
    whole, part = divmod(micros, _ONE_SECOND)
    fraction = f".{part:06}".rstrip("0") if part else ""
    return f"{sign}P{days}T{whole}{fraction}S"


def _converter() -> cattrs.Converter:
    made = cattrs.Converter()
    made.register_unstructure_hook(tuple, lambda values: [made.unstructure(each) for each in values])
    return made


def _plain() -> cattrs.Converter:
    made = _converter()
    made.register_unstructure_hook(enum.Enum, lambda member: member)
    return made


def _json() -> cattrs.Converter:
    made = _converter()
    made.register_unstructure_hook(enum.StrEnum, str)
    made.register_unstructure_hook(uuid.UUID, str)
    made.register_unstructure_hook(Decimal, lambda number: format(number, "f"))
    made.register_unstructure_hook(dt.datetime, dt.datetime.isoformat)
    made.register_unstructure_hook(dt.date, dt.date.isoformat)
    made.register_unstructure_hook(dt.timedelta, duration)
    made.register_unstructure_hook(bytes, lambda raw: base64.b64encode(raw).decode())
    for kind in (ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Interface, ipaddress.IPv6Interface):
        made.register_unstructure_hook(kind, str)
    return made


_PLAIN = _plain()
_JSON = _json()
