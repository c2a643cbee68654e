"""Builders: one row of any table, with the rows it can't do without. They work on every adapter, constraints and all.

expense = await an_expense(db, amount="12.50")      # and a user to whom it belongs
booking = await build(db, BOOKING, guest="Ada")     # a table of an application's own
"""

import datetime as dt
import enum
import itertools
import uuid
from collections.abc import Iterator, Mapping
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Any, Protocol, TypeVar, assert_never

from homeport.composition import Homeport
from homeport.kernel.entity import E
from homeport.kernel.errors import InvalidField
from homeport.kernel.table import Check, Column, ForeignKey, Table
from homeport.kernel.types import (
    ArrayType,
    BooleanType,
    BytesType,
    ChoiceType,
    ColumnType,
    DateType,
    DoubleType,
    InetType,
    IntegerType,
    IntervalType,
    JsonType,
    NumericType,
    RealType,
    TextType,
    TimestampType,
    UuidType,
)
from homeport.repositories.access import ADMIN, SECURITY_EVENT, SESSION
from homeport.repositories.affiliate_shop import CLICK, PRODUCT, REPORT
from homeport.repositories.budgets import BUDGET, BUDGET_CATEGORY, RECURRING_EXPENSE
from homeport.repositories.calendar import EVENT
from homeport.repositories.expenses import EXPENSE
from homeport.repositories.household_storage import CATEGORY, ITEM, LOCATION
from homeport.repositories.pam import CAMPGROUND, CONTEXT, INTERACTION, KNOWLEDGE, MEMORY
from homeport.repositories.profiles import PROFILE
from homeport.repositories.social import COMMENT, FOLLOW, LIKE, MESSAGE, POST
from homeport.repositories.transition_launch import LAUNCH_WEEK_TASK, SHAKEDOWN_ISSUE, SHAKEDOWN_TRIP, USER_LAUNCH_TASK
from homeport.repositories.transition_plan import (
    EQUIPMENT,
    FINANCIAL_ITEM,
    MILESTONE,
    SERVICE,
    TRANSITION_ITEM,
    TRANSITION_PROFILE,
    TRANSITION_ROOM,
    TRANSITION_TASK,
    VEHICLE_MOD,
)
from homeport.repositories.trips import EXPENSE as TRIP_EXPENSE
from homeport.repositories.trips import PARTICIPANT, STOP, TRIP
from homeport.repositories.users import CREDENTIALS, USER
from homeport.repositories.vehicles import FUEL_LOG, MAINTENANCE_RECORD, VEHICLE

E_co = TypeVar("E_co", covariant=True)

_NUMBERS = itertools.count(1)
_EPOCH = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)
_LATE = dt.datetime(2999, 1, 1, tzinfo=dt.UTC)
_WORDS = ("USD", "en", "+4930123456", "https://example.com/", "12:00", "#3b82f6")


class Builder(Protocol[E_co]):
    """Makes one row; `fields` are column values, all others are made up."""

    async def __call__(self, db: Homeport, /, **fields: object) -> E_co: ...


def builder(table: Table[E]) -> Builder[E]:
    """One table's builder, to be kept under a name.

    a_booking = builder(BOOKING)
    """

    async def make(db: Homeport, /, **fields: object) -> E:
        return await build(db, table, **fields)

    return make


async def build(db: Homeport, table: Table[E], /, **fields: object) -> E:
    """One row, as stored: `fields` as given, made-up values where the table requires one, its defaults elsewhere.

    A required foreign key that is not given gets a parent row of its own, made the same way; a parent whose context is
    not installed gets a new id alone. A column that the database sets may be given too, `created_at` for instance.

    Raises:
        InvalidField: a field is unknown, or required with a rule for which no value can be made up: give it.
        RepositoryConstraintError: the fields given break one.
    """
    rows = db.collection(table)
    row = await made_up(db, table, **fields)
    if not any(rows.table.require(name).read_only for name in fields):
        return await rows.create(row)
    return await rows.add(_entity(rows.table, row))


async def made_up(db: Homeport, table: Table[Any], /, **fields: object) -> dict[str, object]:
    """The values of a row as `build` would give them, its parents made and itself not. Raises as `build`."""
    deployed = db.collection(table).table
    for name in fields:
        deployed.require(name)
    row, number = dict(fields), next(_NUMBERS)
    made: set[str] = set()
    for column in deployed.columns:
        if column.name not in row and _required(column):
            more = await _parents(db, deployed, column, row) or {
                column.name: value_of(column.type, column.name, number)
            }
            row.update(more)
            made.update(more)
    _obey(deployed, row, made, number)
    return row


async def _parents(
    db: Homeport, table: Table[Any], column: Column, row: Mapping[str, object]
) -> dict[str, object] | None:
    """The column and what it shares, from a row that was given or one made for it; None if it refers to nothing."""
    keys = [(key, parent) for key in table.foreign_keys if (parent := _declared(db, key.table)) is not None]
    for key, parent in keys:
        given = row.get(key.referring) if column.name in key.columns else None
        there = None if given is None else await db.collection(parent).find_first({key.targets[-1]: given})
        if there is not None:
            return {column.name: getattr(there, _theirs(key)[column.name])}
    for key, parent in keys:
        if key.referring == column.name:
            if db.catalog.table(parent) is table:
                raise InvalidField(f"{table.name}.{column.name} refers to its own table: give it", field=column.name)
            shared = {theirs: row[ours] for ours, theirs in _theirs(key).items() if ours in row}
            made = await build(db, parent, **shared)
            return {ours: getattr(made, theirs) for ours, theirs in _theirs(key).items()}
    return None


def _theirs(key: ForeignKey) -> dict[str, str]:
    """By our columns, the ones that they agree with."""
    return dict(zip(key.columns, key.targets, strict=True))


def _declared(db: Homeport, name: str) -> Table[Any] | None:
    tables = (table for context in db.contexts for table in context.tables)
    return next((each for each in tables if each.full_name == name), None)


def _required(column: Column) -> bool:
    has_value = column.nullable or column.default is not None or column.identity or column.generated is not None
    return not has_value


def _obey(table: Table[Any], row: dict[str, object], made: set[str], number: int) -> None:
    """Changes made-up values until the table's checks hold; what was given is never changed."""
    for check in table.checks:
        known = _as_stored(table, row)
        if check.rule.of(known) is not False:
            continue
        if not any(_amended(table, check, name, row, number) for name in check.columns if name in made):
            names = ", ".join(check.columns)
            raise InvalidField(f"{check.name} does not hold: give values for {names}", field=check.columns[0])


def _amended(table: Table[Any], check: Check, name: str, row: dict[str, object], number: int) -> bool:
    before = row[name]
    for candidate in _candidates(table.require(name), row, check, number):
        row[name] = candidate
        try:
            holds = check.rule.of(_as_stored(table, row)) is not False
        except ValueError:
            continue
        if holds:
            return True
    row[name] = before
    return False


def _candidates(column: Column, row: Mapping[str, object], check: Check, number: int) -> Iterator[object]:
    """Other values to try: those of the check's other columns, a little more or less, and texts of common forms."""
    yield from (row[name] for name in check.columns if name != column.name and row.get(name) is not None)
    match column.type:
        case TextType():
            yield from _WORDS
            yield f"{column.name}-{number}@example.com"
        case IntegerType() | NumericType() | DoubleType() | RealType():
            yield from (0, 1, 5, 10, 50, 100, 1000, -1)
        case ChoiceType(members):
            yield from members
        case TimestampType():
            yield _LATE
        case _:
            return


def _as_stored(table: Table[Any], row: Mapping[str, object]) -> dict[str, object]:
    now = dt.datetime.now(dt.UTC)
    full: dict[str, object] = {}
    for column in table.columns:
        if column.name in row:
            full[column.name] = column.admit(row[column.name])
        else:
            full[column.name] = None if column.default is None else column.default.make(now)
    for column in table.columns:
        if column.generated is not None:
            full[column.name] = column.generated.of(full)
    return full


def _entity(table: Table[E], row: Mapping[str, object]) -> E:
    stored = _as_stored(table, row)
    key = table.key_column
    if key.identity and key.name not in row:
        raise InvalidField(f"{table.name}.{key.name} is an identity: give it as well", field=key.name)
    return table.entity(**stored)


def value_of(kind: ColumnType, name: str, number: int) -> object:  # noqa: C901, PLR0912 - one case for each column type
    """A plausible value that no other row has, where the type has room for it."""
    match kind:
        case TextType(longest):
            text = f"{name}-{number}@example.com" if "email" in name else f"{name} {number}"
            return text if longest is None else text[-longest:]
        case BooleanType():
            return False
        case IntegerType(bits):
            return number % (1 << (bits - 1))
        case NumericType():
            return _number(kind, number)
        case DoubleType():
            return float(number)
        case RealType():
            return float(number % 1_000_000)
        case DateType():
            return _EPOCH.date() + dt.timedelta(days=number % 10_000)
        case TimestampType():
            return _EPOCH + dt.timedelta(minutes=number)
        case IntervalType():
            return dt.timedelta(minutes=number)
        case UuidType():
            return uuid.uuid4()
        case BytesType():
            return number.to_bytes(8)
        case InetType():
            return IPv4Address(number % (1 << 24) + (10 << 24))
        case ChoiceType(members):
            return _first(members)
        case JsonType():
            return {name: number}
        case ArrayType(element):
            return (value_of(element, name, number),)
        case _:
            assert_never(kind)


def _number(kind: NumericType, number: int) -> Decimal:
    if kind.precision is None:
        return Decimal(number)
    digits = min(kind.precision - (kind.scale or 0), 9)
    return Decimal(number % 10**digits)


def _first(members: type[enum.StrEnum]) -> enum.StrEnum:
    return next(iter(members))


a_user = builder(USER)
a_profile = builder(PROFILE)
an_expense = builder(EXPENSE)
an_event = builder(EVENT)
a_post = builder(POST)
a_comment = builder(COMMENT)
a_like = builder(LIKE)
a_follow = builder(FOLLOW)
a_message = builder(MESSAGE)
a_budget = builder(BUDGET)
a_budget_category = builder(BUDGET_CATEGORY)
a_recurring_expense = builder(RECURRING_EXPENSE)
a_session = builder(SESSION)
an_admin = builder(ADMIN)
a_security_event = builder(SECURITY_EVENT)
a_vehicle = builder(VEHICLE)
a_maintenance_record = builder(MAINTENANCE_RECORD)
a_fuel_log = builder(FUEL_LOG)
an_affiliate_product = builder(PRODUCT)
a_product_click = builder(CLICK)
a_product_report = builder(REPORT)
an_interaction = builder(INTERACTION)
a_memory = builder(MEMORY)
a_pam_context = builder(CONTEXT)
a_piece_of_knowledge = builder(KNOWLEDGE)
a_campground = builder(CAMPGROUND)
some_credentials = builder(CREDENTIALS)
a_trip = builder(TRIP)
a_trip_stop = builder(STOP)
a_trip_participant = builder(PARTICIPANT)
a_trip_expense = builder(TRIP_EXPENSE)
a_storage_category = builder(CATEGORY)
a_storage_location = builder(LOCATION)
a_storage_item = builder(ITEM)
a_transition_profile = builder(TRANSITION_PROFILE)
a_transition_task = builder(TRANSITION_TASK)
a_transition_milestone = builder(MILESTONE)
a_transition_room = builder(TRANSITION_ROOM)
a_transition_item = builder(TRANSITION_ITEM)
a_transition_service = builder(SERVICE)
a_financial_item = builder(FINANCIAL_ITEM)
an_equipment_item = builder(EQUIPMENT)
a_vehicle_mod = builder(VEHICLE_MOD)
a_shakedown_trip = builder(SHAKEDOWN_TRIP)
a_shakedown_issue = builder(SHAKEDOWN_ISSUE)
a_launch_week_task = builder(LAUNCH_WEEK_TASK)
a_user_launch_task = builder(USER_LAUNCH_TASK)
