"""What a unit of work may be asked for: how isolated it is, and how its row locks wait."""

import enum

import attrs


class Isolation(enum.Enum):
    """PostgreSQL's levels; READ UNCOMMITTED is the first of them there."""

    READ_COMMITTED = "READ COMMITTED"
    REPEATABLE_READ = "REPEATABLE READ"
    SERIALIZABLE = "SERIALIZABLE"


class Wait(enum.Enum):
    """What a lock does where somebody else holds it."""

    WAIT = "wait"
    """Until it is free. Raises LockTimeout after the deployment's lock timeout, Deadlock in a circle."""
    NOWAIT = "nowait"
    """Raises LockTimeout at once."""
    SKIP_LOCKED = "skip_locked"
    """Leaves out what is locked."""


@attrs.frozen(kw_only=True)
class UnitOptions:
    """How a unit runs. One that is read only refuses writes; its reads are of one moment from REPEATABLE READ on."""

    isolation: Isolation = Isolation.READ_COMMITTED
    read_only: bool = False


DEFAULT_UNIT = UnitOptions()
