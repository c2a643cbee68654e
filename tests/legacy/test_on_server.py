"""What the spelling, the intervals, the errors and the transport rest on, asked of a real PostgREST."""

import datetime as dt
import random
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeport.adapters.supabase_legacy import literals
from homeport.adapters.supabase_legacy.intervals import interval_text, parse_interval
from homeport.adapters.supabase_legacy.transport import Call, Limits, Parameters, Reply, Transport, Verb
from homeport.kernel import errors as e
from tests.legacy.conftest import ROW_CAP, Rig
from tests.support.hostile import HOSTILE_TEXTS

TEXTS = [text for text in dict.fromkeys(HOSTILE_TEXTS) if "\x00" not in text]
SENDABLE = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
# Drawn from few letters, so that needles are often found and nearly found
NEEDLES = st.one_of(st.sampled_from(TEXTS), st.text("aAbB*%_.\\\"'(),kKſ é", max_size=4), SENDABLE)
ON_SERVER = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="session")
async def direct(rig: Rig) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(rig.dsn)
    await connection.executemany("insert into sample (id, s) values ($1, $2)", list(enumerate(TEXTS, start=1)))
    await connection.execute("insert into sample (id, s) values (0, null)")
    yield connection
    await connection.close()


async def ids(transport: Transport, *params: tuple[str, str]) -> set[int]:
    """All ids that the filters mean, in pages that the row cap does not cut."""
    found: list[int] = []
    while True:
        after: Parameters = (("id", f"gt.{found[-1]}"),) if found else ()
        page = (("select", "id"), ("order", "id"), ("limit", str(ROW_CAP)))
        rows = (await transport.send(Call(Verb.READ, "sample", params=(*params, *after, *page)), None)).rows
        if not rows:
            return set(found)
        found += [row["id"] for row in rows if isinstance(row["id"], int)]


def meant(holds: Callable[[str], bool]) -> set[int]:
    return {number for number, text in enumerate(TEXTS, start=1) if holds(text)}


def ascii_lower(text: str) -> str:
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


@pytest.mark.usefixtures("direct")
@ON_SERVER
@given(text=NEEDLES)
async def test_equality_means_the_text_in_both_grammars(transport: Transport, text: str) -> None:
    expected = meant(lambda s: s == text)
    assert await ids(transport, ("s", f"eq.{literals.plain(text)}")) == expected
    assert await ids(transport, ("or", f"(s.eq.{literals.quoted(text)},id.lt.0)")) == expected


@pytest.mark.usefixtures("direct")
@ON_SERVER
@given(texts=st.lists(NEEDLES, min_size=1, max_size=4))
async def test_a_list_means_its_members_in_both_grammars(transport: Transport, texts: list[str]) -> None:
    expected = meant(lambda s: s in texts)
    assert await ids(transport, ("s", f"in.{literals.in_list(texts)}")) == expected
    assert await ids(transport, ("and", f"(s.in.{literals.in_list(texts)},id.gt.0)")) == expected


@pytest.mark.usefixtures("direct")
@ON_SERVER
@given(text=NEEDLES, fold=st.booleans())
async def test_patterns_mean_their_text_literally(transport: Transport, text: str, fold: bool) -> None:
    shape = ascii_lower if fold else str
    inside, prefix = literals.containing(text, fold=fold), literals.starting(text, fold=fold)
    whole = literals.exactly([text, "zz"], fold=fold)
    assert await ids(transport, ("s", f"match.{inside}")) == meant(lambda s: shape(text) in shape(s))
    assert await ids(transport, ("and", f"(s.match.{literals.quoted(prefix)})")) == meant(
        lambda s: shape(s).startswith(shape(text))
    )
    assert await ids(transport, ("s", f"match.{literals.plain(whole)}")) == meant(
        lambda s: shape(s) in (shape(text), "zz")
    )


async def test_every_hostile_text_is_found_alone(transport: Transport, direct: asyncpg.Connection) -> None:
    for number, text in enumerate(TEXTS, start=1):
        assert await ids(transport, ("s", f"eq.{literals.plain(text)}")) == {number}
        assert await ids(transport, ("s", f"in.{literals.in_list([text])}")) == {number}


@pytest.mark.parametrize("style", ["postgres", "sql_standard", "iso_8601", "postgres_verbose"])
async def test_intervals_are_read_back_exactly_whatever_the_style(direct: asyncpg.Connection, style: str) -> None:
    draw = random.Random(7)
    values = [dt.timedelta.min, dt.timedelta.max, dt.timedelta(microseconds=-1), dt.timedelta(0)]
    values += [dt.timedelta(microseconds=draw.randint(-(10**k), 10**k)) for k in range(19) for _ in range(30)]
    async with direct.transaction():
        await direct.execute(f"set local intervalstyle = '{style}'")
        stored = await direct.fetchval("select $1::text[]::interval[]", list(map(interval_text, values)))
    assert stored == values
    texts = await direct.fetchval("select $1::interval[]::text[]", values)
    assert [parse_interval(text) for text in texts] == values


async def test_months_and_years_are_read_as_asyncpg_reads_them(direct: asyncpg.Connection) -> None:
    draw = random.Random(11)
    pieces = [[draw.randint(-(10**k), 10**k) for k in (3, 4, 9)] for _ in range(500)]
    rows = await direct.fetch(
        "select i, i::text as t from (select make_interval(months => m, days => d, secs => s / 1e3) as i"
        " from unnest($1::int[], $2::int[], $3::bigint[]) as p (m, d, s)) as q",
        *map(list, zip(*pieces, strict=True)),
    )
    assert [parse_interval(row["t"]) for row in rows] == [row["i"] for row in rows]


async def test_the_row_cap_is_learnt(transport: Transport) -> None:
    assert await transport.row_cap(None, function="row_cap_probe") == ROW_CAP
    assert await transport.row_cap(None, function="row_cap_probe", probe=ROW_CAP - 1) is None
    with pytest.raises(e.SchemaMismatch):
        await transport.row_cap(None, function="no_such_function")


async def send(transport: Transport, call: Call) -> Reply | e.RepositoryError:
    try:
        return await transport.send(call, None)
    except e.RepositoryError as error:
        return error


@pytest.mark.usefixtures("direct")
async def test_an_offset_behind_the_end_is_an_empty_page_with_its_total(transport: Transport) -> None:
    params = (("select", "id"), ("order", "id"), ("offset", "100000"))
    reply = await transport.send(Call(Verb.READ, "sample", params=params, prefer=("count=exact",)), None)
    assert (reply.rows, reply.total) == ((), len(TEXTS) + 1)


@pytest.mark.usefixtures("direct")
async def test_a_count_needs_no_rows(transport: Transport) -> None:
    params = (("select", "id"), ("id", "gt.0"), ("limit", "0"))
    reply = await transport.send(Call(Verb.READ, "sample", params=params, prefer=("count=exact",)), None)
    assert (reply.rows, reply.total) == ((), len(TEXTS))


async def test_numerics_are_exact_both_ways(transport: Transport) -> None:
    digits = "12345678901234567890.12345678901234567890"
    call = Call(
        Verb.INSERT,
        "sample",
        params=(("columns", "id,n"), ("select", "n::text")),
        body=[{"id": -1, "n": digits}],
        prefer=("return=representation",),
    )
    assert (await transport.send(call, None)).rows == ({"n": digits},)
    gone = Call(Verb.DELETE, "sample", params=(("id", "eq.-1"),), prefer=("return=minimal", "count=exact"))
    assert (await transport.send(gone, None)).total == 1


def insert(table: str, **row: object) -> Call:
    return Call(Verb.INSERT, table, params=(("columns", ",".join(row)),), body=[row], prefer=("return=minimal",))


@pytest.mark.usefixtures("direct")
@pytest.mark.parametrize(
    ("call", "kind", "constraint"),
    [
        (insert("sample", id=1), e.UniqueViolation, "sample_pkey"),
        (insert("child", id=1, sample_id=-9, v=1), e.ForeignKeyViolation, "child_sample_id_fkey"),
        (insert("child", id=1), e.NotNullViolation, None),
        (insert("nowhere", id=1), e.SchemaMismatch, None),
        (insert("sample", id="x"), e.InvalidValue, None),
        (insert("sample", idd=1), e.SchemaMismatch, None),
        (Call(Verb.READ, "nowhere"), e.SchemaMismatch, None),
        (Call(Verb.READ, "sample", params=(("nope", "eq.1"),)), e.SchemaMismatch, None),
        (Call(Verb.READ, "sample", "hidden"), e.Unsupported, None),
        (Call(Verb.READ, "sample", params=(("or", "()"),)), e.QueryError, None),
        (Call(Verb.READ, "sample", params=(("id", "eq.0"),), one_row=True), None, None),
        (Call(Verb.READ, "sample", params=(("id", "eq.-5"),), one_row=True), e.RepositoryNotFoundError, None),
        (Call(Verb.READ, "sample", one_row=True), e.MultipleRowsError, None),
        (Call(Verb.CALL, "nope", body={}), e.SchemaMismatch, None),
        (Call(Verb.CALL, "refuse", body={"code": "23505", "hint": "uq"}), e.UniqueViolation, "uq"),
        (Call(Verb.CALL, "refuse", body={"code": "PT409", "hint": "h"}), e.DomainError, None),
        (Call(Verb.CALL, "refuse", body={"code": "40P01", "hint": "h"}), e.Deadlock, None),
    ],
)
async def test_refusals_arrive_by_meaning(
    transport: Transport, call: Call, kind: type[e.RepositoryError] | None, constraint: str | None
) -> None:
    outcome = await send(transport, call)
    assert type(outcome) is (kind or Reply)
    assert getattr(outcome, "constraint", None) == constraint
    assert "s3cret" not in str(outcome)


async def test_a_bad_token_is_told_from_a_missing_one(transport: Transport) -> None:
    with pytest.raises(e.AuthInvalid):
        await transport.send(Call(Verb.READ, "sample"), "not.a.token")


async def test_a_write_that_outlives_its_deadline_is_open(rig: Rig) -> None:
    hurried = Transport(rig.url, limits=Limits(timeout=0.2))
    with pytest.raises(e.OutcomeUnknown):
        await hurried.send(Call(Verb.CALL, "slow", body={"seconds": 0.5}), None)
    with pytest.raises(e.RepositoryTimeoutError):
        await hurried.send(Call(Verb.CALL, "slow", body={"seconds": 0.5}, writes=False), None)
    await hurried.aclose()
