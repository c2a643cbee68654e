"""A context for tests alone: every column type, every kind of constraint, key and foreign-key action."""

import datetime as dt
import enum
import uuid
from decimal import Decimal
from pathlib import Path

import attrs

from homeport.kernel.entity import Entity
from homeport.kernel.policies import catalogue
from homeport.kernel.predicates import is_null, lower
from homeport.kernel.table import (
    CREATED,
    DELETED,
    ID,
    IDENTITY,
    UPDATED,
    Counter,
    OnDelete,
    Row,
    Rule,
    at_least,
    column,
    differ,
    index,
    table,
    unique,
)
from homeport.kernel.types import (
    ArrayType,
    ChoiceType,
    DoubleType,
    InetType,
    IntegerType,
    IpAddress,
    Json,
    JsonType,
    NumericType,
    RealType,
    TextType,
)
from homeport.ports.context import Context
from homeport.ports.store import Store
from homeport.repositories.collection import Collection


class Size(enum.StrEnum):
    """Members whose order is not the order of their texts."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Mood(enum.StrEnum):
    CALM = "calm"
    WILD = 'it\'s, "wild" {}'


@attrs.frozen(kw_only=True)
class Specimen(Entity):
    """One value of every column type."""

    id: uuid.UUID
    words: str | None = None
    short: str | None = None
    flag: bool | None = None
    tiny: int | None = None
    whole: int | None = None
    big: int | None = None
    price: Decimal | None = None
    exact: Decimal | None = None
    ratio: float | None = None
    factor: float | None = None
    day: dt.date | None = None
    moment: dt.datetime | None = None
    span: dt.timedelta | None = None
    other_id: uuid.UUID | None = None
    raw: bytes | None = None
    facts: Json = None
    address: IpAddress | None = None
    mood: Mood | None = None
    size: Size | None = None
    words_list: tuple[str, ...] | None = None
    whole_list: tuple[int, ...] | None = None
    exact_list: tuple[Decimal, ...] | None = None
    moment_list: tuple[dt.datetime, ...] | None = None
    id_list: tuple[uuid.UUID, ...] | None = None
    size_list: tuple[Size, ...] | None = None
    doubled: int | None = None


def _double(row: Row) -> int | None:
    whole = row["whole"]
    return whole * 2 if isinstance(whole, int) else None


SPECIMEN = table(
    Specimen,
    "specimens",
    columns={
        "id": ID,
        "short": column(TextType(5)),
        "tiny": column(IntegerType(16)),
        "big": column(IntegerType(64)),
        "price": column(NumericType(20, 4)),
        "exact": column(NumericType()),
        "ratio": column(DoubleType()),
        "factor": column(RealType()),
        "facts": column(JsonType()),
        "address": column(InetType()),
        "size": column(ChoiceType(Size, native="specimen_size")),
        "exact_list": column(ArrayType(NumericType())),
        "size_list": column(ArrayType(ChoiceType(Size, native="specimen_size"))),
        "doubled": column(IntegerType(64), generated=Rule("({whole}::bigint * 2)", _double)),
    },
    indexes=[index("whole"), index("day", "-moment")],
    policies=catalogue(),
)


@attrs.frozen(kw_only=True)
class Crate(Entity):
    """A row with an identity key, a plain unique and a counter."""

    id: int
    code: str
    shelf: str | None = None
    position: int | None = None
    labels_count: int = 0
    version: int = 1


CRATE = table(
    Crate,
    "crates",
    columns={"id": IDENTITY},
    uniques=[unique("code"), unique("shelf", "position")],
    checks=[at_least("position", 0), at_least("labels_count", 0)],
    counters=[Counter("labels_count", "public.labels", "crate_id")],
    policies=catalogue(),
    order=["code"],
)


@attrs.frozen(kw_only=True)
class Label(Entity):
    """A row with all three foreign-key actions, its own table among them, soft delete, a version, a partial unique."""

    id: uuid.UUID
    crate_id: int
    spare_id: int | None = None
    kept_id: int | None = None
    above_id: uuid.UUID | None = None
    name: str
    weight: int | None = None
    revision: int = 1
    created_at: dt.datetime
    updated_at: dt.datetime
    deleted_at: dt.datetime | None = None


LABEL = table(
    Label,
    "labels",
    soft_delete="deleted_at",
    version="revision",
    columns={
        "id": ID,
        "crate_id": column(IntegerType(64), references="crates", on_delete=OnDelete.CASCADE),
        "spare_id": column(IntegerType(64), references="crates", on_delete=OnDelete.SET_NULL),
        "kept_id": column(IntegerType(64), references="crates", on_delete=OnDelete.RESTRICT),
        "above_id": column(references="labels", on_delete=OnDelete.CASCADE),
        "created_at": CREATED,
        "updated_at": UPDATED,
        "deleted_at": DELETED,
    },
    uniques=[unique(lower("name"), "crate_id", where=is_null("deleted_at"))],
    checks=[differ("crate_id", "kept_id")],
    indexes=[index("crate_id", "name")],
    policies=catalogue(is_null("deleted_at")),
    order=["name"],
)


class StoredSpecimens:
    """Three collections and nothing more: what the base methods are tested on."""

    def __init__(self, store: Store) -> None:
        self.specimens: Collection[Specimen, uuid.UUID] = Collection(store, SPECIMEN)
        self.crates: Collection[Crate, int] = Collection(store, CRATE)
        self.labels: Collection[Label, uuid.UUID] = Collection(store, LABEL)


SPECIMENS: Context[StoredSpecimens] = Context(
    "specimens",
    StoredSpecimens,
    tables=(SPECIMEN, CRATE, LABEL),
    migrations=Path(__file__).parent / "migrations" / "specimens",
)


async def labels(stored: StoredSpecimens, crate: Crate, *names: str) -> list[Label]:
    """Labels of one crate."""
    return await stored.labels.create_many([{"crate_id": crate.id, "name": name} for name in names])
