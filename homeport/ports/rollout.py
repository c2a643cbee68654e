"""Specifies the tables of a rollout: flags, where each canary stands, what all processes counted, what was decided."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import attrs

NO_NUMBERS: Mapping[int, int] = {}
NO_FACTS: Mapping[str, object] = {}


@attrs.frozen(kw_only=True)
class FlagRow:
    """What the table says of a domain.

    Attributes:
        held: whether the domain was rolled back, and nobody has cleared it.
        revision: another one after each change, never the same again.
    """

    domain: str
    flag: str
    held: bool
    revision: int
    changed_at: dt.datetime
    changed_by: str


@attrs.frozen(kw_only=True)
class StageRow:
    """Where a domain's canary stands, and what was judged of it last.

    Attributes:
        plan: the plan as JSON values; None for a canary that follows none.
        stage: which counts are this stage's.
        since: when it began, by the database's clock.
        facts: the figures of the last judgement.
    """

    domain: str
    plan: Mapping[str, object] | None
    stage: str
    since: dt.datetime
    state: str
    facts: Mapping[str, object] = NO_FACTS
    judged_at: dt.datetime


@attrs.frozen(kw_only=True)
class CountRow:
    """One process's counts of a minute; and the sum of several.

    Attributes:
        errors, own_errors: those that count against the adapter, and the callers' own.
        times: calls by the bucket of their time.
        outcomes, faults, refusals, drawn_times: of the drawn calls alone, by which a canary is judged.
        faulty: whose faults these are, as far as they are anybody's: how many by a hash of the subject, the same in
            every process.
        compared, mismatches, races, dropped: of shadow reads.
    """

    minute: dt.datetime
    domain: str
    adapter: str
    stage: str
    calls: int = 0
    errors: int = 0
    own_errors: int = 0
    times: Mapping[int, int] = NO_NUMBERS
    outcomes: int = 0
    faults: int = 0
    refusals: int = 0
    drawn_times: Mapping[int, int] = NO_NUMBERS
    faulty: Mapping[int, int] = NO_NUMBERS
    compared: int = 0
    mismatches: int = 0
    races: int = 0
    dropped: int = 0


@attrs.frozen(kw_only=True)
class EventRow:
    """One decision: what was done to a domain, by whom, and on which figures."""

    at: dt.datetime
    domain: str
    kind: str
    said: str
    by: str
    facts: Mapping[str, object] = NO_FACTS


class Decision(Protocol):
    """One transaction of the only one who decides at this moment: all of it is done, or nothing."""

    @property
    def now(self) -> dt.datetime:
        """The database's time when the transaction began."""

    async def flags(self) -> list[FlagRow]:
        """In order of domain."""

    async def stages(self) -> list[StageRow]:
        """In order of domain."""

    async def counts(self, since: dt.datetime, domain: str | None = None) -> list[CountRow]:
        """As the tables'."""

    async def weight(self, domain: str, stage: str, since: dt.datetime, before: dt.datetime) -> int:
        """Calls, outcomes, faults and refusals of these minutes, all added up: another once a row comes or grows."""

    async def set_flag(self, domain: str, flag: str, *, held: bool = False, by: str) -> FlagRow:
        """The row as it is then, with a new revision; every process hears of it when the decision is done."""

    async def clear_flag(self, domain: str) -> bool:
        """Whether there was one."""

    async def save_stage(self, stage: StageRow) -> None:
        """Writes all but `judged_at`, which is now."""

    async def drop_stage(self, domain: str) -> None:
        """No stage is no error."""

    async def record(self, domain: str, kind: str, said: str, *, by: str, facts: Mapping[str, object]) -> None:
        """One more event, at the database's time."""


class RolloutTables(Protocol):
    """The shared tables. Every call is bounded in time, and raises only errors of `homeport.kernel.errors`."""

    async def flags(self) -> list[FlagRow]:
        """In order of domain."""

    async def changed(self) -> None:
        """Returns once a flag may have changed, or the connection was lost; maybe never: ask now and then too."""

    def deciding(self, *, wait: bool) -> AbstractAsyncContextManager[Decision | None]:
        """One decision. None if somebody else is deciding and `wait` is False. Raises LockTimeout after a while."""

    async def write_counts(self, process: uuid.UUID, rows: Iterable[CountRow]) -> None:
        """Writes a process's own rows over those of the same minute, domain, adapter and stage."""

    async def counts(self, since: dt.datetime, domain: str | None = None) -> list[CountRow]:
        """From that minute on, in order of minute; processes are not told apart."""

    async def stages(self) -> list[StageRow]:
        """In order of domain."""

    async def events(self, domain: str | None = None, *, since: dt.datetime | None = None) -> list[EventRow]:
        """The last thousand, in order of time."""

    async def forget(self, before: dt.datetime) -> None:
        """Counts before that minute go, and old marks. Events stay."""

    async def mark(self) -> uuid.UUID:
        """A new mark in this database."""

    async def close(self) -> None:
        """Later calls raise PoolClosed."""
