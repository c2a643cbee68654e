"""A program: one of several application processes whose domains follow flags, with a candidate that can be broken.

It reads a job as one line of JSON, says "ready", and then answers each line with one: `go` begins its traffic, `break`
changes what is wrong with the candidate of `expenses`, `unit` begins a unit and `commit` ends it, `tally` says what
was seen so far. The end of its input ends it.
"""

import asyncio
import json
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import attrs

from homeport.composition import Homeport, Unit
from homeport.composition import open as open_homeport
from homeport.kernel.errors import RepositoryTimeoutError
from homeport.ports.store import Session
from homeport.settings import Settings
from homeport.testing.faults import Faults, FaultyStore

BROKEN, OTHER = "expenses", "social"
PAUSE = 0.004
WORKERS = 4
ROW = {"amount": "1", "category": "fuel", "date": "2026-05-01"}


@attrs.frozen(kw_only=True)
class Job:
    """Where to connect, and for whom to call."""

    settings: dict[str, Any] = attrs.field(repr=False)
    users: list[str]
    seed: int


@attrs.define(eq=False)
class Noted(Faults):
    """Notes when the adapter was last asked for anything, by the wall's clock."""

    last: float = 0.0

    async def strike(self, call: str, statement: str) -> bool:
        self.last = time.time()
        return await super().strike(call, statement)


class Application:
    """Calls for many users in two domains, and for nobody in particular; errors are counted and change nothing."""

    def __init__(self, job: Job) -> None:
        self.noted = {adapter: Noted() for adapter in ("postgres", "supabase_legacy")}
        self.calls, self.errors = Counter[str](), Counter[str]()
        self._users = [uuid.UUID(each) for each in job.users]
        self._rng = random.Random(job.seed)
        self._stack = AsyncExitStack()
        self._tx: Unit | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def wrap(self, domain: str, adapter: str, session: Session) -> Session:
        return FaultyStore(session, faults=self.noted[adapter]) if domain == BROKEN else session

    async def answer(self, db: Homeport, *, do: str, **given: Any) -> object:
        match do:
            case "go":
                self._tasks = [asyncio.create_task(self._work(db)) for _ in range(WORKERS)]
            case "break":
                candidate = self.noted["postgres"]
                candidate.rate, candidate.latency = given["rate"], given["latency"]
                candidate.error = RepositoryTimeoutError if given["failing"] else None
            case "unit":
                self._tx = await self._stack.enter_async_context(db.transaction())
                return await self._added()
            case "commit":
                last = await self._added()
                await self._stack.aclose()
                return last
            case "tally":
                return {
                    "calls": self.calls,
                    "errors": self.errors,
                    "asked": {adapter: each.last for adapter, each in self.noted.items()},
                    "seconds": time.time(),
                }
        return None

    async def close(self) -> None:
        for each in self._tasks:
            each.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _added(self) -> str:
        assert self._tx is not None
        return str((await self._tx.expenses.create_expense(self._users[0], ROW)).id)

    async def _work(self, db: Homeport) -> None:
        while True:
            user = self._rng.choice(self._users)
            domain = self._rng.choice((BROKEN, OTHER))
            self.calls[domain] += 1
            try:
                await self._rng.choice(_calls(db, domain, user))()
            except Exception as error:
                self.errors[f"{domain} {type(error).__name__}"] += 1
            await asyncio.sleep(PAUSE)


def _calls(db: Homeport, domain: str, user: uuid.UUID) -> list[Callable[[], Awaitable[object]]]:
    if domain == OTHER:
        return [lambda: db.social.get_user_posts(user), lambda: db.social.posts.find_by_id(uuid.uuid4())]
    return [
        lambda: db.expenses.get_expenses_by_category(user, "none"),
        lambda: db.expenses.expenses.find_by_id(uuid.uuid4()),
        lambda: db.expenses.create_expense(user, ROW),
    ]


async def main() -> None:
    job = Job(**json.loads(sys.stdin.readline()))
    application = Application(job)
    settings = Settings(adapter="supabase_legacy", flags=True, **job.settings)
    async with open_homeport(settings, contexts=[BROKEN, OTHER], wrap=application.wrap) as db:
        print(json.dumps("ready"), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await application.answer(db, **json.loads(line))), flush=True)
        await application.close()


if __name__ == "__main__":
    asyncio.run(main())
