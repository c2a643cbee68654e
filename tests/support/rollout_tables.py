"""The rollout's tables in memory: for tests of what reads and writes them."""

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

import attrs

from homeport.kernel.errors import RepositoryUnavailableError
from homeport.ports.rollout import CountRow, EventRow, FlagRow, StageRow

START = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)


class Tables:
    """Tables and one decision at a time; `down` is a server that is away. The clock stands until it is moved."""

    def __init__(self) -> None:
        self.now = START
        self.rows: dict[str, FlagRow] = {}
        self.staged: dict[str, StageRow] = {}
        self.told: list[EventRow] = []
        self.counted: dict[tuple[object, ...], CountRow] = {}
        self.marks: list[uuid.UUID] = []
        self.down = False
        self.loads = 0
        self._revision = 0
        self._heard = asyncio.Event()
        self._lock = asyncio.Lock()

    def tick(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)

    def put(self, domain: str, flag: str, *, held: bool = False, by: str = "test") -> FlagRow:
        self._revision += 1
        row = FlagRow(domain=domain, flag=flag, held=held, revision=self._revision, changed_at=self.now, changed_by=by)
        self.rows[domain] = row
        self._heard.set()
        return row

    async def flags(self) -> list[FlagRow]:
        self._reached()
        self.loads += 1
        return [self.rows[domain] for domain in sorted(self.rows)]

    async def stages(self) -> list[StageRow]:
        self._reached()
        return [self.staged[domain] for domain in sorted(self.staged)]

    async def changed(self) -> None:
        await self._heard.wait()
        self._heard.clear()

    @asynccontextmanager
    async def deciding(self, *, wait: bool) -> "AsyncIterator[Tables | None]":
        self._reached()
        if not wait and self._lock.locked():
            yield None
            return
        async with self._lock:
            before = (dict(self.rows), dict(self.staged), list(self.told))
            try:
                yield self
            except BaseException:
                self.rows, self.staged, self.told = before
                raise

    async def set_flag(self, domain: str, flag: str, *, held: bool = False, by: str) -> FlagRow:
        return self.put(domain, flag, held=held, by=by)

    async def clear_flag(self, domain: str) -> bool:
        self._heard.set()
        return self.rows.pop(domain, None) is not None

    async def save_stage(self, stage: StageRow) -> None:
        self.staged[stage.domain] = attrs.evolve(stage, judged_at=self.now)

    async def drop_stage(self, domain: str) -> None:
        self.staged.pop(domain, None)

    async def record(self, domain: str, kind: str, said: str, *, by: str, facts: Mapping[str, object]) -> None:
        self.told.append(EventRow(at=self.now, domain=domain, kind=kind, said=said, by=by, facts=dict(facts)))

    async def write_counts(self, process: uuid.UUID, rows: Iterable[CountRow]) -> None:
        self._reached()
        for row in rows:
            self.counted[(process, row.minute, row.domain, row.adapter, row.stage)] = row

    async def counts(self, since: dt.datetime, domain: str | None = None) -> list[CountRow]:
        self._reached()
        found = [each for each in self.counted.values() if each.minute >= since and domain in (None, each.domain)]
        return sorted(found, key=lambda each: (each.minute, each.domain, each.adapter, each.stage))

    async def weight(self, domain: str, stage: str, since: dt.datetime, before: dt.datetime) -> int:
        rows = [each for each in await self.counts(since, domain) if each.stage == stage and each.minute < before]
        return sum(each.calls + each.outcomes + each.faults + each.refusals for each in rows)

    async def events(self, domain: str | None = None, *, since: dt.datetime | None = None) -> list[EventRow]:
        return [each for each in self.told if domain in (None, each.domain) and (since is None or each.at >= since)]

    async def forget(self, before: dt.datetime) -> None:
        self.counted = {key: each for key, each in self.counted.items() if each.minute >= before}

    async def mark(self) -> uuid.UUID:
        self.marks.append(uuid.uuid4())
        return self.marks[-1]

    async def close(self) -> None:
        return

    def _reached(self) -> None:
        if self.down:
            raise RepositoryUnavailableError("the server was not reached")
