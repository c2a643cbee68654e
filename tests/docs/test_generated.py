"""What is generated is not stale."""

import inspect
import re
from typing import Any

import pytest

from homeport.cli.schemadocs import all_schemas
from homeport.cli.sqldocs import all_sql
from homeport.contexts import SHIPPED, load
from homeport.ports.context import Context
from homeport.repositories.collection import Collection
from tests.docs.generated import DOCS, TABLES, replaced


@pytest.mark.parametrize("name", TABLES)
def test_a_generated_table_is_what_the_code_says(name: str) -> None:
    document, make = TABLES[name]
    text = (DOCS / document).read_text(encoding="utf-8")
    assert replaced(text, name, make()) == text, "run: make docs"


async def test_the_listed_sql_is_what_is_sent() -> None:
    listed = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "sql").glob("*.sql")}
    assert listed == await all_sql(), "run: make docs-sql"


def test_the_schema_reference_is_what_is_declared() -> None:
    listed = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "schema").glob("*.md")}
    assert listed == all_schemas(), "run: make docs"


def test_every_table_column_constraint_and_policy_is_in_the_schema_reference() -> None:
    texts = all_schemas()
    for name in SHIPPED:
        for table in load(name).tables:
            section = texts[f"{name}.md"].partition(f"\n## `{table.full_name}`\n")[2].partition("\n## ")[0]
            named = {*re.findall(r"^\| `?(\w+)`? \|", section, re.MULTILINE)}
            assert {*table.by_name, *(policy.verb for policy in table.policies if table.view_of is None)} <= named
            rules = [*(each.name for each in table.uniques), *(each.name for each in table.checks)]
            assert [each for each in rules if f"`{each}`" not in section] == []
            assert ("**append-only**" in section, "**withheld**" in section) == (table.append_only, table.withheld)


def test_every_context_has_an_example_in_the_guide() -> None:
    text = (DOCS / "repositories.md").read_text(encoding="utf-8")
    for name in SHIPPED:
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert f"await db.{name}." in section, name


async def test_no_method_table_or_function_is_left_out() -> None:
    texts = await all_sql()
    for name in SHIPPED:
        context, called = load(name), _called(texts[f"{name}.sql"])
        port = {each for each, _ in inspect.getmembers(_kind(context), inspect.iscoroutinefunction)}
        assert {each for each in port if not each.startswith("_")} <= called
        assert all(f"\n-- == {table.full_name}:" in texts[f"{name}.sql"] for table in context.tables)
        assert all(f"CREATE FUNCTION public.{each.function}(" in texts[f"{name}.sql"] for each in context.operations)


async def test_no_base_method_is_left_out() -> None:
    """`users` has soft delete, so every base method is called on it."""
    called = _called((await all_sql())["users.sql"])
    sending = {each for each in vars(Collection) if not each.startswith("_")} - SILENT
    assert sending <= called


SILENT = {"of", "within", "asked_by", "for_update", "select", "table"}
"""What sends nothing by itself."""


def _called(text: str) -> set[str]:
    lines = re.findall(r"^-- (?!==)(.*)$", text, re.MULTILINE)
    return {call.split()[0] for line in lines for call in line.split(", ") if call}


def _kind(context: Context[Any]) -> type[Any]:
    assert isinstance(context.build, type)
    return context.build
