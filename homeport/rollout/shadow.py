"""Reads repeated on the candidate while callers have their answer already. Nobody waits for any of it.

What is found is told by names and hashes, never by a value. A difference counts only if the primary, asked again,
still answers as it did: otherwise somebody has written meanwhile.
"""

import asyncio
import contextvars
import logging
import random
import secrets
from collections import deque
from collections.abc import Callable

import attrs

from homeport.kernel.capabilities import Capability
from homeport.kernel.units import Isolation, UnitOptions
from homeport.ports.store import Session
from homeport.rollout.compare import Difference, Kind, Read, size_of
from homeport.rollout.shapes import digest

_LOG = logging.getLogger("homeport")
_READ_ONLY = UnitOptions(isolation=Isolation.REPEATABLE_READ, read_only=True)
_SHOWN = 10
"""Differences told of one answer."""
_SORTS = 1000


@attrs.frozen(kw_only=True)
class Mismatch:
    """One way in which the candidate's answer to one read differs.

    Attributes:
        adapter: the candidate.
        shape: a hash of what was asked, the same for all callers who ask alike.
        key: a hash of the row's key; empty where no row is meant.
        fields: names of the fields that differ, or the class of the candidate's error.
    """

    domain: str
    statement: str
    adapter: str
    shape: str
    kind: Kind
    key: str
    fields: tuple[str, ...]


@attrs.define
class Tally:
    """What became of the reads.

    Attributes:
        offered: reads that were sampled.
        dropped: of those, turned away at a full queue.
        passed: of those, not comparable: a part of an unordered set, or too many rows.
        equal, mismatches, races: compared, by how it came out.
        late: not compared within the deadline.
        failed: the candidate raised; it is told as a mismatch too.
        broken: the primary raised when it was asked again, or the comparison itself did.
    """

    offered: int = 0
    dropped: int = 0
    passed: int = 0
    equal: int = 0
    mismatches: int = 0
    races: int = 0
    late: int = 0
    failed: int = 0
    broken: int = 0

    def since(self, earlier: "Tally") -> "Tally":
        return Tally(*(now - then for now, then in zip(attrs.astuple(self), attrs.astuple(earlier), strict=True)))


@attrs.frozen(eq=False)
class _Job:
    read: Read
    answer: object
    primary: Session
    candidate: Session


@attrs.define(eq=False)
class Shadow:
    """One domain's shadow reads, and what came of them: `totals` since the start, the last mismatches in `recent`.

    Attributes:
        itself: the primary is compared with itself: what is found then is noise, to be known before a candidate is
            blamed for it.
        workers: so many reads at most are under way.
        waiting: so many more wait; what comes then is dropped.
        most_rows: answers that have more are passed over.
        deadline: of one comparison, in seconds.
        told: is called for each mismatch; the log has each kind of them once.
        key: keeps the hashes of rows from being tried out. Where processes share it, their hashes agree.
    """

    domain: str
    itself: bool = attrs.field(default=False, kw_only=True)
    workers: int = attrs.field(default=1, kw_only=True)
    waiting: int = attrs.field(default=100, kw_only=True)
    most_rows: int = attrs.field(default=1000, kw_only=True)
    deadline: float = attrs.field(default=5.0, kw_only=True)
    told: Callable[[Mismatch], None] | None = attrs.field(default=None, kw_only=True)
    key: bytes = attrs.field(factory=lambda: secrets.token_bytes(32), kw_only=True, repr=False)
    rng: random.Random = attrs.field(factory=random.Random, kw_only=True, repr=False)
    totals: Tally = attrs.field(factory=Tally, init=False)
    recent: deque[Mismatch] = attrs.field(factory=lambda: deque(maxlen=100), init=False, repr=False)
    _queue: asyncio.Queue[_Job] = attrs.field(factory=asyncio.Queue, init=False, repr=False)
    _tasks: list[asyncio.Task[None]] = attrs.field(factory=list, init=False, repr=False)
    _loop: asyncio.AbstractEventLoop | None = attrs.field(default=None, init=False, repr=False)
    _closed: bool = attrs.field(default=False, init=False)
    _drained: Tally = attrs.field(factory=Tally, init=False, repr=False)
    _logged: set[tuple[str, Kind, tuple[str, ...]]] = attrs.field(factory=set, init=False, repr=False)

    def offer(self, read: Read, answer: object, primary: Session, candidate: Session, sample: float = 1.0) -> None:
        """Have the read compared some time, if the sample takes it. It never waits, and it never raises."""
        if self._closed or (sample < 1 and self.rng.random() >= sample):
            return
        self.totals.offered += 1
        if size_of(answer) > self.most_rows or not read.comparable:
            self.totals.passed += 1
            return
        self._start()
        try:
            self._queue.put_nowait(_Job(read, answer, primary, primary if self.itself else candidate))
        except asyncio.QueueFull:
            self.totals.dropped += 1

    def drain(self) -> Tally:
        """What was counted since the last time."""
        now = attrs.evolve(self.totals)
        since, self._drained = now.since(self._drained), now
        return since

    async def settled(self) -> None:
        """Wait until all that was offered is compared: for tests."""
        await self._queue.join()

    async def close(self) -> None:
        """Drops what waits and ends what is under way, within the deadline. Offers are passed over from now on."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self.deadline)
        self._tasks.clear()

    def _start(self) -> None:
        """The workers, in the loop that runs: they have nothing of the context of the call that was first."""
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        self._loop = loop
        self._queue = asyncio.Queue(self.waiting)
        self._tasks = [
            loop.create_task(self._work(self._queue), context=contextvars.Context()) for _ in range(self.workers)
        ]

    async def _work(self, queue: asyncio.Queue[_Job]) -> None:
        while True:
            job = await queue.get()
            try:
                async with asyncio.timeout(self.deadline):
                    await self._compare(job)
            except TimeoutError:
                self.totals.late += 1
            except asyncio.CancelledError:
                if _cancelled():
                    raise
                self.totals.broken += 1  # one that a session made up
            except Exception as error:  # noqa: BLE001 - one broken comparison is not the end of all others
                self.totals.broken += 1
                _LOG.warning("shadow read of %s broke off: %s", job.read.statement, type(error).__name__)
            finally:
                queue.task_done()

    async def _compare(self, job: _Job) -> None:
        try:
            answer = await _asked(job.read, job.candidate)
        except Exception as error:  # noqa: BLE001 - whatever it raises, the primary did not
            self.totals.failed += 1
            self._record(job, [Difference(Kind.ERROR, fields=(type(error).__name__,))])
            return
        found = await job.read.differences(job.answer, answer, self._hashed)
        if not found:
            self.totals.equal += 1
        elif await job.read.differences(job.answer, await _asked(job.read, job.primary), self._hashed):
            self.totals.races += 1
        else:
            self.totals.mismatches += 1
            self._record(job, found)

    def _record(self, job: _Job, found: list[Difference]) -> None:
        shape = digest(job.read.shape())
        for each in found[:_SHOWN]:
            mismatch = Mismatch(
                domain=self.domain,
                statement=job.read.statement,
                adapter=job.candidate.adapter,
                shape=shape,
                kind=each.kind,
                key=each.key,
                fields=each.fields,
            )
            self._tell(mismatch)

    def _tell(self, mismatch: Mismatch) -> None:
        self.recent.append(mismatch)
        sort = (mismatch.statement, mismatch.kind, mismatch.fields)
        if sort not in self._logged and len(self._logged) < _SORTS:
            self._logged.add(sort)
            _LOG.warning("shadow reads differ, told once: %s", mismatch)
        if self.told is not None:
            self.told(mismatch)

    def _hashed(self, key: str) -> str:
        return digest(key, self.key)


async def _asked(read: Read, session: Session) -> object:
    """In a transaction that can't write, where the adapter has one: what only claims to read is refused there."""
    if Capability.TRANSACTIONS not in session.capabilities:
        return await read.ask(session)
    async with session.transaction(_READ_ONLY) as unit:
        return await read.ask(unit)


def _cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
