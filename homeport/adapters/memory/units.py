"""How units of work, and the calls outside them, take turns over one engine.

The engine shows one state at a time. A unit's rows are laid over what is committed when it makes a step, and stay there
until somebody else makes one, so a unit alone pays for nothing. A step that meets a lock is undone, waits with nothing
in hand, and is made again; at READ COMMITTED it then sees what was committed meanwhile.
"""

from collections.abc import Callable
from typing import TypeVar, assert_never

from homeport.adapters.memory.engine import Engine
from homeport.adapters.memory.locks import Busy, Waiter
from homeport.adapters.memory.parties import Party
from homeport.adapters.memory.past import Change, Changes
from homeport.adapters.memory.serial import Conflicts, Notes, Serial
from homeport.adapters.memory.undo import ABSENT, rewind
from homeport.adapters.memory.unit import Savepoint, Unit
from homeport.kernel.errors import (
    PoolClosed,
    QueryError,
    RepositoryError,
    SerializationConflict,
    UniqueViolation,
)
from homeport.kernel.units import Isolation, UnitOptions

T = TypeVar("T")


class Units:
    """All units of one engine, and the calls outside them while there are any."""

    def __init__(self, engine: Engine, lock_timeout: float) -> None:
        self._engine = engine
        self._journal = engine.journal
        self._locks = engine.locks
        self._lock_timeout = lock_timeout
        self._open: dict[Unit, None] = {}
        self._snapshots: dict[Unit, None] = {}
        self._conflicts = Conflicts()
        self._closed = False
        self.quiet = True
        """Whether calls may go straight to the engine: no unit is open, and the store is not closed."""

    # -- steps

    async def outside(self, call: Callable[[], T]) -> T:
        """A call that is no unit's: what it writes is committed at once. It may wait for units.

        Raises:
            LockTimeout: a unit did not end in time; the very task that waits may be its own.
        """
        party = Party(self._locks)
        return await self._stepped(party, lambda: self._committed_step(party, call))

    async def step(self, unit: Unit, call: Callable[[], T]) -> T:
        """A call of a unit.

        Raises:
            SerializationConflict: a row that it writes was changed since its snapshot, or no serial order is left.
            Deadlock: a unit that it waits for waits for it.
            LockTimeout: a unit did not end in time.
        """
        return await self._stepped(unit, lambda: self._unit_step(unit, call))

    async def _stepped(self, party: Party, attempt: Callable[[], T]) -> T:
        party.ticket = None
        waiter: Waiter | None = None
        while True:
            try:
                return attempt()
            except Busy as busy:
                wanted = busy
            finally:
                if waiter is not None:
                    self._locks.leave(waiter)
            waiter = await self._locks.wait(party, wanted, self._lock_timeout)

    def _committed_step(self, party: Party, call: Callable[[], T]) -> T:
        self.require_open()
        self._journal.lift()
        position = self._journal.position
        answer = self._attempt(party, call)
        self._publish(self._journal.written(position), party)
        self._journal.keep()
        return answer

    def _unit_step(self, unit: Unit, call: Callable[[], T]) -> T:
        self._turn(unit)
        position = self._journal.position
        try:
            answer = self._attempt(unit, call)
        except RepositoryError as error:
            self._failed(unit, error)
            raise
        changes = self._journal.written(position)
        unit.wrote(changes)
        if unit.serial is not None and unit.notes is not None:
            self._conflicts.read(unit.serial, unit.notes)
            self._conflicts.wrote(unit.serial, changes)
            _require_order(unit.serial)
        return answer

    def _turn(self, unit: Unit) -> None:
        """The unit's view is shown. The first step takes the snapshot."""
        if not unit.open:
            raise self.over()
        if not unit.started:
            self._start(unit)
        if unit.serial is not None:
            _require_order(unit.serial)
            unit.notes = Notes()
        if self._journal.guest is not unit:
            self._journal.lay(unit, unit.rows())
            unit.visit += 1

    def _start(self, unit: Unit) -> None:
        unit.started = True
        match unit.options.isolation:
            case Isolation.READ_COMMITTED:
                pass
            case Isolation.REPEATABLE_READ:
                self._snapshots[unit] = None
            case Isolation.SERIALIZABLE:
                self._snapshots[unit] = None
                unit.serial = self._conflicts.begin(read_only=unit.options.read_only)
            case _:
                assert_never(unit.options.isolation)

    def _attempt(self, party: Party, call: Callable[[], T]) -> T:
        """The call over what is shown. One that fails leaves neither rows nor locks."""
        held = len(party.held)
        self._engine.party, self._engine.notes = party, party.notes
        try:
            with self._journal.atomic():
                return call()
        except BaseException:
            self._locks.release(party, held)
            raise
        finally:
            self._engine.party = self._engine.notes = None

    def _failed(self, unit: Unit, error: RepositoryError) -> None:
        """What was read counts all the same. Two units that both saw room for a value are told to try again."""
        if unit.serial is None or unit.notes is None:
            return
        self._conflicts.read(unit.serial, unit.notes)
        if isinstance(error, UniqueViolation) and unit.proposed is not None:
            heap, row = unit.proposed
            self._conflicts.meant(unit.serial, {(heap, heap.key(row)): Change(ABSENT, row)})
            _require_order(unit.serial)

    def _publish(self, changes: Changes, by: Party) -> None:
        """These changes are committed: snapshots remember what was there."""
        for each in self._snapshots:
            if each is not by:
                each.past.note(changes)

    # -- units

    def begin(self, options: UnitOptions) -> Unit:
        """Raises PoolClosed."""
        self.require_open()
        unit = Unit(self._engine, options)
        self._open[unit] = None
        self._journal.units = len(self._open)
        self.quiet = False
        return unit

    def commit(self, unit: Unit) -> None:
        """All or nothing, at once. However it goes, the unit has ended. Raises SerializationConflict."""
        if not unit.open:
            raise self.over()
        try:
            if unit.serial is not None:
                _require_order(unit.serial)
            changes = {place: each for place, each in unit.writes.items() if each.before is not each.after}
            if changes:
                if self._journal.guest is not unit or unit.past.rows:
                    self._journal.lay(unit, unit.final())
                self._journal.keep()
                self._publish(changes, unit)
            if unit.serial is not None:
                self._conflicts.commit(unit.serial)
                unit.serial = None
        finally:
            self.rollback(unit)

    def rollback(self, unit: Unit) -> None:
        """Give back locks and, unless it was committed, rows. Nothing for a unit that has ended."""
        if not unit.open:
            return
        unit.open = False
        if self._journal.guest is unit:
            self._journal.lift()
        if unit.serial is not None:
            self._conflicts.drop(unit.serial)
        self._snapshots.pop(unit, None)
        del self._open[unit]
        self._journal.units = len(self._open)
        self.quiet = not self._open and not self._closed
        self._locks.release(unit)

    def savepoint(self, unit: Unit) -> Savepoint:
        """How far the unit is. Raises QueryError for one that has ended."""
        if not unit.open:
            raise self.over()
        visit = unit.visit if self._journal.guest is unit else None
        return Savepoint(len(unit.undo), len(unit.held), visit, self._journal.position)

    def back(self, unit: Unit, point: Savepoint) -> None:
        """Give back what was written and locked since. Nothing for a unit that has ended."""
        if not unit.open:
            return
        rewind(unit.undo, point.writes)
        if self._journal.guest is unit:
            if point.visit == unit.visit:
                self._journal.back_to(point.position)
            else:
                self._journal.lift()
        self._locks.release(unit, point.locks)

    def close(self) -> None:
        """Roll back what is open, and send home who waits. Later calls raise PoolClosed."""
        self._closed, self.quiet = True, False
        for each in tuple(self._open):
            self.rollback(each)
        self._locks.fail_all()

    def require_open(self) -> None:
        """Raises PoolClosed."""
        if self._closed:
            raise self.over()

    def over(self) -> RepositoryError:
        """Why nothing can be asked any more."""
        return PoolClosed("the memory store is closed") if self._closed else QueryError("the unit has ended")


def _require_order(serial: Serial) -> None:
    if serial.doomed:
        message = "the unit read what others wrote at the same time, and they what it wrote: no order of them is left"
        raise SerializationConflict(message, code="40001")
