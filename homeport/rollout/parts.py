"""One stage's rows summed up: all of it, and later parts of it, in each of which a subject's faults are told apart.

Rows are added in any order, each once. Knows no table and no clock.
"""

import datetime as dt
from collections import Counter

import attrs

from homeport.ports.rollout import CountRow
from homeport.rollout.statistics import Arm, Sums

_FIRST = dt.timedelta(hours=1)


@attrs.define(eq=False)
class _Side:
    """One adapter's rows. `named` are the faults whose subject is known, `subjects` are those, by their hashes."""

    outcomes: int = 0
    faults: int = 0
    refusals: int = 0
    named: int = 0
    subjects: set[int] = attrs.field(factory=set)
    buckets: Counter[int] = attrs.field(factory=Counter)

    def add(self, row: CountRow) -> None:
        self.outcomes += row.outcomes
        self.faults += row.faults
        self.refusals += row.refusals
        self.named += sum(row.faulty.values())
        self.subjects.update(row.faulty)
        self.buckets.update(row.drawn_times)


@attrs.define(eq=False)
class Part:
    """Both arms of a stage from a minute on."""

    begin: dt.datetime
    primary: str
    candidate: str
    control: _Side = attrs.field(factory=_Side, init=False)
    canary: _Side = attrs.field(factory=_Side, init=False)

    def add(self, row: CountRow) -> None:
        """Counts the row if it is of this part, and of one of the two adapters."""
        if row.minute < self.begin:
            return
        if row.adapter == self.candidate:
            self.canary.add(row)
        elif row.adapter == self.primary:
            self.control.add(row)

    def fresh(self) -> "Part":
        """The same part, with nothing added."""
        return Part(self.begin, self.primary, self.candidate)

    def with_(self, other: "Part") -> Sums:
        """Both parts' rows together."""
        return Sums(control=_arm(self.control, other.control), canary=_arm(self.canary, other.canary))


def begins(since: dt.datetime, until: dt.datetime) -> list[dt.datetime]:
    """When the parts of a stage begin: with it, after an hour, and from then on whenever it has become twice as old."""
    found, age = [since], _FIRST
    while since + age <= until:
        found.append(since + age)
        age *= 2
    return found


def _arm(one: _Side, other: _Side) -> Arm:
    subjects = len(one.subjects) + len(other.subjects - one.subjects)
    return Arm(
        one.outcomes + other.outcomes,
        one.faults + other.faults,
        one.refusals + other.refusals,
        one.buckets + other.buckets,
        repeats=one.named + other.named - subjects,
    )
