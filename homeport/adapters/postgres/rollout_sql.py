"""The statements over the rollout's tables, and their rows as values. Opens no connection."""

import uuid
from collections.abc import Iterable, Mapping

import asyncpg
import attrs
import orjson

from homeport.ports.rollout import CountRow, EventRow, FlagRow, StageRow

LOCK = "/* homeport.rollout_lock */ SELECT pg_advisory_xact_lock($1)"
TRY_LOCK = "/* homeport.rollout_try_lock */ SELECT pg_try_advisory_xact_lock($1)"

_FLAG = "domain, flag, held, revision, changed_at, changed_by"
FLAGS = f"/* homeport.flags */ SELECT {_FLAG} FROM homeport.flags ORDER BY domain"
SET_FLAG = f"""/* homeport.set_flag */
INSERT INTO homeport.flags (domain, flag, held, changed_by) VALUES ($1, $2, $3, $4)
ON CONFLICT (domain) DO UPDATE SET flag = excluded.flag, held = excluded.held, changed_by = excluded.changed_by,
    changed_at = now(), revision = DEFAULT
RETURNING {_FLAG}
"""
CLEAR_FLAG = "/* homeport.clear_flag */ DELETE FROM homeport.flags WHERE domain = $1 RETURNING true"

STAGES = """/* homeport.stages */
SELECT domain, plan, stage, since, state, facts, judged_at FROM homeport.rollout_plans ORDER BY domain
"""
SAVE_STAGE = """/* homeport.save_stage */
INSERT INTO homeport.rollout_plans (domain, plan, stage, since, state, facts) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (domain) DO UPDATE SET plan = excluded.plan, stage = excluded.stage, since = excluded.since,
    state = excluded.state, facts = excluded.facts, judged_at = now()
"""
DROP_STAGE = "/* homeport.drop_stage */ DELETE FROM homeport.rollout_plans WHERE domain = $1"

_NUMBERS = (
    "calls, errors, own_errors, times, outcomes, faults, refusals, drawn_times, faulty, "
    "compared, mismatches, races, dropped"
)
_MAPPED = ("times", "drawn_times", "faulty")
COUNTS = f"""/* homeport.counts */
SELECT minute, domain, adapter, stage, {_NUMBERS} FROM homeport.rollout_counts
WHERE minute >= $1 AND ($2::text IS NULL OR domain = $2) ORDER BY minute, domain, adapter, stage
"""
WRITE_COUNTS = f"""/* homeport.write_counts */
INSERT INTO homeport.rollout_counts (process, minute, domain, adapter, stage, {_NUMBERS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
ON CONFLICT (domain, minute, adapter, stage, process)
DO UPDATE SET ({_NUMBERS}) = ROW({", ".join(f"excluded.{each}" for each in _NUMBERS.split(", "))})
"""
WEIGHT = """/* homeport.counts_weight */
SELECT coalesce(sum(calls + outcomes + faults + refusals), 0)::bigint FROM homeport.rollout_counts
WHERE domain = $1 AND stage = $2 AND minute >= $3 AND minute < $4
"""
FORGET_COUNTS = "/* homeport.forget_counts */ DELETE FROM homeport.rollout_counts WHERE minute < $1"

EVENTS = """/* homeport.rollout_events */
SELECT at, domain, kind, said, by, facts FROM homeport.rollout_events
WHERE ($1::text IS NULL OR domain = $1) AND ($2::timestamptz IS NULL OR at >= $2) ORDER BY id DESC LIMIT $3
"""
RECORD = """/* homeport.record_event */
INSERT INTO homeport.rollout_events (domain, kind, said, by, facts) VALUES ($1, $2, $3, $4, $5)
"""
MARK = "/* homeport.mark */ INSERT INTO homeport.marker DEFAULT VALUES RETURNING id"
FORGET_MARKS = "/* homeport.forget_marks */ DELETE FROM homeport.marker WHERE made_at < now() - interval '1 day'"


def flags(rows: Iterable[asyncpg.Record]) -> list[FlagRow]:
    return [FlagRow(**row) for row in rows]


def stages(rows: Iterable[asyncpg.Record]) -> list[StageRow]:
    return [StageRow(**{**row, "plan": _read(row["plan"]), "facts": _read(row["facts"])}) for row in rows]


def stage_values(stage: StageRow) -> tuple[object, ...]:
    plan = None if stage.plan is None else text(stage.plan)
    return (stage.domain, plan, stage.stage, stage.since, stage.state, text(stage.facts))


def events(rows: Iterable[asyncpg.Record]) -> list[EventRow]:
    return [EventRow(**{**row, "facts": _read(row["facts"])}) for row in rows]


def counts(rows: Iterable[asyncpg.Record]) -> list[CountRow]:
    return [CountRow(**{**row, **{name: _numbers(row[name]) for name in _MAPPED}}) for row in rows]


def count_values(process: uuid.UUID, row: CountRow) -> tuple[object, ...]:
    """In the order of WRITE_COUNTS, which is that of the fields."""
    return (process, *(text(each) if isinstance(each, Mapping) else each for each in attrs.astuple(row, recurse=False)))


def text(values: Mapping[str, object] | Mapping[int, int]) -> str:
    return orjson.dumps(values, option=orjson.OPT_NON_STR_KEYS).decode()


def _read(value: str | None) -> Mapping[str, object] | None:
    found: Mapping[str, object] | None = None if value is None else orjson.loads(value)
    return found


def _numbers(value: str) -> dict[int, int]:
    return {int(name): count for name, count in orjson.loads(value).items()}
