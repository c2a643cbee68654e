"""A program: one process of several that share a pooler, and check each answer against what they asked.

It reads a job as one line of JSON, says "ready" once its Homeport has answered, begins at the next line, and ends with
its tally as one line of JSON.
"""

import asyncio
import json
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable

import asyncpg
import attrs

from homeport.composition import Homeport
from homeport.composition import open as open_homeport
from homeport.kernel.errors import RepositoryPermissionError
from homeport.kernel.predicates import one_of
from homeport.settings import Pool, Settings
from tests.faults.place import specimens
from tests.support.specimens import SPECIMENS, Specimen

KEYS = 100
EVENTS = 3
USERS = 40
Read = Callable[[int], Awaitable[bool]]


@attrs.frozen(kw_only=True)
class Job:
    """What to do, and how often: one of KINDS, or `driver`."""

    kind: str
    marker: str
    reads: int
    url: str = attrs.field(repr=False)
    scoped_url: str = attrs.field(repr=False)
    workers: int = 8


@attrs.frozen(kw_only=True)
class Tally:
    """How the answers were: those expected, those that were another's, and the calls that raised, by class."""

    right: int
    wrong: int
    errors: dict[str, int]
    seconds: float


def words(marker: str, key: int) -> str:
    return f"{marker}/{key}"


def key_of(text: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, text)


def user_of(marker: str, number: int) -> uuid.UUID:
    return key_of(f"user of {marker}: {number}")


def event_of(user: uuid.UUID, number: int) -> uuid.UUID:
    return key_of(f"event of {user}: {number}")


class Services:
    """Calls of several shapes, each of whose answers holds this process's marker and the key that was asked for."""

    def __init__(self, db: Homeport, marker: str) -> None:
        self._rows = specimens(db).specimens
        self._base = db.base
        self._marker = marker
        self.reads: list[Read] = [self.by_id, self.by_words, self.several, self.counted, self.own_sql, self.streamed]

    async def by_id(self, key: int) -> bool:
        found = await self._rows.find_by_id(key_of(words(self._marker, key)))
        return found is not None and (found.words, found.whole) == (words(self._marker, key), key)

    async def by_words(self, key: int) -> bool:
        found = await self._rows.find_many({"words": words(self._marker, key)})
        return [each.id for each in found] == [key_of(words(self._marker, key))]

    async def several(self, key: int) -> bool:
        wanted = [words(self._marker, each) for each in range(key, min(key + 5, KEYS))]
        found = await self._rows.find_many(one_of("words", wanted))
        return {each.words for each in found} == set(wanted)

    async def counted(self, key: int) -> bool:
        """Each process has as many rows of a key's `big` as the key says."""
        return await self._rows.count({"short": self._marker, "big": key % 10}) == KEYS // 10

    async def own_sql(self, key: int) -> bool:
        asked = words(self._marker, key)
        sql = "select $1::text as words, $2::int as whole" if key % 2 else "select $2::int as whole, $1::text as words"
        return await self._base.execute_query(sql, [asked, key]) == [{"words": asked, "whole": key}]

    async def streamed(self, key: int) -> bool:
        found = [each.whole async for each in self._rows.stream({"short": self._marker, "big": key % 10})]
        return sorted(each for each in found if each is not None) == list(range(key % 10, KEYS, 10))


class Scoped:
    """Calls for many users: each sees its own events, all of them, and nobody else's."""

    def __init__(self, db: Homeport, marker: str) -> None:
        self._db = db
        self._marker = marker
        self.reads: list[Read] = [self.all_visible, self.own_one, self.foreign_one, self.nobodys, self.services]

    async def all_visible(self, key: int) -> bool:
        user = user_of(self._marker, key % USERS)
        found = await self._db.as_user({"sub": str(user)}).calendar.events.find_many()
        return sorted(each.title for each in found) == [f"{user} {number}" for number in range(EVENTS)]

    async def own_one(self, key: int) -> bool:
        user = user_of(self._marker, key % USERS)
        found = await self._db.as_user({"sub": str(user)}).calendar.events.find_by_id(event_of(user, key % EVENTS))
        return found is not None and (found.user_id, found.title) == (user, f"{user} {key % EVENTS}")

    async def foreign_one(self, key: int) -> bool:
        user, other = (user_of(self._marker, (key + shift) % USERS) for shift in (0, 1))
        return await self._db.as_user({"sub": str(user)}).calendar.events.find_by_id(event_of(other, 0)) is None

    async def nobodys(self, key: int) -> bool:
        try:
            await self._db.as_user(None).calendar.events.find_many()
        except RepositoryPermissionError:
            return True
        return False

    async def services(self, key: int) -> bool:
        """A call without a user between theirs."""
        user = user_of(self._marker, key % USERS)
        return await self._db.calendar.events.count({"user_id": user}) == EVENTS


class Writes:
    """Rounds of writes, each over rows of its own, read back and taken away again."""

    def __init__(self, db: Homeport, marker: str) -> None:
        self._db = db
        self._rows = specimens(db).specimens
        self._marker = marker
        self.reads: list[Read] = [self.one, self.many, self.together]

    async def one(self, key: int) -> bool:
        made = await self._rows.create({"words": self._marker, "whole": key})
        changed = await self._rows.update(made.id, {"whole": key + 1})
        again = await self._rows.upsert({"id": made.id, "words": self._marker, "whole": key + 2})
        gone = await self._rows.delete(made.id)
        return gone and [made.whole, changed.whole, again.whole] == [key, key + 1, key + 2]

    async def many(self, key: int) -> bool:
        """Enough for the driver's COPY."""
        lot = uuid.uuid4()
        count = await self._rows.add_many(Specimen(id=uuid.uuid4(), other_id=lot, whole=key) for _ in range(200))
        changed = await self._rows.update_many({"other_id": lot}, {"words": self._marker})
        found = await self._rows.find_many({"other_id": lot, "words": self._marker})
        gone = await self._rows.delete_many({"other_id": lot})
        return [count, changed, len(found), gone] == [200] * 4 and {each.whole for each in found} == {key}

    async def together(self, key: int) -> bool:
        async with self._db.transaction() as tx:
            rows = tx.repository(SPECIMENS).specimens
            made = await rows.create({"words": self._marker, "whole": key})
            async with tx.savepoint():
                await rows.update(made.id, {"whole": key + 1})
            found = await rows.find_by_id(made.id)
            await rows.delete(made.id)
        return found is not None and (found.words, found.whole) == (self._marker, key + 1)


class Driver:
    """What Homeport does not do: the driver's own pool, whose prepared statements have the same names everywhere."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", marker: str) -> None:
        self._pool = pool
        self._marker = marker
        self.reads: list[Read] = [self.by_words]

    async def by_words(self, key: int) -> bool:
        asked, which = words(self._marker, key), key % 20
        async with asyncio.timeout(5):
            row = await self._pool.fetchrow(f"select words, {which} as which from specimens where words = $1", asked)
        return row is not None and (row["words"], row["which"]) == (asked, which)


KINDS: dict[str, Callable[[Homeport, str], Services | Scoped | Writes]] = {
    "services": Services,
    "scoped": Scoped,
    "writes": Writes,
}


async def counted(reads: list[Read], job: Job) -> Tally:
    """Reads at random from several tasks."""
    rng = random.Random(job.marker)
    right, errors, left = Counter[bool](), Counter[str](), iter(range(job.reads))

    async def work() -> None:
        for _ in left:
            try:
                right[await rng.choice(reads)(rng.randrange(KEYS))] += 1
            except Exception as error:
                errors[f"{type(error).__name__}: {error}" if job.kind != "driver" else type(error).__name__] += 1

    started = time.monotonic()
    await asyncio.gather(*(work() for _ in range(job.workers)))
    return Tally(right=right[True], wrong=right[False], errors=errors, seconds=time.monotonic() - started)


async def answered(job: Job) -> Tally:
    if job.kind == "driver":
        async with asyncpg.create_pool(job.url, min_size=0, max_size=job.workers) as driver:
            return await begun(Driver(driver, job.marker).reads, job)
    pool = Pool(size=job.workers, overflow=0, pooler="transaction")
    settings = Settings(
        adapter="postgres", database_url=job.url, scoped_database_url=job.scoped_url, units="refuse", pool=pool
    )
    async with open_homeport(settings, contexts=["calendar", SPECIMENS]) as db:
        await db.base.execute_query("select 1 as one")
        return await begun(KINDS[job.kind](db, job.marker).reads, job)


async def begun(reads: list[Read], job: Job) -> Tally:
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    return await counted(reads, job)


if __name__ == "__main__":
    tally = asyncio.run(answered(Job(**json.loads(sys.stdin.readline()))))
    print(json.dumps(attrs.asdict(tally)), flush=True)
