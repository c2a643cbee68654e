"""Calls are cancelled at random points: the cancellation surfaces, and nothing of the call stays behind."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import cast

import asyncpg
import attrs
import pytest

from homeport.composition import Homeport
from homeport.composition import open as open_homeport
from homeport.domain.users import User
from homeport.kernel.errors import InvalidValue, UnitAborted
from homeport.settings import Settings
from tests.faults.place import CONTEXTS, Place, connections, is_full, outcome, specimen, specimens
from tests.support.specimens import Specimen

pytestmark = pytest.mark.faults

AT_ONCE = 5  # on three connections, so that some are met while they wait for one
STORED = 3000
BULK = 300


@attrs.frozen(eq=False)
class Calls:
    """The kinds of calls. A bulk's rows all carry its tag."""

    db: Homeport
    base: list[Specimen]
    people: list[User]

    async def read(self, _: str) -> None:
        await specimens(self.db).specimens.find_many({"words": "base"}, limit=200)

    async def count(self, _: str) -> None:
        await specimens(self.db).specimens.count({"words": "base"})

    async def stream(self, _: str) -> None:
        rows = cast("AsyncGenerator[Specimen, None]", specimens(self.db).specimens.stream({"words": "base"}))
        async with aclosing(rows):
            async for _row in rows:
                await asyncio.sleep(0)

    async def create(self, tag: str) -> None:
        await specimens(self.db).specimens.create({"words": tag})

    async def change(self, tag: str) -> None:
        await specimens(self.db).specimens.update(self.base[0].id, {"short": tag[-5:]})

    async def raw(self, _: str) -> None:
        await self.db.base.execute_query("select pg_sleep(0.002)")

    async def copied(self, tag: str) -> None:
        rows = [{"code": f"{tag}-{each}", "shelf": tag, "position": each} for each in range(BULK)]
        await specimens(self.db).crates.bulk_create(rows)

    async def answered(self, tag: str) -> None:
        rows = [{"code": f"{tag}-{each}", "shelf": tag, "position": each} for each in range(BULK)]
        await specimens(self.db).crates.create_many(rows)

    async def unlike(self, tag: str) -> None:
        """In several statements, as one can't hold all values."""
        rows = [specimen(tag) for _ in range(BULK // 2)]
        await specimens(self.db).specimens.create_many(
            [
                {"id": each.id, "words": tag, **({"whole": 1} if place % 2 else {"flag": True})}
                for place, each in enumerate(rows)
            ]
        )

    async def merged(self, tag: str) -> None:
        """In a transaction, as each row has to be written."""
        people = [{"id": each.id, "email": each.email, "first_name": tag} for each in self.people]
        await self.db.users.users.upsert_many(people)

    async def several(self, tag: str) -> None:
        """Two statements in a transaction, as the columns differ."""
        changes: list[dict[str, object]] = [{"raw": tag.encode()}, {"raw": tag.encode(), "whole": 1}]
        await specimens(self.db).specimens.bulk_update(
            (each.id, changes[place % 2]) for place, each in enumerate(self.base[1:41])
        )

    async def unit(self, tag: str) -> None:
        """Written and changed again, with a savepoint taken back in between."""
        async with self.db.transaction() as tx:
            await specimens(tx).specimens.add_many([specimen(tag) for _ in range(3)])
            with contextlib.suppress(LookupError):
                async with tx.savepoint():
                    await specimens(tx).specimens.update_many({"words": tag}, {"short": "gone"})
                    raise LookupError
            await specimens(tx).specimens.update_many({"words": tag}, {"whole": 1})

    async def locked(self, tag: str) -> None:
        async with self.db.transaction() as tx:
            await tx.lock("one at a time")
            await specimens(tx).specimens.for_update().get_or_raise(self.base[0].id)
            await specimens(tx).specimens.add_many([specimen(tag) for _ in range(3)])

    async def as_a_user(self, _: str) -> None:
        await self.db.as_user({"sub": str(self.people[0].id)}).users.users.find_many()


Kind = Callable[[Calls, str], Awaitable[None]]
KINDS: tuple[Kind, ...] = (
    Calls.read,
    Calls.count,
    Calls.stream,
    Calls.create,
    Calls.change,
    Calls.raw,
    Calls.copied,
    Calls.answered,
    Calls.unlike,
    Calls.merged,
    Calls.several,
    Calls.unit,
    Calls.locked,
    Calls.as_a_user,
)


async def prepared(db: Homeport) -> Calls:
    rows = specimens(db).specimens
    base = [specimen("base") for _ in range(STORED)]
    await rows.add_many(base)
    people = await db.users.users.create_many([{"email": f"{each}@example.org"} for each in range(40)])
    return Calls(db, base, people)


async def lasted(calls: Calls) -> dict[Kind, float]:
    """How long each kind takes undisturbed; the first time also warms it up."""
    found = {}
    for kind in KINDS:
        for turn in ("a", "b"):
            start = time.monotonic()
            await kind(calls, f"warm{turn}-{KINDS.index(kind)}")
            found[kind] = time.monotonic() - start
    return found


async def cancelled(call: Awaitable[None], after: float, *, twice: bool) -> tuple[bool, BaseException | None]:
    """Whether there was still something to cancel, and what came out."""
    task = asyncio.ensure_future(call)
    await asyncio.sleep(after)
    asked = task.cancel()
    if twice:
        await asyncio.sleep(0)
        task.cancel()
    return asked, await outcome(task)


async def all_or_nothing(place: Place) -> dict[str, Counter[int]]:
    """How often each bulk was stored with so many rows."""
    texts = {
        "inserted": "select shelf as tag, count(*) as rows from crates group by 1",
        "units": "select words as tag, count(*) as rows from specimens where words ~ '^(unit|locked)' group by 1",
        "unlike": "select words as tag, count(*) as rows from specimens where words like 'unlike%' group by 1",
        "merged": "select first_name as tag, count(*) as rows from users group by 1",
        "several": "select raw as tag, count(*) as rows from specimens where raw is not null group by 1",
    }
    return {name: Counter(each["rows"] for each in await place.admin.fetch(text)) for name, text in texts.items()}


@pytest.mark.parametrize("cancellations", [5000, pytest.param(100_000, marks=pytest.mark.soak)])
async def test_thousands_at_random_points_leave_nothing_behind(place: Place, cancellations: int) -> None:
    rng = random.Random(21)
    cancels, too_late, kinds = 0, 0, Counter[str]()
    async with place.open() as db:
        calls = await prepared(db)
        usual = await lasted(calls)
        rounds = 0
        while cancels < cancellations:
            rounds += 1
            batch = [rng.choice(KINDS) for _ in range(AT_ONCE)]
            found = await asyncio.gather(
                *(
                    cancelled(
                        kind(calls, f"{kind.__name__}-{rounds}-{each}"),
                        rng.uniform(0, usual[kind] * 2 + 0.02),  # the others in the batch take their time too
                        twice=rng.random() < 0.2,
                    )
                    for each, kind in enumerate(batch)
                )
            )
            for kind, (asked, error) in zip(batch, found, strict=True):
                assert isinstance(error, asyncio.CancelledError) if asked else error is None, (kind, asked, error)
                cancels, too_late = cancels + asked, too_late + (not asked)
                kinds[kind.__name__] += asked
            if rounds % 100 == 0:
                assert await is_full(db)
                assert await place.left() == []
        assert await is_full(db)
    assert await place.left() == []
    stored = await all_or_nothing(place)
    print(f"\n{cancels} cancelled, {too_late} had ended; {dict(kinds)}; bulks by rows stored: {stored}")
    assert stored["inserted"].keys() <= {BULK}
    assert stored["units"].keys() <= {3}
    assert stored["unlike"].keys() <= {BULK // 2}
    assert stored["merged"].keys() <= {40}
    assert stored["several"].keys() <= {40}


async def test_a_unit_cancelled_at_any_turn_of_the_loop_is_done_or_not_and_never_half(place: Place) -> None:
    """One turn later each time, from before it begins until it has ended by itself again and again."""
    found, turns, ended = Counter[str](), 0, 0
    async with place.open(size=1) as db:
        await specimens(db).specimens.count()

        async def work(words: str) -> None:
            async with db.transaction() as tx:
                await specimens(tx).specimens.add(specimen(words))
                async with tx.savepoint():
                    await specimens(tx).specimens.add(specimen(words))

        while ended < 50 and turns < 3000:
            task = asyncio.create_task(work(f"turn {turns}"))
            for _ in range(turns):
                await asyncio.sleep(0)
            asked = task.cancel()
            error = await outcome(task)
            assert isinstance(error, asyncio.CancelledError) if asked else error is None
            ended, turns = ended + (not asked), turns + 1
            found["cancelled" if asked else "ended"] += 1
        assert connections(db).figures().lent == 0
    stored = Counter(each["words"] for each in await place.admin.fetch("select words from specimens"))
    print(f"\n{dict(found)}; {len(stored)} stored")
    assert set(stored.values()) == {2}
    assert len(stored) >= found["ended"] >= 50


async def test_a_failing_sibling_in_a_group_gives_all_connections_back(place: Place) -> None:
    async with place.open() as db:
        calls = await prepared(db)

        async def fails() -> None:
            await asyncio.sleep(0.01)
            raise LookupError

        async def together(tag: str) -> None:
            async with asyncio.TaskGroup() as group:
                for kind in (calls.raw, calls.stream, calls.merged, calls.copied):
                    group.create_task(kind(tag))
                group.create_task(fails())

        for turn in range(20):
            with pytest.raises(ExceptionGroup) as caught:
                await together(f"group-{turn}")
            assert [type(each) for each in caught.value.exceptions] == [LookupError]
        assert await is_full(db)


async def test_a_stream_that_is_left_early_or_forgotten_gives_its_connection_back(place: Place) -> None:
    async with place.open() as db:
        await prepared(db)
        for _ in range(10):
            async for _row in specimens(db).specimens.stream():
                break  # the loop closes a forgotten generator when it is collected
        await asyncio.sleep(0.05)
        assert await is_full(db)


async def test_a_call_that_ends_between_asking_and_executing_leaves_no_transaction(place: Place) -> None:
    """The driver has described the statement by then, for which the server opens a transaction of its own."""
    given = await asyncpg.connect(place.url())
    settings = Settings(adapter="postgres", database_url=place.url())
    async with open_homeport(settings, contexts=CONTEXTS, database=given) as db:
        with pytest.raises(InvalidValue):
            await db.base.execute_query("select id from specimens where whole = $1", ["no number"])
        sql = "select count(*) from pg_locks where pid = $1 and locktype = 'relation'"
        assert await place.admin.fetchval(sql, given.get_server_pid()) == 0
        assert [each async for each in specimens(db).specimens.stream()] == []
        async with given.transaction():
            assert isinstance(await outcome(db.base.execute_query("select 1 / 0")), InvalidValue)
            assert isinstance(await outcome(db.base.execute_query("select $1::int", ["no number"])), UnitAborted)
            assert not given.is_closed()
    await given.close()
