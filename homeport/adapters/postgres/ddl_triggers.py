"""What the database keeps up to date by itself: the time of the last change, versions, and counters. As SQL."""

from typing import Any

from homeport.adapters.postgres.ddl_text import literal, shortened
from homeport.adapters.postgres.predicate_sql import predicate_sql, quoted, table_name
from homeport.kernel.binding import bind
from homeport.kernel.catalog import Catalog
from homeport.kernel.table import Counter, Table

HOME = "homeport"
"""The schema of trigger functions and the ledger."""

TOUCH_BODY = """
BEGIN
    IF TG_ARGV[0] = 'updated_at' THEN
        NEW.updated_at := now();
    ELSE
        NEW := jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], now()));
    END IF;
    RETURN NEW;
END
"""

VERSION_BODY = """
BEGIN
    IF TG_ARGV[0] = 'version' THEN
        NEW.version := OLD.version + 1;
    ELSE
        NEW := jsonb_populate_record(
            NEW, jsonb_build_object(TG_ARGV[0], (to_jsonb(OLD) ->> TG_ARGV[0])::bigint + 1)
        );
    END IF;
    RETURN NEW;
END
"""

_COUNT_BODY = """
DECLARE
    v_came {type}[] := '{{}}';
    v_gone {type}[] := '{{}}';
BEGIN
    IF TG_OP <> 'DELETE' THEN
        v_came := ARRAY(SELECT came.{by} FROM came WHERE {came_counts});
    END IF;
    IF TG_OP <> 'INSERT' THEN
        v_gone := ARRAY(SELECT gone.{by} FROM gone WHERE {gone_counts});
    END IF;
    IF v_came = v_gone THEN
        RETURN NULL;
    END IF;
    -- several rows are locked in one order, so that two statements never wait for each other
    IF cardinality(v_came || v_gone) > 1 THEN
        PERFORM FROM {parent} AS parent WHERE parent.{key} = ANY (v_came || v_gone)
            ORDER BY parent.{key} FOR NO KEY UPDATE;
    END IF;
    UPDATE {parent} AS parent SET {column} = parent.{column} + change.n
        FROM (
            SELECT each.id, sum(each.n)::integer AS n
            FROM (SELECT unnest(v_came) AS id, 1 AS n UNION ALL SELECT unnest(v_gone), -1) AS each
            GROUP BY each.id
        ) AS change
        WHERE parent.{key} = change.id AND change.n <> 0;
    RETURN NULL;
END
"""

_DEFINER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''"

_EVENTS = (
    ("INSERT", "REFERENCING NEW TABLE AS came"),
    ("UPDATE", "REFERENCING OLD TABLE AS gone NEW TABLE AS came"),
    ("DELETE", "REFERENCING OLD TABLE AS gone"),
)


def row_functions(home: str = HOME) -> list[str]:
    """The one function behind every touch trigger, and the one behind every version; the argument is the column."""
    made: list[str] = []
    for name, body in (("touch", TOUCH_BODY), ("raise_version", VERSION_BODY)):
        function = f"{quoted(home)}.{name}()"
        made.append(
            f"CREATE OR REPLACE FUNCTION {function} RETURNS trigger\n"
            f"LANGUAGE plpgsql SET search_path = '' AS $${body}$$"
        )
        made.append(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    return made


def row_triggers(table: Table[Any], home: str = HOME) -> list[str]:
    """They fire for a statement on the row itself, not for a counter's or a foreign key's change."""
    kept = [("touch", "touch", each) for each in table.columns if each.touched]
    if table.version is not None:
        kept.append(("raise", "raise_version", table.require(table.version)))
    return [
        f"CREATE TRIGGER {quoted(shortened(f'{table.name}_{verb}_{each.name}'))} BEFORE UPDATE ON {table_name(table)}\n"
        f"    FOR EACH ROW WHEN (pg_trigger_depth() = 0)"
        f" EXECUTE FUNCTION {quoted(home)}.{function}({literal(each.db_name)})"
        for verb, function, each in kept
    ]


def counter_function_name(parent: Table[Any], counter: Counter) -> str:
    """Named by the declaration, whatever the deployment calls the table."""
    return shortened(f"{parent.name}_{counter.column}")


def counter_statements(parent: Table[Any], counter: Counter, catalog: Catalog, home: str = HOME) -> list[str]:
    """The function and the triggers on the counted table. Once a statement, so a bulk write moves each row once."""
    child = catalog.named(counter.table)
    name = counter_function_name(parent, counter)
    function = f"{quoted(home)}.{quoted(name)}()"
    body = _COUNT_BODY.format(
        type=child.require(counter.by).type.sql,
        by=quoted(child.require(counter.by).db_name),
        came_counts=_counts("came", child, counter, catalog),
        gone_counts=_counts("gone", child, counter, catalog),
        parent=table_name(parent),
        key=quoted(parent.key_column.db_name),
        column=quoted(parent.require(counter.column).db_name),
    )
    return [
        f"CREATE FUNCTION {function} RETURNS trigger\n{_DEFINER} AS $${body}$$",
        f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC",
        *(
            f"CREATE TRIGGER {quoted(shortened(f'{name}_{event.lower()}'))} AFTER {event} ON {table_name(child)}\n"
            f"    {referencing} FOR EACH STATEMENT EXECUTE FUNCTION {function}"
            for event, referencing in _EVENTS
        ),
    ]


def _counts(rows: str, child: Table[Any], counter: Counter, catalog: Catalog) -> str:
    conditions = [f"{rows}.{quoted(child.require(counter.by).db_name)} IS NOT NULL"]
    if child.soft_delete is not None:
        conditions.append(f"{rows}.{quoted(child.require(child.soft_delete).db_name)} IS NULL")
    if counter.where is not None:
        conditions.append(predicate_sql(bind(counter.where, child, catalog), child, rows))
    return " AND ".join(conditions)
