"""Whatever goes wrong, our errors and logs hold no password, key, token or value of a row."""

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from itertools import cycle
from urllib.parse import quote

import pytest

from homeport.bearer import BearerTokens
from homeport.composition import Homeport, in_memory
from homeport.composition import open as open_homeport
from homeport.kernel.errors import RepositoryError
from homeport.middleware.observe import log_calls
from homeport.settings import Pool, Retry, Settings
from homeport.testing.servers import token
from tests.faults.place import CONTEXTS, Place, outcome, specimen, specimens
from tests.faults.proxy import proxied
from tests.faults.stub import http, stubbed

pytestmark = pytest.mark.faults

ERRORS = 10_000
SECRET = "canary-secret-of-thirty-two-bytes!"
PASSWORD, VALUE, KEY = "canary-pass!word", "canary-value", token(SECRET, "service_role")
CANARIES = ("canary", quote(PASSWORD, safe=""), KEY, KEY.rpartition(".")[2])
Call = Callable[[int], Awaitable[object]]


class Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.kept: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record)


@pytest.fixture
def records() -> Iterator[Records]:
    logger, handler = logging.getLogger("homeport"), Records()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


def shown(error: BaseException) -> str:
    """All that an error tells of itself; what caused it is the driver's."""
    said = (str(error), repr(error), error.args, vars(error), getattr(error, "__notes__", ()))
    return " ".join(map(repr, said))


def bad_calls(db: Homeport) -> list[Call]:
    """What any adapter refuses, with the canary as a value."""
    stored, people = specimens(db), db.users.users
    twin = specimen(VALUE)

    async def again(_: int) -> None:
        await stored.specimens.add(twin)
        await stored.specimens.add(twin)

    return [
        again,
        lambda n: stored.crates.create_many([{"code": f"{VALUE}{n}"}] * 2),
        lambda n: stored.crates.create({"code": f"{VALUE}c{n}", "shelf": VALUE, "position": -1}),
        lambda _: stored.crates.create({"code": None, "shelf": VALUE}),
        lambda _: stored.labels.create({"crate_id": -7, "name": VALUE}),
        lambda _: stored.specimens.create({"short": VALUE}),
        lambda _: stored.specimens.create({"whole": VALUE}),
        lambda _: stored.specimens.create({"mood": VALUE}),
        lambda _: stored.specimens.create({"facts": {VALUE: float("nan")}}),
        lambda _: stored.specimens.create({"words": VALUE + "\0"}),
        lambda _: stored.specimens.find_many({"id": VALUE}),
        lambda _: stored.specimens.find_many({"price": VALUE}),
        lambda _: stored.specimens.update(specimen("").id, {"words": VALUE}),
        lambda _: stored.specimens.paginate_cursor(cursor=VALUE),
        lambda _: stored.specimens.update_many({}, {"words": VALUE}),
        lambda _: people.create_many([{"email": f"{VALUE}@example.org"}] * 2),
        lambda _: db.social.create_post(specimen("").id, {"content": VALUE}),
    ]


def as_somebody(db: Homeport) -> list[Call]:
    """What is refused to users and inside units, with the canary in claims, tokens and values."""
    me = uuid.uuid4()
    row = {"user_id": uuid.uuid4(), "amount": "1", "category": "fuel", "date": "2026-05-01", "description": VALUE}
    tokens = BearerTokens(SECRET, audience=VALUE)

    async def in_a_unit(_: int) -> None:
        async with db.transaction() as tx:
            await specimens(tx).crates.create_many([{"code": VALUE}] * 2)

    async def in_a_savepoint(_: int) -> None:
        async with db.transaction() as tx, tx.savepoint():
            await specimens(tx).labels.create({"crate_id": -7, "name": VALUE})

    async def of_a_token(given: str) -> None:
        db.as_user(tokens.identity(given))

    return [
        in_a_unit,
        in_a_savepoint,
        lambda _: db.as_user({"sub": str(me), "name": VALUE}).expenses.expenses.create(row),
        lambda _: db.as_user(None).expenses.expenses.find_many({"description": VALUE}),
        lambda _: unawaited(lambda: db.as_user({"sub": VALUE})),
        lambda _: unawaited(lambda: db.as_user({"sub": str(me), "role": VALUE})),
        lambda _: unawaited(lambda: db.as_user({"sub": str(me), "name": object()})),
        lambda _: of_a_token(KEY),
        lambda _: of_a_token(f"{KEY}x"),
        lambda _: of_a_token(VALUE),
    ]


async def unawaited(call: Callable[[], object]) -> None:
    call()


def bad_sql(db: Homeport) -> list[Call]:
    run = db.base.execute_query
    return [
        lambda _: run(f"select '{VALUE}'::int"),
        lambda _: run("select $1::text::uuid", [VALUE]),
        lambda _: run("select $1::int", [VALUE]),
        lambda _: run(f"selct '{VALUE}'"),
        lambda _: run("select 1", [VALUE]),
        lambda _: run("insert into crates (code, position) values ($1, -1)", [VALUE]),
        lambda _: run("insert into crates (code) values ($1), ($1)", [VALUE]),
        lambda _: run("select $1::text from pg_sleep(5)", [VALUE]),
    ]


def answers() -> list[bytes | None]:
    """What a server could say, with the canary wherever it may stand, but in a function's own words."""
    codes = {
        "23505": 409,
        "23503": 409,
        "23502": 400,
        "23514": 400,
        "22P02": 400,
        "22001": 400,
        "40001": 400,
        "40P01": 400,
        "42601": 400,
        "55P03": 400,
        "57014": 500,
        "57P01": 500,
        "53300": 503,
        "XX000": 500,
        "PGRST000": 503,
        "PGRST001": 503,
        "PGRST100": 400,
        "PGRST102": 400,
        "PGRST116": 406,
        "PGRST301": 401,
    }
    made: list[bytes | None] = [
        http(
            f'{{"code":"{code}","message":"{VALUE} (\'{VALUE}\')",'
            f'"details":"Key (x)=({VALUE})","hint":"{VALUE} ?"}}'.encode(),
            f"{status} Bad",
        )
        for code, status in codes.items()
    ]
    html = f"<html>{VALUE} {KEY}</html>".encode()
    return [
        *made,
        *(http(html, f"{each} X") for each in (200, 400, 401, 403, 404, 500, 502, 503)),
        None,
        http(f'[{{"id":"{VALUE}"}}]'.encode()),
        http(f'{{"{VALUE}":1}}'.encode()),
    ]


async def test_ten_thousand_errors_hold_no_secret(place: Place, records: Records) -> None:
    errors: list[BaseException] = []

    async def force(calls: list[Call], number: int) -> None:
        for turn, call in zip(range(number), cycle(calls), strict=False):
            error = await outcome(call(turn))
            if error is not None:
                errors.append(error)

    memory = in_memory(CONTEXTS, observers=[log_calls])
    await force([*bad_calls(memory), *as_somebody(memory)], 2000)
    await memory.close()

    async with place.open(statement_timeout=0.05, observers=[log_calls]) as db:
        await force([*bad_calls(db), *as_somebody(db)], 4000)
        await force(bad_sql(db), 400)
    await unreachable(place, force)
    async with stubbed() as stub:
        settings = Settings(
            adapter="supabase_legacy",
            rest_url=stub.url,
            supabase_service_role_key=KEY,
            pool=Pool(timeout=0.5),
            retry=Retry(attempts=1),
        )
        async with open_homeport(settings, contexts=CONTEXTS, observers=[log_calls]) as legacy:
            stored = specimens(legacy).specimens
            calls: list[Call] = [
                lambda _: stored.find_many({"words": VALUE}, limit=1),
                lambda _: stored.create({"words": VALUE}),
                lambda _: stored.delete_many({"words": VALUE}),
                lambda _: legacy.social.toggle_like(specimen("").id, specimen("").id),
                bad_calls(legacy)[9],
            ]
            for answer in answers():
                stub.answer = answer
                await force(calls, 10 if answer is None else 150)

    found = Counter(type(each).__name__ for each in errors)
    told = [(shown(each), type(each).__name__) for each in errors]
    logged = [f"{each.getMessage()} {vars(each)!r}" for each in records.kept]
    behind = sum(any(each in repr(error.__cause__) + str(error.__cause__) for each in CANARIES) for error in errors)
    print(
        f"\n{len(errors)} errors {dict(found)}; {len(logged)} log records; in {behind} the driver's error that ours "
        "came from (__cause__) holds a canary"
    )
    assert [said for said in told if any(each in said[0] for each in CANARIES)][:5] == []
    assert [line for line in logged if any(each in line for each in CANARIES)][:5] == []
    assert all(isinstance(each, RepositoryError) for each in errors), found
    assert len(errors) >= ERRORS
    assert len(logged) > ERRORS / 2


async def unreachable(place: Place, force: Callable[[list[Call], int], Awaitable[None]]) -> None:
    """Wrong logins, refused connections and URLs that are none, each with the canary as its password."""
    at = place.server.port
    if at is None:
        return
    async with proxied(at) as proxy:
        good = place.server.url(place.name, user="homeport_service", password=PASSWORD, at=proxy.at)
        for url in (good, good.replace("homeport_service", VALUE), f"{good}?sslmode={VALUE}"):
            settings = Settings(adapter="postgres", database_url=url, retry=Retry(attempts=1))
            async with open_homeport(settings, contexts=CONTEXTS, observers=[log_calls]) as db:
                await force([lambda _, db=db: specimens(db).specimens.count()], 30)  # type: ignore[misc]
                await proxy.stop()
                await force([lambda _, db=db: specimens(db).specimens.create({"words": VALUE})], 30)  # type: ignore[misc]
                await proxy.start()
    await asyncio.sleep(0)
