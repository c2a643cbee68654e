"""The lock table: who holds what, who waits for it, and who would wait for ever. Knows neither rows nor units.

Calls take locks in one synchronous step: they have them all, or one is `Busy`, and they wait for that one with nothing
of the step in hand and start it again.
"""

import asyncio
import bisect
import enum
import itertools
from collections.abc import Iterator
from operator import attrgetter
from typing import TypeAlias

import attrs

from homeport.kernel.errors import Deadlock, LockTimeout, PoolClosed


class Mode(enum.IntEnum):
    """PostgreSQL's row locks, each with all that the weaker ones exclude."""

    KEY_SHARE = 1
    """The row is referred to: it may change, but for its keys."""
    NO_KEY_UPDATE = 2
    """The row is changed; it may still be referred to."""
    UPDATE = 3
    """The row is removed, its key changed, or it is locked for update."""


_EXCLUDED = {
    Mode.KEY_SHARE: frozenset((Mode.UPDATE,)),
    Mode.NO_KEY_UPDATE: frozenset((Mode.NO_KEY_UPDATE, Mode.UPDATE)),
    Mode.UPDATE: frozenset(Mode),
}

Name: TypeAlias = tuple[object, object]
"""What is locked: a heap and a key, an index and a value, or the word for advisory locks and a name."""


class Busy(Exception):
    """Somebody else holds a lock that the step needs. No error: whoever meets it waits, and tries again."""

    def __init__(self, name: Name, mode: Mode) -> None:
        super().__init__()
        self.name = name
        self.mode = mode


class Holder:
    """Whoever takes locks or waits for one, at most one at a time."""

    def __init__(self) -> None:
        self.held: list[tuple[Name, Mode | None]] = []
        """In the order in which they were taken, with the mode in which each was held before."""
        self.waiting: Busy | None = None
        self.ticket: int | None = None
        """When its call came, if it has had to wait."""

    def came_before(self, other: "Holder") -> bool:
        """Of two who wait, or one who waits and one who has just come."""
        return other.ticket is None or (self.ticket is not None and self.ticket < other.ticket)


@attrs.define(eq=False)
class Waiter:
    """A place in the queue of one lock. Once called it keeps others out until it leaves."""

    holder: Holder
    wanted: Busy
    ticket: int
    future: asyncio.Future[None]

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


@attrs.define(eq=False)
class Queue:
    """Who waits for one lock, and who was called and has not tried yet. In the order in which they came."""

    waiting: list[Waiter] = attrs.field(factory=list)
    called: list[Waiter] = attrs.field(factory=list)


class Locks:
    """Held locks and their queues. Waiters are called in the order in which they came, as far as modes allow.

    A call that has to wait again keeps its ticket, and those who came later make way for it: else calls that need the
    same two locks could go on handing them to each other.
    """

    def __init__(self) -> None:
        self._tickets = itertools.count()
        self._held: dict[Name, dict[Holder, Mode]] = {}
        self._queues: dict[Name, Queue] = {}

    def take(self, holder: Holder, name: Name, mode: Mode) -> None:
        """Hold it, until released. Raises Busy."""
        there = self._held.get(name)
        if there is None and not self._queues:
            self._held[name] = {holder: mode}
            holder.held.append((name, None))
            return
        mine = None if there is None else there.get(holder)
        if mine is not None and mine >= mode:
            return
        if self.blockers(holder, name, mode):
            raise Busy(name, mode)
        self._held.setdefault(name, {})[holder] = mode
        holder.held.append((name, mine))

    def blockers(self, holder: Holder, name: Name, mode: Mode) -> list[Holder]:
        """Who else holds it, or came first and has been called to, in a mode that excludes this one."""
        excluded, found = _EXCLUDED[mode], []
        there = self._held.get(name)
        if there is not None:
            found += [each for each, held in there.items() if held in excluded and each is not holder]
        queue = self._queues.get(name)
        if queue is not None:
            called = [each.holder for each in queue.called if each.wanted.mode in excluded]
            found += [each for each in called if each is not holder and each.came_before(holder)]
        return found

    def release(self, holder: Holder, since: int = 0) -> None:
        """Give back what was taken since it held so many, the latest first, and call who waits for it."""
        while len(holder.held) > since:
            name, before = holder.held.pop()
            there = self._held[name]
            if before is not None:
                there[holder] = before
            else:
                del there[holder]
                if not there:
                    del self._held[name]
            if name in self._queues:
                self._call(name)

    async def wait(self, holder: Holder, wanted: Busy, seconds: float) -> Waiter:
        """Wait until it seems free. Whoever was called tries, and leaves the queue after that.

        Raises:
            Deadlock: somebody it waits for waits for it.
            LockTimeout: it took too long.
        """
        if self._circular(holder, wanted):
            raise Deadlock("two units wait for each other's locks: this one gave in", code="40P01")
        loop = asyncio.get_running_loop()
        ticket = holder.ticket = next(self._tickets) if holder.ticket is None else holder.ticket
        waiter = Waiter(holder, wanted, ticket, loop.create_future())
        bisect.insort(self._queues.setdefault(wanted.name, Queue()).waiting, waiter, key=attrgetter("ticket"))
        holder.waiting = wanted
        late = LockTimeout(f"a lock was not free within {seconds:g} s", code="55P03")
        timer = loop.call_later(seconds, waiter.fail, late)
        try:
            await waiter.future
        except BaseException:
            self.leave(waiter)
            raise
        finally:
            timer.cancel()
            holder.waiting = None
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Give up the place in the queue, having tried or not."""
        queue = self._queues[waiter.wanted.name]
        (queue.called if waiter in queue.called else queue.waiting).remove(waiter)
        self._call(waiter.wanted.name)

    def fail_all(self) -> None:
        """Send everybody home: the store is closed."""
        for queue in self._queues.values():
            for each in (*queue.called, *queue.waiting):
                each.fail(PoolClosed("the memory store was closed while a call waited for a lock"))

    def left(self) -> Iterator[str]:
        """What is held or waited for, as sentences."""
        if self._held:
            yield f"{len(self._held)} locks are held"
        if self._queues:
            yield f"{len(self._queues)} locks are waited for"

    def _call(self, name: Name) -> None:
        """Call all who could have it now. A mode that one of them can't have, those behind can't have either."""
        queue, there = self._queues[name], self._held.get(name, {})
        least: Mode | None = None
        for each in tuple(queue.waiting):
            mode = each.wanted.mode
            if least is not None and mode >= least and each.holder not in there:
                continue
            if self.blockers(each.holder, name, mode):
                least = mode if least is None else min(least, mode)
                continue
            queue.waiting.remove(each)
            queue.called.append(each)
            if not each.future.done():
                each.future.set_result(None)
        if not queue.waiting and not queue.called:
            del self._queues[name]

    def _circular(self, holder: Holder, wanted: Busy) -> bool:
        """Whether following who waits for whom leads back to the holder.

        Nobody waits for those who merely wait too, so the queues' order makes no circle.
        """
        seen: set[Holder] = set()
        ahead = self.blockers(holder, wanted.name, wanted.mode)
        while ahead:
            each = ahead.pop()
            if each is holder:
                return True
            if each.waiting is not None and each not in seen:
                seen.add(each)
                ahead += self.blockers(each, each.waiting.name, each.waiting.mode)
        return False
