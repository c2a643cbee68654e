"""Replays one history on several worlds, step by step, and says where they first differ."""

import random
from collections import Counter
from collections.abc import Container, Iterable, Sequence

import attrs

from homeport.contexts import SHIPPED, load
from homeport.kernel.query import Deleted
from tests.differential.histories import opening, steps
from tests.differential.outcome import Step, World
from tests.differential.ports import Kind
from tests.support.specimens import SPECIMENS

OPENING = len(opening())
compared: Counter[str] = Counter()
"""How many steps this run has compared, the openings left out, so that it can be seen to be as many as is said."""


@attrs.frozen
class Difference:
    """The step after which the worlds no longer agree, and what each of them came to."""

    history: tuple[Step, ...]
    outcomes: dict[str, object]

    def __str__(self) -> str:
        steps = "\n".join(f"  {number:3} {each}" for number, each in enumerate(self.history))
        outcomes = "\n".join(f"  {name:16} {outcome}" for name, outcome in self.outcomes.items())
        return f"after this history\n{steps}\nthe worlds differ:\n{outcomes}"


def history(dice: random.Random, length: int, kinds: Sequence[Kind] | None = None) -> list[Step]:
    """`kinds` limits the kinds of step; some of all by default."""
    return [*opening(), *steps(dice, length, kinds)]


async def compare(worlds: Sequence[World], replayed: Iterable[Step]) -> Difference | None:
    """The first difference in an outcome or, at the end, in what the tables hold; None if there is none."""
    taken: list[Step] = []
    for each in replayed:
        taken.append(each)
        compared["steps"] += len(taken) > OPENING
        outcomes = {world.adapter: await each.take(world) for world in worlds}
        if not alike(outcomes) and not _both_refuse_a_deleted_row(each, outcomes) and not _rows_refused(each, outcomes):
            return Difference(tuple(taken), outcomes)
    written = {name for each in taken for name in tables_of(each)}
    states = {world.adapter: await state(world, written) for world in worlds}
    for table in states[worlds[0].adapter]:
        rows = {name: held[table] for name, held in states.items()}
        if not alike(rows):
            return Difference(tuple(taken), rows)
    return None


def _both_refuse_a_deleted_row(taken: Step, outcomes: dict[str, object]) -> bool:
    """An upsert that meets a soft-deleted row and breaks another rule as well: the legacy API, which has to look for
    the row first, tells of it, and the others tell of the rule. All refuse, and docs/adapters.md says so.
    """
    refused = all(isinstance(outcome, tuple) for outcome in outcomes.values())
    told = outcomes.get("supabase_legacy") == ("UniqueViolation", "labels_pkey", "labels", ("id",))
    return refused and told and taken.path.startswith("test.labels.upsert")


def _rows_refused(taken: Step, outcomes: dict[str, object]) -> bool:
    """Rows of one update that break different rules: which of them is changed first, and told of, nobody promises."""
    kinds = {outcome[0] for outcome in outcomes.values() if isinstance(outcome, tuple)}
    refused = all(isinstance(outcome, tuple) for outcome in outcomes.values())
    return refused and kinds == {"CheckViolation", "UniqueViolation"} and taken.path.endswith(".update_many")


def alike(outcomes: dict[str, object]) -> bool:
    first, *others = outcomes.values()
    return all(first == other for other in others)


async def state(world: World, tables: Container[str] | None = None) -> dict[str, object]:
    """Every row of every table, or of these: in others a history has put none."""
    held: dict[str, object] = {}
    for table in world.db.catalog.tables:
        if tables is None or table.name in tables:
            rows = await world.db.collection(table).find_many(order_by=table.key, deleted=Deleted.ALL)
            held[table.name] = sorted((world.neutral(row) for row in rows), key=repr)  # some keys are new in each world
    return held


def tables_of(step: Step) -> Iterable[str]:
    """The tables in which the step may put a row: the one it names, or those of its context."""
    first = step.path.partition(".")[0]
    if first.startswith("table:"):
        return [first.removeprefix("table:")]
    return [each.name for each in (SPECIMENS if first == "test" else load(first)).tables]


def contexts_of(steps: Iterable[Step]) -> list[str]:
    """The shipped contexts that the steps call, and `social`, which every history begins with."""
    written = {name for each in steps for name in tables_of(each)}
    return ["social", *(name for name in SHIPPED if any(table.name in written for table in load(name).tables))]
