"""Random steps on any installed table, through its base repository; rows are made from what its columns declare.

The n-th row of a table is the n-th person's and refers, mostly, to the n-th rows of its parents, so that rows meet
across tables. Ids are known beforehand; what the database makes up is told apart by `World`.
"""

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import cache
from typing import Any

from homeport.contexts import SHIPPED, load
from homeport.kernel.errors import InvalidField
from homeport.kernel.predicates import Predicate, all_of, eq, one_of
from homeport.kernel.query import Deleted
from homeport.kernel.table import NOW, TODAY, Column, Table
from homeport.kernel.types import (
    ArrayType,
    BooleanType,
    ChoiceType,
    ColumnType,
    DateType,
    InetType,
    IntegerType,
    JsonType,
    NumericType,
    RealType,
    TextType,
    TimestampType,
    UuidType,
)
from homeport.testing import builders
from tests.differential.draws import PEOPLE, Dice, day, leaf, moment, order, pick, some, uid, without
from tests.differential.outcome import Step

KINDS_OF_IDS = {
    "users": "user",
    "expenses": "expense",
    "posts": "post",
    "comments": "comment",
    "calendar_events": "event",
    "messages": "message",
}
"""What the hand-written steps call the rows of these tables; elsewhere the table's own name stands for them."""

MADE_BY_METHODS = {
    "launch_checkins",
    "launch_week_tasks",
    "product_clicks",
    "product_reports",
    "storage_categories",
    "storage_locations",
    "transition_profiles",
    "transition_tasks",
    "transition_timeline",
    "trip_participants",
    "user_launch_dates",
    "user_launch_tasks",
}
"""Tables in which a method of a port makes rows, with ids of its own or the database's."""

ROWS = 6
LATE = dt.datetime(2999, 1, 1, tzinfo=dt.UTC)
TABLES: Mapping[str, tuple[Table[Any], ...]] = {
    name: tuple(each for each in load(name).tables if each.view_of is None and each.name != "users") for name in SHIPPED
}
"""Every table that is written, by its context. `users` has steps of its own: everything hangs on its rows."""


def kind_of(table: Table[Any]) -> str:
    return KINDS_OF_IDS.get(table.name, table.name)


@cache
def declared() -> Mapping[str, Table[Any]]:
    return {each.full_name: each for name in SHIPPED for each in load(name).tables}


def ground(context: str) -> list[Step]:
    """Two rows in each of the context's tables and in those that they refer to, so that later steps find something."""
    dice = random.Random(context)
    wanted: dict[str, Table[Any]] = {}
    for table in TABLES[context]:
        _with_parents(table, wanted)
    return [
        Step(f"table:{each.name}.create_many", ([_plain_row(dice, each, n) for n in (0, 1)],))
        for each in wanted.values()
    ]


def _with_parents(table: Table[Any], found: dict[str, Table[Any]]) -> None:
    for key in table.foreign_keys:
        parent = declared().get(key.table)
        needed = parent is not None and not table.require(key.referring).nullable
        if parent is not None and needed and parent is not table and parent.name != "users":
            _with_parents(parent, found)
    found.setdefault(table.name, table)


def table_step(dice: Dice, context: str) -> Step:
    """One call on one of the context's tables."""
    table = dice.choice(TABLES[context])
    values = compared(table)
    path = f"table:{table.name}"
    choices = [*_reads(dice, path, table, values), (8, Step(f"{path}.create", (row(dice, table),)))]
    choices.append((2, Step(f"{path}.create_many", ([row(dice, table) for _ in range(dice.randrange(3))],))))
    change = a_change(dice, table)
    if change:
        meant = all_of(leaf(dice, values), _some_of(dice, table))
        choices.append((2, Step(f"{path}.update_many", (meant, _plain(table, change)))))
    if not table.key_column.identity:
        choices += _by_key(dice, path, table, change)
    return pick(dice, choices)


def _reads(dice: Dice, path: str, table: Table[Any], values: dict[str, Sequence[object]]) -> list[tuple[int, Step]]:
    where, sort = leaf(dice, values), {"order_by": order(dice, list(values))}
    window = {} if has_new_ids(table) else {"limit": dice.choice([None, 0, 1, 3]), "offset": dice.choice([0, 0, 1])}
    deleted = {"deleted": dice.choice(list(Deleted))}
    reads = [
        (1, Step(f"{path}.count", (where,), deleted)),
        (1, Step(f"{path}.exists", (where,))),
    ]
    if not table.key_column.identity:  # the database numbers the rows, and in another order in each world
        reads.append((4, Step(f"{path}.find_many", (where,), {**window, **deleted, **sort})))
        if window:
            reads.append((1, Step(f"{path}.paginate", (where,), {"page": dice.choice([1, 2]), "page_size": 2, **sort})))
    return reads


def has_new_ids(table: Table[Any]) -> bool:
    """Whether some of its rows have ids that no history knows, so that which of them come first is nobody's promise."""
    return table.name in MADE_BY_METHODS or any(table.key not in each for each in _targets(table))


def _targets(table: Table[Any]) -> list[tuple[str, ...]]:
    """What tells rows apart with their owner: the legacy API can't keep an owner that the target leaves out."""
    targets = [(table.key,), *(each.columns for each in table.uniques if each.plain and table.key not in each.columns)]
    return [each for each in targets if table.owner in (None, *each)]


def _by_key(dice: Dice, path: str, table: Table[Any], change: dict[str, object]) -> list[tuple[int, Step]]:
    key = key_of(dice, table)
    choices = [
        *((3, each) for each in _upserts(dice, path, table)),
        (1, Step(f"{path}.insert_absent", (row(dice, table),), {"target": [table.key]})),
        (4, Step(f"{path}.update", (key, change))),
        (1, Step(f"{path}.find_by_id", (key,))),
        (1, Step(f"{path}.find_by_ids", ([key_of(dice, table) for _ in range(2)],))),
        (1, Step(f"{path}.bulk_update", ([(key, change)],))),
        (1, Step(f"{path}.delete", (key,))),
        (1, Step(f"{path}.discard", (key,))),
    ]
    if table.soft_delete is not None:
        choices.append((2, Step(f"{path}.soft_delete", (key,))))
        choices.append((2, Step(f"{path}.restore", (key,))))
    return choices


def _upserts(dice: Dice, path: str, table: Table[Any]) -> list[Step]:
    made = {each: row(dice, table) for each in _targets(table)}
    return [
        Step(f"{path}.upsert", (new if table.key in each else without(new, table.key),), {"target": list(each)})
        for each, new in made.items()
    ]


# -- rows


def row(dice: Dice, table: Table[Any]) -> dict[str, object]:
    """A row that mostly keeps the rules; what is optional may break them."""
    given = _plain_row(dice, table, dice.randrange(ROWS), strict=False)
    for column in table.columns:
        if column.name not in given and _is_free(column) and dice.random() < 0.1:
            given[column.name] = a_value(dice, column, column.type)
    return given


def _plain_row(dice: Dice, table: Table[Any], number: int, *, strict: bool = True) -> dict[str, object]:
    """The n-th row with what it can't do without; unless `strict`, at times what it may refer to, or other parents."""
    given: dict[str, object] = {}
    made: set[str] = set()
    for column in (each for each in table.columns if not (each.read_only or each.identity)):
        if column.name == table.key or column.reference is not None:
            if column.name == table.key or not column.nullable or (not strict and dice.random() < 0.25):
                given[column.name] = _refers(dice, table, column, number, strict=strict)
        elif _shared(table, column):
            given[column.name] = uid("user", number % PEOPLE)
        elif column.default in (NOW, TODAY):
            given[column.name] = a_value(dice, column, column.type)
        elif not column.nullable and column.default is None:
            pick = number + 1 if strict else dice.randrange(1, 6)
            given[column.name] = builders.value_of(column.type, column.name, pick)
            made.add(column.name)
    with suppress(InvalidField):  # what it refers to breaks a rule, somebody following itself for one
        builders._obey(table, given, made, number + 1)
    return given


def key_of(dice: Dice, table: Table[Any]) -> object:
    return _refers(dice, table, table.key_column, dice.randrange(ROWS))


def _refers(dice: Dice, table: Table[Any], column: Column, number: int, *, strict: bool = False) -> object:
    """The id that the row has, or that of what it refers to: mostly its own n-th parent's."""
    parents = [key.table for key in table.foreign_keys if key.referring == column.name]
    if not parents:
        is_uuid = isinstance(column.type, UuidType)
        return uid(kind_of(table), number) if is_uuid else f"{table.name} {number}"
    parent = declared().get(parents[0])
    kind = parents[0] if parent is None else kind_of(parent)
    if kind != "user":
        return uid(kind, number) if strict or dice.random() < 0.9 else some(dice, kind, ROWS)
    others = sum(each.reference is not None for each in table.columns[: table.columns.index(column)])
    return uid("user", (number + others) % PEOPLE) if strict or dice.random() < 0.9 else some(dice, "user", PEOPLE)


def _shared(table: Table[Any], column: Column) -> bool:
    """Whether it is, with a referring column, one part of a foreign key."""
    return any(column.name in key.columns[:-1] for key in table.foreign_keys)


def _is_free(column: Column) -> bool:
    return not (column.read_only or column.identity or column.reference is not None)


def a_change(dice: Dice, table: Table[Any]) -> dict[str, object]:
    """Some columns anew: neither key nor owner, and of what it refers to only what nobody's rows share."""
    kept = {table.key, table.owner, *(name for key in table.foreign_keys for name in key.columns)}
    free = [each for each in table.columns if _is_free(each) and each.name not in kept]
    chosen = dice.sample(free, min(len(free), dice.randrange(1, 3)))
    return {each.name: a_value(dice, each, each.type) for each in chosen}


def _plain(table: Table[Any], change: dict[str, object]) -> dict[str, object]:
    """Without what no two rows may share: of several rows changed at once, which one is told of is nobody's promise."""
    return without(change, *(name for each in table.uniques for name in each.columns))


def _some_of(dice: Dice, table: Table[Any]) -> Predicate:
    if table.owner is not None and table.owner != table.key:
        return eq(table.owner, some(dice, "user", PEOPLE))
    return one_of(table.key, [key_of(dice, table)]) if not table.key_column.identity else all_of()


# -- values


def a_value(dice: Dice, column: Column, kind: ColumnType) -> object:
    """One of a few, so that rows collide; None where it may be."""
    if column.nullable and dice.random() < 0.2:
        return None
    match kind:
        case TimestampType():
            return LATE if "expires" in column.name else moment(dice)
        case DateType():
            return day(dice)
        case ArrayType(element):
            return [dice.choice(_few(element)) for _ in range(dice.randrange(3))]
        case _:
            return dice.choice(_few(kind))


def _few(kind: ColumnType) -> Sequence[object]:
    match kind:
        case TextType(longest):
            return ["EUR", "USD", "usd"] if longest == 3 else ["a", "A", "b", "a b", "É"]
        case BooleanType():
            return [True, False]
        case IntegerType():
            return [0, 1, 5, 100, -1]
        case NumericType():
            return [Decimal("1.5"), Decimal("0.005"), Decimal(80), "-1"]
        case RealType():
            return [0.5, 0.1, 2.0]
        case ChoiceType(members):
            return list(members)
        case JsonType():
            return [{}, {"a": [1, None]}, ["x"]]
        case InetType():
            return ["10.0.0.1", "::1"]
        case UuidType():
            return [uid("thing", 0), uid("thing", 1)]
        case DateType():
            return [dt.date(2024, 1, 1), dt.date(2024, 1, 3)]
        case TimestampType():
            return [dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(2024, 1, 3, tzinfo=dt.UTC)]
        case _:
            raise LookupError(f"no values for {kind}")


@cache
def compared(table: Table[Any]) -> dict[str, Sequence[object]]:
    """Values to compare with, by column, where every adapter can compare; no time that the database sets."""
    comparable = (TextType, BooleanType, IntegerType, NumericType, ChoiceType, DateType, UuidType)
    return {
        each.name: [uid("user", 0), uid("user", 1)] if isinstance(each.type, UuidType) else _comparable(each.type)
        for each in table.columns
        if isinstance(each.type, comparable) and each.name != table.key
    } or {table.key: [uid(kind_of(table), 0)]}


def _comparable(kind: ColumnType) -> Sequence[object]:
    return [Decimal(str(each)) if isinstance(kind, NumericType) else each for each in _few(kind)]


def every_row(seed: int = 1) -> dict[str, dict[str, object]]:
    """One row of each table, for a look at what is drawn."""
    dice = random.Random(seed)
    return {table.name: row(dice, table) for tables in TABLES.values() for table in tables}
