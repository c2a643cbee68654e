"""Tables with what the specimens lack, and an opened store of all of them."""

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import attrs

from homeport.adapters.memory import Answer, MemoryStore, open_memory
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import Entity
from homeport.kernel.operation import Operation
from homeport.kernel.pages import CursorSigner
from homeport.kernel.predicates import eq
from homeport.kernel.table import (
    CREATED,
    ID,
    UPDATED,
    Default,
    ForeignKey,
    OnDelete,
    Row,
    Rule,
    Table,
    at_least,
    check,
    column,
    differ,
    table,
    unique,
)
from homeport.kernel.types import Json, JsonType
from tests.support.specimens import CRATE, LABEL, SPECIMEN


@attrs.frozen(kw_only=True)
class Person(Entity):
    id: uuid.UUID
    handle: str
    boss_id: uuid.UUID | None = None
    friends: int = 0
    profile: Json = None
    settings: dict[str, Any] = attrs.Factory(dict)
    created_at: dt.datetime
    updated_at: dt.datetime


PERSON = table(
    Person,
    "people",
    owner="id",
    columns={
        "id": ID,
        "boss_id": column(references="people", on_delete=OnDelete.SET_NULL),
        "profile": column(JsonType()),
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    uniques=[unique("handle")],
    order=["handle"],
)


@attrs.frozen(kw_only=True)
class Face(Entity):
    id: uuid.UUID
    handle: str
    profile: Json = None


FACE = table(Face, "faces", columns={"profile": column(JsonType())}, view_of="public.people")


@attrs.frozen(kw_only=True)
class Entry(Entity):
    """Three checks whose names do not stand in the order of declaration, and generated columns."""

    id: int
    person_handle: str | None = None
    low: int = 0
    high: int | None = 10
    active: bool = True
    slot: int | None = None
    initial: str | None = None
    width: int | None = None
    made_on: dt.date


def _initial(row: Row) -> str | None:
    handle = row["person_handle"]
    return handle[:1] if isinstance(handle, str) else None


def _width(row: Row) -> int | None:
    low, high = row["low"], row["high"]
    return high - low if isinstance(low, int) and isinstance(high, int) else None


def _short(row: Row) -> bool | None:
    high = row["high"]
    return None if high is None else isinstance(high, int) and high < 1000


_ENTRY = table(
    Entry,
    "entries",
    columns={
        "id": column(identity=True),
        "initial": column(generated=Rule("left({person_handle}, 1)", _initial)),
        "width": column(generated=Rule("({high} - {low})", _width)),
        "made_on": column(default=Default("((now() AT TIME ZONE 'UTC')::date)", lambda now: now.date())),
    },
    uniques=[unique("slot", where=eq("active", True))],
    checks=[at_least("low", 0), check("high", "{high} < 1000", _short), differ("low", "high")],
    order=["id"],
)
_BY_HANDLE = ForeignKey(
    "entries_person_handle_fkey", ("person_handle",), "public.people", ("handle",), OnDelete.CASCADE
)
ENTRY = attrs.evolve(_ENTRY, foreign_keys=(_BY_HANDLE,))
"""Refers to people by their handle, which is not their key."""

TABLES: tuple[Table[Any], ...] = (SPECIMEN, CRATE, LABEL, PERSON, FACE, ENTRY)


class Ticking:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now

    def forward(self, seconds: int = 1) -> dt.datetime:
        self.now += dt.timedelta(seconds=seconds)
        return self.now


def opened(
    *tables: Table[Any],
    clock: Callable[[], dt.datetime] | None = None,
    operations: tuple[Operation[Any, Any], ...] = (),
    answers: dict[str, Answer] | None = None,
    lock_timeout: float = 5.0,
) -> MemoryStore:
    return open_memory(
        catalog=Catalog.of(tables or TABLES),
        cursors=CursorSigner(key=b"k" * 32),
        operations=operations,
        answers=answers,
        clock=clock,
        lock_timeout=lock_timeout,
    )
