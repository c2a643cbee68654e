"""The machine can fail on the legacy adapter too: each of these faults in its codec or compiler is found."""

import datetime as dt
import random
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest
import pytest_asyncio

from homeport.adapters.supabase_legacy import (
    codec,
    compiler,
    conditions,
    intervals,
    literals,
    reading,
    store,
    transport,
)
from homeport.kernel.predicates import TRUE
from homeport.kernel.query import Moment
from homeport.kernel.types import JsonType, NumericType
from homeport.testing.rig import Leg, Rig, selected, without_server
from homeport.testing.servers import ServerMissing
from tests.differential.histories import crate_step, specimen_step
from tests.differential.machine import compare, history
from tests.differential.outcome import World

HISTORIES = 120
LENGTH = 60

pytestmark = [
    pytest.mark.differential,
    pytest.mark.skipif(
        not {"memory", "supabase_legacy"} <= set(selected()), reason="compares memory with the legacy adapter"
    ),
]

Plant = Callable[[pytest.MonkeyPatch], None]
FAULTS: dict[str, Plant] = {}


def fault(plant: Plant) -> Plant:
    FAULTS[plant.__name__] = plant
    return plant


@fault
def moments_stay_in_the_roles_time_zone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(codec, "_moment", dt.datetime.fromisoformat)


@fault
def offsets_are_cut_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(codec, "_moment", lambda text: dt.datetime.fromisoformat(text[:19]).replace(tzinfo=dt.UTC))


@fault
def numerics_go_through_float(patch: pytest.MonkeyPatch) -> None:
    scalar: Any = codec._scalar
    patch.setattr(
        codec,
        "_scalar",
        lambda name, kind: (lambda v: Decimal(float(v))) if isinstance(kind, NumericType) else scalar(name, kind),
    )


@fault
def jsonb_is_sent_as_text(patch: pytest.MonkeyPatch) -> None:
    value: Any = codec.json_value
    patch.setattr(
        codec, "json_value", lambda kind, v: str(v) if isinstance(kind, JsonType) and v is not None else value(kind, v)
    )


@fault
def intervals_lose_their_microseconds(patch: pytest.MonkeyPatch) -> None:
    parse = intervals.parse_interval
    patch.setattr(codec, "parse_interval", lambda text: dt.timedelta(seconds=int(parse(text).total_seconds())))


@fault
def bytes_are_sent_as_their_letters(patch: pytest.MonkeyPatch) -> None:
    text: Any = codec._text
    patch.setattr(
        codec, "_text", lambda v: v.decode("latin-1").replace("\x00", "0") if isinstance(v, bytes) else text(v)
    )


@fault
def the_databases_time_is_null(patch: pytest.MonkeyPatch) -> None:
    value: Any = codec.json_value
    patch.setattr(codec, "json_value", lambda kind, v: None if isinstance(v, Moment) else value(kind, v))


@fault
def the_lone_empty_text_is_an_empty_list(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(literals, "ACCEPTED_EMPTY_LIST", '("")')


@fault
def list_members_are_not_quoted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(literals, "in_list", lambda values: f"({','.join(values)})")


@fault
def patterns_are_not_escaped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(literals, "containing", lambda text, **_: text.replace("%", ".*"))


@fault
def lower_does_not_fold(patch: pytest.MonkeyPatch) -> None:
    exactly: Any = literals.exactly
    patch.setattr(literals, "exactly", lambda texts, **_: exactly(texts))


@fault
def negations_are_dropped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(conditions, "_maybe_not", lambda single, **_: single)


@fault
def exists_forgets_its_condition(patch: pytest.MonkeyPatch) -> None:
    exists: Any = conditions._Writer._exists
    patch.setattr(
        conditions._Writer,
        "_exists",
        lambda w, p, t, at, e, *, negated: exists(w, attrs.evolve(p, where=TRUE), t, at, e, negated=negated),
    )


@fault
def alternatives_are_all_required(patch: pytest.MonkeyPatch) -> None:
    level: Any = conditions._Writer.level

    def joined(writer: Any, predicate: Any, table: Any, path: str) -> Any:
        embeds = level(writer, predicate, table, path)
        writer.params[:] = [(name[:-2] + "and" if name.endswith("or") else name, text) for name, text in writer.params]
        return embeds

    patch.setattr(conditions._Writer, "level", joined)


@fault
def nulls_stand_where_the_server_puts_them(patch: pytest.MonkeyPatch) -> None:
    order: Any = compiler._order
    patch.setattr(
        compiler, "_order", lambda t, terms: order(t, terms).replace(".nullsfirst", "").replace(".nullslast", "")
    )


@fault
def offsets_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    select: Any = compiler.Compiler.select
    patch.setattr(compiler.Compiler, "select", lambda c, query: select(c, attrs.evolve(query, offset=0)))


@fault
def the_row_cap_is_not_known(patch: pytest.MonkeyPatch) -> None:
    async def unlimited(_: reading.RowCap) -> reading.Cap:
        return reading.Cap(10**6, known=True)

    patch.setattr(reading.RowCap, "learnt", unlimited)


@fault
def missing_columns_are_null(patch: pytest.MonkeyPatch) -> None:
    insert: Any = compiler.Compiler.insert

    def without(made: Any, command: Any) -> transport.Call:
        call: transport.Call = insert(made, command)
        return attrs.evolve(call, prefer=tuple(each for each in call.prefer if each != "missing=default"))

    patch.setattr(compiler.Compiler, "insert", without)


@fault
def upserts_ignore_what_is_there(patch: pytest.MonkeyPatch) -> None:
    insert: Any = compiler.Compiler.insert

    def ignoring(made: Any, command: Any) -> transport.Call:
        call: transport.Call = insert(made, command)
        return attrs.evolve(call, prefer=tuple(each.replace("=merge-", "=ignore-") for each in call.prefer))

    patch.setattr(compiler.Compiler, "insert", ignoring)


@fault
def upserts_change_soft_deleted_rows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(store, "deleted_in_the_way", lambda *_: ())
    patch.setattr(store, "refuse_deleted", lambda *_: None)


@fault
def rows_come_back_in_another_order(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(store, "in_given_order", lambda _, rows: list(reversed(rows)))


@pytest_asyncio.fixture(loop_scope="session")
async def capped(rig: Rig) -> AsyncIterator[Leg]:
    """The legacy leg whose server answers five rows at most, so that paging is part of every history."""
    try:
        leg = await rig.leg("supabase_legacy", capped=True)
    except ServerMissing as missing:
        without_server(missing)
        raise
    yield leg
    assert await leg.leaks() == []


async def found(capped: Leg, memory: Leg, seeds: range) -> bool:
    """Whether a history shows the two to differ; whatever else a fault breaks counts as well."""
    for seed in seeds:
        await capped.clean()
        await memory.clean()
        async with capped.again() as db:
            worlds = [World("memory", memory.db), World("supabase_legacy", db)]
            try:
                if await compare(worlds, history(random.Random(seed), LENGTH, [specimen_step, crate_step])) is not None:
                    return True
            except Exception:  # a fault may break anything
                return True
    return False


async def test_without_a_fault_there_is_no_difference(capped: Leg, rig: Rig) -> None:
    assert not await found(capped, await rig.leg("memory"), range(12))


@pytest.mark.parametrize("name", sorted(FAULTS))
async def test_a_planted_fault_is_found(name: str, capped: Leg, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = await rig.leg("memory")
    with monkeypatch.context() as patch:
        FAULTS[name](patch)
        assert await found(capped, memory, range(HISTORIES)), f"{HISTORIES} histories did not notice it"


def test_there_are_enough_of_them() -> None:
    assert len(FAULTS) >= 20
