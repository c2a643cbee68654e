"""The machine can fail: each of these faults, planted in memory, is found by comparing with a sound memory."""

import random
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from homeport.adapters.memory import (
    constraints,
    engine,
    indexes,
    journal,
    ordering,
    predicates,
    references,
    statements,
    ties,
)
from homeport.adapters.memory.undo import ABSENT
from homeport.composition import in_memory
from homeport.contexts import SHIPPED
from homeport.kernel.predicates import Compare
from homeport.testing.rig import selected
from tests.differential.machine import history, state
from tests.differential.outcome import World
from tests.support.specimens import SPECIMENS

HISTORIES = 300
LENGTH = 100

pytestmark = [
    pytest.mark.differential,
    pytest.mark.skipif("memory" not in selected(), reason="the faults are planted in memory, which was not selected"),
]


async def outcomes(seed: int) -> list[object]:
    """What a fresh memory makes of a history, step by step, and what it holds in the end."""
    world = World("memory", in_memory((*SHIPPED, SPECIMENS)))
    seen = []
    for step in history(random.Random(seed), LENGTH):
        try:
            seen.append(await step.take(world))
        except Exception as error:
            return [*seen, repr(error)]
    return [*seen, await state(world)]


@pytest.fixture(scope="module")
def sound() -> dict[int, list[object]]:
    """The outcomes of the sound engine, by seed, as they are asked for."""
    return {}


Plant = Callable[[pytest.MonkeyPatch], None]
FAULTS: dict[str, Plant] = {}


def fault(plant: Plant) -> Plant:
    FAULTS[plant.__name__] = plant
    return plant


def nothing(*_: object, **__: object) -> None:
    """A step that is left out."""


@fault
def foreign_keys_are_not_checked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(references.Work, "_child_written", nothing)


@fault
def foreign_key_actions_are_not_taken(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(references.Work, "_parent_gone", nothing)


@fault
def restrict_cascades(patch: pytest.MonkeyPatch) -> None:
    act: Any = references.Work._act

    def cascade(work: references.Work, link: ties.Link, children: list[Any]) -> None:
        for child in children:
            work.remove(link.child, child)

    patch.setattr(
        references.Work, "_act", lambda w, k, c: cascade(w, k, c) if k.key.on_delete == "RESTRICT" else act(w, k, c)
    )


@fault
def set_null_touches_the_row(patch: pytest.MonkeyPatch) -> None:
    change: Any = references.Work.change
    patch.setattr(references.Work, "change", lambda w, h, o, c, **_: change(w, h, o, c, direct=True))


@fault
def counters_stand_still(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(references.Work, "_count", nothing)


@fault
def counters_count_deleted_rows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ties, "_deleted", lambda _: lambda _: False)


@fault
def versions_stand_still(patch: pytest.MonkeyPatch) -> None:
    made: Any = constraints.RowRules.__init__

    def unversioned(rules: Any, table: Any) -> None:
        made(rules, table)
        rules._version = None

    patch.setattr(constraints.RowRules, "__init__", unversioned)


@fault
def uniques_are_not_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(indexes.UniqueIndex, "holder", lambda *_: ABSENT)


@fault
def partial_uniques_are_full(patch: pytest.MonkeyPatch) -> None:
    reader: Any = indexes.reader
    patch.setattr(indexes, "reader", lambda operands, _=None: reader(operands))


@fault
def nulls_agree_in_uniques(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(indexes, "_several", lambda reads: lambda row: tuple(read(row) for read in reads))


@fault
def checks_are_not_judged(patch: pytest.MonkeyPatch) -> None:
    judge: Any = constraints.RowRules.judge

    def lenient(rules: Any, row: dict[str, Any]) -> None:
        kept, rules._checks = rules._checks, ()
        judge(rules, row)
        rules._checks = kept

    patch.setattr(constraints.RowRules, "judge", lenient)


@fault
def checks_come_before_not_null(patch: pytest.MonkeyPatch) -> None:
    judge: Any = constraints.RowRules.judge

    def hasty(rules: Any, row: dict[str, Any]) -> None:
        for check in rules._checks:
            if check.rule.of(row) is False:
                raise constraints.check_violation(rules._table, check)
        judge(rules, row)

    patch.setattr(constraints.RowRules, "judge", hasty)


@fault
def required_columns_may_be_null(patch: pytest.MonkeyPatch) -> None:
    judge: Any = constraints.RowRules.judge

    def lenient(rules: Any, row: dict[str, Any]) -> None:
        kept, rules._required = rules._required, ()
        judge(rules, row)
        rules._required = kept

    patch.setattr(constraints.RowRules, "judge", lenient)


@fault
def generated_columns_keep_their_first_value(patch: pytest.MonkeyPatch) -> None:
    judge: Any = constraints.RowRules.judge

    def once(rules: Any, row: dict[str, Any]) -> None:
        before = row.get("doubled")
        judge(rules, row)
        if before is not None:
            row["doubled"] = before

    patch.setattr(constraints.RowRules, "judge", once)


@fault
def defaults_are_null(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        constraints, "_fill", lambda column, numbers: (lambda _: next(numbers)) if column.identity else nothing
    )


@fault
def updates_touch_nothing(patch: pytest.MonkeyPatch) -> None:
    change: Any = constraints.RowRules.changed
    patch.setattr(constraints.RowRules, "changed", lambda rules, old, changes, _: change(rules, old, changes, None))


@fault
def a_failed_statement_leaves_its_first_rows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(journal, "rewind", nothing)


@fault
def nulls_stand_on_the_other_side(patch: pytest.MonkeyPatch) -> None:
    made: Any = ordering._pass
    patch.setattr(
        ordering, "_pass", lambda column, term: made(column, attrs.evolve(term, nulls_first=not term.nulls_first))
    )


@fault
def descending_is_ascending(patch: pytest.MonkeyPatch) -> None:
    made: Any = ordering._pass
    patch.setattr(ordering, "_pass", lambda column, term: made(column, attrs.evolve(term, descending=False)))


@fault
def offsets_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    select: Any = engine.Engine.select
    patch.setattr(
        engine.Engine, "select", lambda self, query, user=None: select(self, attrs.evolve(query, offset=0), user)
    )


@fault
def lower_folds_all_letters(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(predicates, "fold_ascii", str.lower)
    patch.setattr(indexes, "fold_ascii", str.lower)


@fault
def not_takes_unknown_for_true(patch: pytest.MonkeyPatch) -> None:
    compare: Any = predicates.Writer._compare

    def two_valued(writer: Any, predicate: Compare, *, wanted: bool) -> str:
        text: str = compare(writer, predicate, wanted=True)
        return text if wanted else f"(not ({text}))"

    patch.setattr(predicates.Writer, "_compare", two_valued)


@fault
def empty_lists_mean_everything(patch: pytest.MonkeyPatch) -> None:
    joined: Any = predicates.Writer._joined
    patch.setattr(
        predicates.Writer,
        "_joined",
        lambda w, p, *, wanted, every: joined(w, p, wanted=wanted, every=every) if p else "True",
    )


@fault
def enums_sort_by_their_text(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ordering, "orderable", lambda _: None)


@fault
def upserts_leave_the_row_as_it_is(patch: pytest.MonkeyPatch) -> None:
    merged: Any = statements._merged
    patch.setattr(statements, "_merged", lambda w, h, c, rule: merged(w, h, c, attrs.evolve(rule, update=())))


@fault
def upserts_change_soft_deleted_rows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(statements, "unique_violation", lambda *_: None)


@fault
def removed_rows_stay_in_the_index(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(indexes.Index, "remove", nothing)


@pytest.mark.parametrize("name", sorted(FAULTS))
async def test_a_planted_fault_is_found(
    name: str, sound: dict[int, list[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(HISTORIES):
        if seed not in sound:
            sound[seed] = await outcomes(seed)
        with monkeypatch.context() as patch:
            FAULTS[name](patch)
            if await outcomes(seed) != sound[seed]:
                return
    pytest.fail(f"{HISTORIES} histories of {LENGTH} steps did not notice it")


def test_there_are_enough_of_them() -> None:
    assert len(FAULTS) >= 25
