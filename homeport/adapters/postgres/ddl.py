"""The DDL of Tables. It is generated once, reviewed and committed as a migration; the schema check builds it again."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs

from homeport.adapters.postgres.ddl_access import access_statements
from homeport.adapters.postgres.ddl_columns import (
    check_line,
    column_line,
    enum_types,
    foreign_key_line,
    index_statements,
    key_line,
    unique_line,
)
from homeport.adapters.postgres.ddl_text import plain
from homeport.adapters.postgres.ddl_triggers import HOME, counter_function_name, counter_statements, row_triggers
from homeport.adapters.postgres.predicate_sql import quoted, table_name
from homeport.kernel.catalog import Catalog
from homeport.kernel.table import Counter, ForeignKey, Table
from homeport.ports.context import Context

_PARAGRAPHS = ("CREATE TABLE", "CREATE VIEW", "CREATE FUNCTION", "CREATE TYPE")


@attrs.frozen
class Draft:
    """A migration to review: statements that make, and statements that take it back."""

    up: tuple[str, ...]
    down: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, str]:
        """The two files."""
        return script(self.up), script(self.down)


def script(statements: Iterable[str]) -> str:
    """The statements as a file, with a blank line before each thing that is made."""
    parts = (f"\n{each};\n" if each.startswith(_PARAGRAPHS) else f"{each};\n" for each in statements)
    return "".join(parts).lstrip("\n")


def context_sql(context: Context[Any], catalog: Catalog) -> Draft:
    """All that the context's tables need, apart from foreign keys into tables that the catalog does not have.

    The catalog holds the context's own tables and those of the contexts that it requires.
    """
    return tables_sql([catalog.table(each) for each in context.tables], catalog)


def late_sql(context: Context[Any], catalog: Catalog) -> dict[str, Draft]:
    """By constraint name, each foreign key into a table that the catalog does not have: a late migration of its own."""
    tables = [catalog.table(each) for each in context.tables]
    return {
        key.name: _late(table, key, catalog)
        for table in tables
        for key in table.foreign_keys
        if not catalog.has(key.table)
    }


def tables_sql(tables: Iterable[Table[Any]], catalog: Catalog, home: str = HOME) -> Draft:
    """Deployed tables and views, in the order given; `home` is the schema of the trigger functions."""
    given = list(tables)
    types = {name: made for each in given for name, made in enum_types(each).items()}
    up, afterwards = list(types.values()), Draft((), ())
    for number, each in enumerate(given):
        statements, held_back = _in_order(each, catalog, given[number + 1 :], home)
        up += statements
        afterwards = Draft(afterwards.up + held_back.up, held_back.down + afterwards.down)
    up += afterwards.up
    there = {id(each) for each in given}
    counters = [(parent, each) for parent, each in _counters(catalog) if _concerns(parent, each, catalog, there)]
    up += [plain(line) for parent, each in counters for line in counter_statements(parent, each, catalog, home)]
    down = list(afterwards.down)
    down += [f"DROP {'TABLE' if each.view_of is None else 'VIEW'} {table_name(each)}" for each in reversed(given)]
    down += [f"DROP FUNCTION {quoted(home)}.{quoted(counter_function_name(*each))}()" for each in counters]
    down += [f"DROP TYPE {name}" for name in reversed(types)]
    return Draft(tuple(up), tuple(plain(each) for each in down))


def create_table(table: Table[Any], catalog: Catalog, home: str = HOME) -> list[str]:
    """The statements that make one table, or view, with its constraints, indexes, policies, grants and touch trigger.

    Its native enum types and the tables that it refers to are there already.
    """
    statements, _ = _in_order(table, catalog, (), home)
    return statements


def _in_order(table: Table[Any], catalog: Catalog, later: Sequence[Table[Any]], home: str) -> tuple[list[str], Draft]:
    """What makes the table, and what has to wait until the later tables are there: foreign keys and policies."""
    if table.view_of is not None:
        return [plain(each) for each in (_view(table, catalog), *access_statements(table, catalog))], Draft((), ())
    keys = [each for each in table.foreign_keys if catalog.has(each.table)]
    waiting = [each for each in keys if any(catalog.named(each.table) is other for other in later)]
    lines = [
        *(column_line(table, each) for each in table.columns),
        key_line(table),
        *(unique_line(table, each) for each in table.uniques if each.plain),
        *(check_line(table, each) for each in table.checks),
        *(foreign_key_line(table, each, catalog) for each in keys if each not in waiting),
    ]
    inner = ",\n".join(f"    {line}" for line in lines)
    access = access_statements(table, catalog)
    early = [each for each in access if not any(f"{table_name(other)} AS" in each for other in later)]
    statements = [
        f"CREATE TABLE {table_name(table)} (\n{inner}\n)",
        *index_statements(table, catalog),
        *early,
        *row_triggers(table, home),
    ]
    policies = [each for each in access if each not in early]
    return [plain(each) for each in statements], _held_back(table, waiting, policies, catalog)


def _held_back(table: Table[Any], keys: Iterable[ForeignKey], policies: Sequence[str], catalog: Catalog) -> Draft:
    alter = f"ALTER TABLE {table_name(table)}"
    up = [f"{alter} ADD {foreign_key_line(table, each, catalog)}" for each in keys] + list(policies)
    down = [f"{alter} DROP CONSTRAINT {quoted(each.name)}" for each in keys]
    down += [each.partition(" FOR ")[0].replace("CREATE", "DROP", 1) for each in policies]
    return Draft(tuple(plain(each) for each in up), tuple(plain(each) for each in down))


def _view(table: Table[Any], catalog: Catalog) -> str:
    """With its owner's rights, by design: it shows of every row the few columns that all may see.

    It is no security barrier, for it hides no rows: the barrier would only keep searches from their indexes.
    """
    shown = catalog.named(table.view_of or "")
    columns = ", ".join(_shown_as(shown.require(each.name).db_name, each.db_name) for each in table.columns)
    return f"CREATE VIEW {table_name(table)} AS\n    SELECT {columns} FROM {table_name(shown)}"


def _shown_as(theirs: str, ours: str) -> str:
    return quoted(theirs) if theirs == ours else f"{quoted(theirs)} AS {quoted(ours)}"


def _counters(catalog: Catalog) -> Iterator[tuple[Table[Any], Counter]]:
    return ((table, each) for table in catalog.tables for each in table.counters if catalog.has(each.table))


def _concerns(parent: Table[Any], counter: Counter, catalog: Catalog, tables: set[int]) -> bool:
    return id(parent) in tables or id(catalog.named(counter.table)) in tables


def _late(table: Table[Any], key: ForeignKey, catalog: Catalog) -> Draft:
    """Rows are checked in a second step that stops no writer; each step can be run again after a kill."""
    alter = f"ALTER TABLE {table_name(table)}"
    drop = plain(f"{alter} DROP CONSTRAINT IF EXISTS {quoted(key.name)}")
    add = plain(f"{alter} ADD {foreign_key_line(table, key, catalog)} NOT VALID")
    return Draft((drop, add, plain(f"{alter} VALIDATE CONSTRAINT {quoted(key.name)}")), (drop,))
