"""`docs/sql/<context>.sql`: every statement that a context's repository sends, found by calling all of its methods.

    python -m homeport.cli.sqldocs docs/sql

Nothing is sent to a server. The arguments are made up from the names and types of the parameters.
"""

import asyncio
import datetime as dt
import inspect
import re
import sys
import textwrap
import typing
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from homeport.composition.ledger import functions, open_ledger
from homeport.contexts import SHIPPED, load
from homeport.kernel.errors import RepositoryValidationError
from homeport.kernel.table import Column, Table
from homeport.kernel.types import TextType, UuidType
from homeport.ports.context import Context
from homeport.repositories.collection import Collection
from homeport.testing.builders import value_of

Listed = list[tuple[str, str]]
"""What was called, and a statement's text."""

_ID = uuid.UUID(int=1)
_DAY = dt.date(2026, 1, 1)
_MOMENT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_BREAKS = re.compile(r" (?=(?:FROM|WHERE|ORDER BY|LIMIT|VALUES|SET|ON CONFLICT|RETURNING)\b(?![^(]*\)))")
_WHOLE_WORDS: Mapping[str, Any] = {"break_long_words": False, "break_on_hyphens": False}

SAMPLES: Mapping[str, Mapping[str, object]] = {
    "expenses.get_user_expenses": {"filters": {"category": "fuel", "min_amount": "1", "max_amount": "2"}},
    "budgets.create_recurring_expense": {
        "data": {
            "amount": "900",
            "category": "rent",
            "frequency": "monthly",
            "start_date": _DAY,
            "next_due_date": _DAY,
            "budget_id": _ID,
        }
    },
    "budgets.create_budget_category": {"data": {"name": "diesel"}},
    "access.get_sessions_by_ip": {"ip_address": "10.0.0.1"},
    "governance.get": {"reveal": True},
    "governance.get_value": {"default": 1, "reveal": True},
    "governance.get_many": {"keys": ["text", "other"], "reveal": True},
    "governance.define": {"value": 1, "value_type": "json", "is_secret": False},
    "governance.set": {"value": "text"},
    "governance.list": {"reveal": True},
    "affiliate_shop.search_products": {"category": "electronics"},
    "vehicles.add_maintenance_record": {"data": {"task": "oil", "date": _DAY}},
    "vehicles.add_fuel_log": {"data": {"date": _DAY, "volume": "10", "price_per_unit": "4", "odometer": 1000}},
    "trips.add_trip_stop": {"data": {"name": "text"}},
    "trips.reorder_trip_stops": {"stop_ids": [_ID]},
    "trips.add_trip_participant": {"role": "viewer"},
    "trips.answer_trip_invitation": {"accepts": True},
    "trips.add_trip_expense": {"data": {"amount": "80", "category": "fuel"}},
    "household_storage.create_storage_item": {"data": {"name": "text", "category_id": _ID, "location_id": _ID}},
    "household_storage.get_user_storage_items": {"filters": {"name": "text", "category": "text", "location": "text"}},
    "social.create_comment": {"data": {"content": "text", "parent_comment_id": _ID}},
    "transition_plan.get_transition_tasks": {"category": "legal", "status": "overdue", "priority": "high"},
    "transition_plan.create_transition_task": {"data": {"title": "text", "category": "legal"}},
    "transition_plan.update_transition_task": {"data": {"is_completed": True}},
    "transition_plan.create_milestone": {
        "data": {"milestone_type": "custom", "milestone_name": "text", "milestone_date": _DAY}
    },
    "transition_plan.update_milestone": {"data": {"is_completed": True}},
    "transition_plan.update_profile": {"data": {"departure_date": _DAY}},
    "transition_plan.get_financial_items": {"bucket_type": "travel"},
    "transition_plan.create_financial_item": {
        "data": {"bucket_type": "travel", "category": "fuel", "estimated_amount": "80"}
    },
    "transition_plan.update_financial_item": {"data": {"current_amount": "40"}},
    "transition_plan.get_services": {"service_type": "cancellation", "status": "pending"},
    "transition_plan.create_service": {
        "data": {"service_type": "cancellation", "service_name": "text", "category": "text"}
    },
    "transition_plan.update_service": {"data": {"status": "completed"}},
    "transition_plan.add_equipment_item": {"data": {"equipment_name": "text", "category": "text"}},
    "transition_plan.update_equipment_item": {"data": {"research_notes": "text"}},
    "transition_plan.get_equipment_list": {"status": "ordered", "is_purchased": False},
    "transition_plan.create_vehicle_mod": {"data": {"name": "text", "category": "power"}},
    "transition_plan.update_vehicle_mod": {"data": {"status": "complete"}},
    "transition_plan.get_vehicle_mods": {"category": "power", "status": "planned"},
    "transition_plan.create_room": {"data": {"name": "text"}},
    "transition_plan.update_room": {"data": {"status": "completed"}},
    "transition_plan.create_item": {"data": {"name": "text"}},
    "transition_plan.update_item": {"data": {"decision": "sell", "room_id": _ID}},
    "transition_plan.get_items": {"decision": "sell"},
    "transition_launch.log_shakedown_trip": {
        "data": {"name": "text", "duration_days": 2, "trip_type": "weekend", "start_date": _DAY}
    },
    "transition_launch.update_shakedown_trip": {"data": {"lessons_learned": "text"}},
    "transition_launch.add_shakedown_issue": {
        "data": {"category": "water", "severity": "minor", "description": "text"}
    },
    "transition_launch.update_shakedown_issue": {"data": {"is_resolved": True, "trip_id": _ID}},
    "transition_launch.get_shakedown_issues": {"is_resolved": False},
    "transition_launch.set_launch_date": {"data": {"launch_date": _DAY}},
    "transition_launch.save_checkin": {"checkin_type": "day_1", "data": {"response": "text"}},
}
"""Arguments that a parameter's name and type don't tell, by method."""


def write_all(folder: Path) -> list[Path]:
    """Writes the file of every shipped context; which ones."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = asyncio.run(all_sql())
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


async def all_sql() -> dict[str, str]:
    """The text of each shipped context's file, by its name."""
    return {f"{name}.sql": await sql_of(load(name)) for name in SHIPPED}


async def sql_of(context: Context[Any]) -> str:
    """The text of the context's file."""
    db, ledger = open_ledger([context], _made_up)
    repository = db.repository(context)
    parts = [
        f"-- The context {context.name}: every statement that the postgres adapter sends for it.",
        "-- Generated by `make docs-sql`; lines are broken for reading. Inserts and updates name the columns that are",
        "-- given, so theirs are examples. Other texts depend on which parameters are given, never on their values.",
    ]
    parts += _section(
        f"{context.name}: the methods of the port", await _methods(context, repository, ledger.statements)
    )
    for table in context.tables:
        title = f"{table.full_name}: the methods of the base repository"
        parts += _section(title, await _base(db.collection(table), ledger.statements))
    for name, text in sorted(functions(context).items()):
        parts += ["", f"-- == {name}: the function behind the operation", "", f"{text.strip().removesuffix(';')};"]
    return "\n".join(parts) + "\n"


def _section(title: str, listed: Listed) -> list[str]:
    parts = ["", f"-- == {title}"]
    texts: dict[str, list[str]] = {}
    for call, text in listed:
        texts.setdefault(text, [])
        if call not in texts[text]:
            texts[text].append(call)
    for text in sorted(texts):
        parts += ["", f"-- {', '.join(sorted(texts[text]))}", f"{_broken(text)};"]
    return parts


def _broken(text: str) -> str:
    comment, end, rest = text.partition("*/ ")
    clauses = _BREAKS.sub("\n", rest).splitlines()
    lines = [line for each in clauses for line in textwrap.wrap(each, 118, subsequent_indent="    ", **_WHOLE_WORDS)]
    return "\n".join([comment + end.rstrip(), *lines])


# -- the port's methods


async def _methods(context: Context[Any], repository: object, kept: list[Any]) -> Listed:
    listed: Listed = []
    for name, method in inspect.getmembers(repository, inspect.iscoroutinefunction):
        if name.startswith("_"):
            continue
        for arguments in _variants(context, name, method):
            kept.clear()
            for attempt in arguments:
                with suppress(RepositoryValidationError):
                    await method(**attempt)
                    break
            if not kept:
                raise LookupError(f"{context.name}.{name} sent nothing: give it arguments in SAMPLES")
            listed += [(name, each.text) for each in kept]
    return listed


def _variants(context: Context[Any], name: str, method: Callable[..., Any]) -> Iterator[list[dict[str, object]]]:
    """The required arguments alone, and all of them; each with the data of one table after the other."""
    parameters = inspect.signature(method).parameters.values()
    hints = typing.get_type_hints(method)
    required = [each for each in parameters if each.default is inspect.Parameter.empty]
    for chosen in [required, list(parameters)] if len(required) < len(parameters) else [required]:
        yield [_arguments(chosen, hints, table, SAMPLES.get(f"{context.name}.{name}", {})) for table in context.tables]


def _arguments(
    parameters: Iterable[inspect.Parameter],
    hints: Mapping[str, object],
    table: Table[Any],
    samples: Mapping[str, object],
) -> dict[str, object]:
    return {
        each.name: samples[each.name] if each.name in samples else _argument(each.name, hints[each.name], table)
        for each in parameters
    }


def _argument(name: str, hint: object, table: Table[Any]) -> object:
    kinds = set(typing.get_args(hint)) or {hint}
    match name:
        case "data":
            return _data(table)
        case "filters":
            column = next(each for each in table.columns if isinstance(each.type, TextType))
            return {column.name: "text"}
        case "order_by":
            return f"-{table.key}"
        case _ if uuid.UUID in kinds:
            return _ID
        case _ if dt.datetime in kinds:
            return _MOMENT
        case _ if dt.date in kinds:
            return _DAY
        case _ if int in kinds:
            return 10
        case _ if str in kinds:
            return "text"
        case _:
            raise LookupError(f"no argument for a parameter {name}: {hint}")


def _data(table: Table[Any]) -> dict[str, object]:
    """The columns that a new row needs, apart from those that say whose it is; else the first text there is."""
    own = [each for each in table.columns if not (each.read_only or each.reference or each.name == table.key)]
    needed = [each for each in own if not each.nullable and each.default is None]
    chosen = needed or [each for each in own if isinstance(each.type, TextType)][:1]
    return {each.name: _made_up(each) for each in chosen}


def _made_up(column: Column) -> object:
    """A value of the column; the same each time."""
    return _ID if isinstance(column.type, UuidType) else column.type.admit(value_of(column.type, column.name, 1))


# -- the base repository's


async def _base(rows: Collection[Any, Any], kept: list[Any]) -> Listed:
    listed: Listed = []
    for name, call in _base_calls(rows).items():
        kept.clear()
        await call()
        listed += [(name, each.text) for each in kept]
    return listed


def _base_calls(rows: Collection[Any, Any]) -> dict[str, Callable[[], Awaitable[object]]]:
    table = rows.table
    key = _made_up(table.key_column)
    mine = {table.key: key}
    reads: dict[str, Callable[[], Awaitable[object]]] = {
        "find_by_id": lambda: rows.find_by_id(key),
        "get_or_raise": lambda: rows.get_or_raise(key),
        "find_by_ids": lambda: rows.find_by_ids([key]),
        "find_many": lambda: rows.find_many(mine, limit=2, offset=1),
        "find_many of all": rows.find_many,
        "find_first": lambda: rows.find_first(mine),
        "stream": lambda: _all(rows.stream()),
        "count": lambda: rows.count(mine),
        "exists": lambda: rows.exists(mine),
        "paginate": lambda: rows.paginate(page=2),
        "paginate_cursor": lambda: _two_pages(rows),
    }
    return reads if table.view_of is not None else reads | _writing_calls(rows, key, mine)


def _writing_calls(
    rows: Collection[Any, Any], key: object, mine: Mapping[str, object]
) -> dict[str, Callable[[], Awaitable[object]]]:
    table, data = rows.table, _data(rows.table)
    whole = table.entity(**{each.name: _made_up(each) for each in table.columns})
    new = {**{each.name: _made_up(each) for each in table.columns if each.reference and not each.nullable}, **data}
    changes = _changes(table)
    other = uuid.UUID(int=2) if isinstance(table.key_column.type, UuidType) else value_of(table.key_column.type, "", 2)
    keyed = new if table.key_column.read_only else {table.key: key, **new}
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "create": lambda: rows.create(new),
        "create_many": lambda: rows.create_many([new, new]),
        "bulk_create": lambda: rows.bulk_create([new, new]),
        "add": lambda: rows.add(whole),
        "add_many": lambda: rows.add_many([whole, whole]),
        "upsert": lambda: rows.upsert(keyed),
        "upsert_many": lambda: rows.upsert_many([keyed, keyed]),
        "insert_absent": lambda: rows.insert_absent(keyed, target=[table.key]),
        "update": lambda: rows.update(key, changes),
        "update_many": lambda: rows.update_many(mine, changes),
        "update_returning": lambda: rows.update_returning(mine, changes),
        "bulk_update of the same": lambda: rows.bulk_update([(key, changes)]),
        "bulk_update of different changes": lambda: rows.bulk_update([(key, changes), (other, _changes(table, 2))]),
        "delete": lambda: rows.delete(key),
        "delete_many": lambda: rows.delete_many(mine),
        "bulk_delete": lambda: rows.bulk_delete([key]),
    }
    if table.key_column.read_only:  # the database numbers the rows, so none is known again by its key
        for name in ("upsert", "upsert_many", "insert_absent"):
            del calls[name]
    if table.soft_delete is not None:
        calls["soft_delete"] = lambda: rows.soft_delete(key)
        calls["restore"] = lambda: rows.restore(key)
        calls["discard"] = lambda: rows.discard(key)
        calls["discard_many"] = lambda: rows.discard_many(mine)
    return calls


def _changes(table: Table[Any], number: int = 1) -> dict[str, object]:
    """One column that may be changed: a text, or what there is."""
    free = [each for each in table.columns if not each.read_only and each.name not in (table.key, table.owner)]
    column = next((each for each in free if isinstance(each.type, TextType)), free[0])
    value = uuid.UUID(int=number) if isinstance(column.type, UuidType) else value_of(column.type, column.name, number)
    return {column.name: value}


async def _all(stream: AsyncIterator[object]) -> None:
    async for _ in stream:
        pass


async def _two_pages(rows: Collection[Any, Any]) -> None:
    first = await rows.paginate_cursor(limit=1)
    await rows.paginate_cursor(limit=1, cursor=first.next_cursor)


def main() -> None:
    """Writes the files into the folder that is named."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/sql")
    for path in write_all(folder):
        print(path)


if __name__ == "__main__":
    main()
