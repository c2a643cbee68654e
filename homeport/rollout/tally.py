"""One process's counts by minute and stage, written over and over until the minute is done; and sums of many rows."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Mapping

import attrs

from homeport.ports.rollout import CountRow, RolloutTables
from homeport.rollout.counts import ArmCounts, CallCounts, Counts
from homeport.rollout.live import Flags
from homeport.rollout.shadow import Shadow, Tally

MOST_ROWS = 5000
"""How many rows wait for a table that can't be written; then the oldest are given up."""

_Key = tuple[dt.datetime, str, str, str]


def whole_minute(moment: dt.datetime) -> dt.datetime:
    return moment.replace(second=0, microsecond=0)


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def plus(one: CountRow, other: CountRow) -> CountRow:
    """The first one's names with the numbers of both."""
    return attrs.evolve(
        one,
        calls=one.calls + other.calls,
        errors=one.errors + other.errors,
        own_errors=one.own_errors + other.own_errors,
        times=_sum(one.times, other.times),
        outcomes=one.outcomes + other.outcomes,
        faults=one.faults + other.faults,
        refusals=one.refusals + other.refusals,
        drawn_times=_sum(one.drawn_times, other.drawn_times),
        faulty=_sum(one.faulty, other.faulty),
        compared=one.compared + other.compared,
        mismatches=one.mismatches + other.mismatches,
        races=one.races + other.races,
        dropped=one.dropped + other.dropped,
    )


def total(rows: Iterable[CountRow]) -> CountRow | None:
    """The sum of the rows, under the first one's names; None for no rows."""
    found: CountRow | None = None
    for row in rows:
        found = row if found is None else plus(found, row)
    return found


class Writer:
    """Takes what was counted since the last time, and writes whole rows of the running minute.

    A row that was written twice counts once. What can't be written waits, up to a bound.
    """

    def __init__(
        self,
        table: RolloutTables,
        flags: Flags,
        counts: Counts,
        shadows: Mapping[str, Shadow],
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self.process = uuid.uuid4()
        self.given_up = 0
        self._table = table
        self._flags = flags
        self._counts = counts
        self._shadows = shadows
        self._clock = clock
        self._rows: dict[_Key, CountRow] = {}
        self._unwritten: set[_Key] = set()

    def collect(self) -> None:
        """Under the stages as they are now."""
        drained = self._counts.drain()
        for each in drained.calls:
            self._add(_of_calls(self._empty(each.domain, each.adapter), each))
        for arm in drained.arms:
            self._add(_of_arm(self._empty(arm.domain, arm.adapter), arm))
        for domain, shadow in self._shadows.items():
            found = shadow.drain()
            if found != Tally():
                self._add(_of_shadow(self._empty(domain, self._flags.of(domain).candidate), found))

    async def write(self) -> None:
        """Raises what the table raises; then the next call writes the same again, and what came since."""
        keys = set(self._unwritten)
        await self._table.write_counts(self.process, [self._rows[key] for key in sorted(keys)])
        self._unwritten -= keys
        this_minute = whole_minute(self._clock())
        for key in [each for each in self._rows if each[0] < this_minute and each not in self._unwritten]:
            del self._rows[key]

    def _empty(self, domain: str, adapter: str) -> CountRow:
        current = self._flags.current().get(domain)
        stage = "" if current is None else current.stage
        return CountRow(minute=whole_minute(self._clock()), domain=domain, adapter=adapter, stage=stage)

    def _add(self, row: CountRow) -> None:
        key = (row.minute, row.domain, row.adapter, row.stage)
        self._rows[key] = plus(self._rows[key], row) if key in self._rows else row
        self._unwritten.add(key)
        while len(self._rows) > MOST_ROWS:
            oldest = min(self._rows)
            del self._rows[oldest]
            self._unwritten.discard(oldest)
            self.given_up += 1


def _of_calls(row: CountRow, counts: CallCounts) -> CountRow:
    own = sum(counts.errors.values()) - counts.faults
    return attrs.evolve(row, calls=counts.calls, errors=counts.faults, own_errors=own, times=dict(counts.buckets))


def _of_arm(row: CountRow, arm: ArmCounts) -> CountRow:
    return attrs.evolve(
        row,
        outcomes=arm.outcomes,
        faults=arm.faults,
        refusals=arm.refusals,
        drawn_times=dict(arm.buckets),
        faulty=dict(arm.faulty),
    )


def _of_shadow(row: CountRow, found: Tally) -> CountRow:
    """A candidate that raised has differed."""
    differing = found.mismatches + found.failed
    compared = found.equal + found.races + differing
    return attrs.evolve(row, compared=compared, mismatches=differing, races=found.races, dropped=found.dropped)


def _sum(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    found = dict(one)
    for bucket, count in other.items():
        found[bucket] = found.get(bucket, 0) + count
    return found
