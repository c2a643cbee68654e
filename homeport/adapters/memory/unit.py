"""One unit of work: its write set, its locks, and what was committed since its snapshot. Makes no step of its own."""

from typing import Any

import attrs

from homeport.adapters.memory.engine import Engine
from homeport.adapters.memory.locks import Mode, Name
from homeport.adapters.memory.parties import Party
from homeport.adapters.memory.past import Change, Changes, Place
from homeport.adapters.memory.serial import Serial
from homeport.adapters.memory.undo import Undo, put
from homeport.kernel.errors import QueryError
from homeport.kernel.units import UnitOptions


@attrs.frozen(eq=False)
class Savepoint:
    """How far a unit was. Its place in the journal is good during one visit."""

    writes: int
    locks: int
    visit: int | None
    position: int


class Unit(Party):
    """Who makes steps that are committed together, and keeps the locks of all of them until then."""

    keeps = True

    def __init__(self, engine: Engine, options: UnitOptions) -> None:
        super().__init__(engine.locks)
        self.options = options
        self.now = engine.now()
        self.open = True
        self.started = False
        """Whether the snapshot is taken: at the first step, as in PostgreSQL."""
        self.serial: Serial | None = None
        self.writes: dict[Place, Change] = {}
        self.undo: Undo = []
        self.visit = 0

    def writing(self) -> None:
        if self.options.read_only:
            raise QueryError("a unit that is read only can't write", code="25006")

    def want(self, name: Name, mode: Mode) -> None:
        self.locks.take(self, name, mode)

    def rows(self) -> dict[Place, Any]:
        """What it sees in the place of what is committed; ABSENT for no row."""
        return {**self.past.view(), **self.final()}

    def final(self) -> dict[Place, Any]:
        """The rows as it leaves them."""
        return {place: change.after for place, change in self.writes.items()}

    def wrote(self, changes: Changes) -> None:
        """A step has written."""
        for place, change in changes.items():
            known = self.writes.get(place)
            put(self.undo, self.writes, place, change if known is None else Change(known.before, change.after))
