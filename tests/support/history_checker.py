"""List-append histories: transactions that read lists and append to them, and the circles in what they saw.

Every value is appended once, so a list that was read tells whose writes had been seen by then. In a serializable
history no transaction comes before itself. Knows no adapter: what was done is told to it.
"""

import itertools
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

Key = Hashable


@attrs.define
class Transaction:
    """A committed one: the lists that it read as it saw them, and what it appended to which."""

    reads: list[tuple[Key, tuple[int, ...]]] = attrs.field(factory=list)
    appends: list[tuple[Key, int]] = attrs.field(factory=list)


def faults(history: Sequence[Transaction], final: Mapping[Any, Sequence[int]]) -> list[str]:
    """What no database may do at any level from READ COMMITTED on; `final` holds the lists at the end."""
    appended = {value: key for each in history for key, value in each.appends}
    kept = {value: key for key, values in final.items() for value in values}
    found = [f"{value} was lost" for value in appended.keys() - kept.keys()]
    found += [f"{value} is there and was never committed" for value in kept.keys() - appended.keys()]
    for key, seen in ((key, seen) for each in history for key, seen in each.reads):
        if tuple(final.get(key, ()))[: len(seen)] != seen:
            found.append(f"{seen} was read in {key}, which was never so")
    return found


def circles(history: Sequence[Transaction], final: Mapping[Any, Sequence[int]]) -> list[list[int]]:
    """The groups of transactions, by their places, that come before themselves: each proves an anomaly."""
    after: dict[int, set[int]] = defaultdict(set)
    for one, other in _order(history, final):
        if one != other:
            after[one].add(other)
    return [group for group in _components(range(len(history)), after) if len(group) > 1]


def _order(history: Sequence[Transaction], final: Mapping[Any, Sequence[int]]) -> Iterator[tuple[int, int]]:
    """Who comes before whom: writers in the order of their values, each before its readers, readers before the next."""
    writer = {value: place for place, each in enumerate(history) for _, value in each.appends}
    for values in final.values():
        yield from itertools.pairwise(writer[value] for value in values)
    for place, each in enumerate(history):
        for key, seen in each.reads:
            if seen:
                yield writer[seen[-1]], place
            if len(seen) < len(final.get(key, ())):
                yield place, writer[final[key][len(seen)]]


def _components(places: Iterable[int], after: Mapping[int, set[int]]) -> Iterator[list[int]]:
    """The strongly connected ones: Tarjan's, without recursion."""
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    for start in places:
        work = [] if start in number else [(start, iter(after.get(start, ())))]
        while work:
            place, ahead = work[-1]
            if place not in number:
                number[place] = low[place] = len(number)
                stack.append(place)
            for other in ahead:
                if other not in number:
                    work.append((other, iter(after.get(other, ()))))
                    break
                if other in low:
                    low[place] = min(low[place], low[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[place])
                if low[place] == number[place]:
                    cut = stack.index(place)
                    group, stack[cut:] = stack[cut:], []
                    for each in group:
                        del low[each]
                    yield group
