"""The machine can fail: each of these faults, planted in memory, is found by comparing with a sound memory."""

import importlib
import random
from collections.abc import Callable, Sequence
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
from homeport.contexts import SHIPPED, load
from homeport.kernel import search
from homeport.kernel.predicates import Compare
from homeport.testing.rig import selected
from tests.differential.histories import OWN, people_step, social_step
from tests.differential.machine import contexts_of, history, state
from tests.differential.outcome import Step, World
from tests.differential.ports import Kind, context_step
from tests.support.specimens import SPECIMENS

HISTORIES = 300
LENGTH = 100

pytestmark = [
    pytest.mark.differential,
    pytest.mark.skipif("memory" not in selected(), reason="the faults are planted in memory, which was not selected"),
]


async def outcomes(steps: Sequence[Step]) -> list[object]:
    """What a fresh memory makes of a history, step by step, and what it holds in the end."""
    world = World("memory", in_memory((SPECIMENS, *contexts_of(steps))))
    seen = []
    for step in steps:
        try:
            seen.append(await step.take(world))
        except Exception as error:
            return [*seen, repr(error)]
    return [*seen, await state(world)]


@pytest.fixture(scope="module")
def sound() -> dict[int, tuple[list[Step], list[object]]]:
    """Histories and what the sound engine makes of them, by seed, as they are asked for."""
    return {}


Plant = Callable[[pytest.MonkeyPatch], None]
FAULTS: dict[str, Plant] = {}
WHERE: dict[str, list[Kind]] = {}
"""The kinds of step among which a fault shows, where those written by hand are not the ones."""


def fault(plant: Plant) -> Plant:
    FAULTS[plant.__name__] = plant
    return plant


def fault_in(*contexts: str) -> Callable[[Plant], Plant]:
    """A fault in what these contexts' tables have and the test tables have not."""

    def planted(plant: Plant) -> Plant:
        WHERE[plant.__name__] = [people_step, *(context_step(each) for each in contexts)]
        return fault(plant)

    return planted


def steps_of(seed: int, kinds: list[Kind] | None = None) -> list[Step]:
    """A history of these kinds, or of two or three of those that are written by hand."""
    dice = random.Random(seed)
    return history(dice, LENGTH, dice.sample(OWN, dice.randrange(2, 4)) if kinds is None else kinds)


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


@fault_in("trips", "household_storage")
def composite_keys_accept_anybodys_parent(patch: pytest.MonkeyPatch) -> None:
    written: Any = references.Work._child_written

    def lenient(work: references.Work, link: ties.Link, old: Any, new: Any) -> None:
        shared = new is not None and len(link.key.columns) > 1
        if not (shared and link.parent.keyed(getattr(new, link.key.referring)) in link.parent.rows):
            written(work, link, old, new)

    patch.setattr(references.Work, "_child_written", lenient)


@fault_in("household_storage")
def composite_keys_take_their_rows_along(patch: pytest.MonkeyPatch) -> None:
    act: Any = references.Work._act

    def cascade(work: references.Work, link: ties.Link, children: list[Any]) -> None:
        if link.key.on_delete == "SET NULL" and len(link.key.columns) > 1:
            for child in children:
                work.remove(link.child, child)
        else:
            act(work, link, children)

    patch.setattr(references.Work, "_act", cascade)


@fault_in("transition_plan")
def counters_with_a_condition_count_every_row(patch: pytest.MonkeyPatch) -> None:
    counted: Any = ties._counted
    patch.setattr(ties, "_counted", lambda child, counter: counted(child, attrs.evolve(counter, where=None)))


@fault_in("access")
def rows_that_are_only_added_are_changed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(statements, "_permit", nothing)


@fault_in("affiliate_shop")
def searches_do_not_rank(patch: pytest.MonkeyPatch) -> None:
    rank: Any = search.Searched.rank
    patch.setattr(search.Searched, "rank", lambda s, row, words: None if rank(s, row, words) is None else 1)


@fault_in("affiliate_shop")
def searches_find_any_of_the_words(patch: pytest.MonkeyPatch) -> None:
    rank: Any = search.Searched.rank
    patch.setattr(
        search.Searched,
        "rank",
        lambda s, row, words: max((r for word in words if (r := rank(s, row, [word])) is not None), default=None),
    )


@fault_in("affiliate_shop")
def searches_ignore_tags(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(search, "_texts", lambda value: (value.lower(),) if isinstance(value, str) else ())


@pytest.mark.parametrize("name", sorted(FAULTS))
async def test_a_planted_fault_is_found(
    name: str, sound: dict[int, tuple[list[Step], list[object]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = WHERE.get(name)
    known = sound if kinds is None else {}
    for seed in range(HISTORIES):
        if seed not in known:
            made = steps_of(seed, kinds)
            known[seed] = made, await outcomes(made)
        steps, answers = known[seed]
        with monkeypatch.context() as patch:
            FAULTS[name](patch)
            if await outcomes(steps) != answers:
                return
    pytest.fail(f"{HISTORIES} histories of {LENGTH} steps did not notice it")


@pytest.mark.parametrize("context", SHIPPED)
async def test_a_fault_in_any_one_context_is_found(context: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tables alone forget to remove rows, and to change them: each is noticed in histories of that context."""
    tables = {each.name for each in load(context).tables}
    kinds = [people_step, context_step(context)]

    def forgets(patch: pytest.MonkeyPatch, method: str, answer: Callable[..., Any]) -> None:
        does: Any = getattr(references.Work, method)
        patch.setattr(
            references.Work,
            method,
            lambda w, heap, *a, **k: answer(*a) if heap.table.name in tables else does(w, heap, *a, **k),
        )

    for method, answer in (("remove", nothing), ("change", lambda old, *_: old)):
        for seed in range(HISTORIES):
            steps = steps_of(seed, kinds)
            sound = await outcomes(steps)
            with monkeypatch.context() as patch:
                forgets(patch, method, answer)
                if await outcomes(steps) != sound:
                    break
        else:
            pytest.fail(f"{HISTORIES} histories of {context} did not notice that {method} was forgotten")


OPERATIONS = {each.name: context for context in SHIPPED for each in load(context).operations}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_an_operation_that_finds_nothing_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    context = load(OPERATIONS[name])
    assert context.memory_answers is not None
    answers = importlib.import_module(context.memory_answers).ANSWERS
    kinds = [people_step, social_step, context_step(context.name)]
    for seed in range(HISTORIES):
        steps = steps_of(seed, kinds)
        sound = await outcomes(steps)
        with monkeypatch.context() as patch:
            patch.setitem(answers, name, lambda *_: [])
            if await outcomes(steps) != sound:
                return
    pytest.fail(f"{HISTORIES} histories did not notice it")


def test_there_are_enough_of_them() -> None:
    assert len(FAULTS) >= 25
