"""The engine's own books checked from nothing but its rows: indexes, counters, and every declared constraint."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from homeport.adapters.memory.heap import Heap
from homeport.adapters.memory.ties import Ties
from homeport.adapters.memory.undo import ABSENT
from homeport.kernel.errors import RepositoryConstraintError


def faults(heaps: Iterable[Heap], ties: Mapping[Heap, Ties]) -> list[str]:
    """What does not agree with the rows, by name; empty if all does."""
    found: list[str] = []
    for heap in heaps:
        found += _index_faults(heap)
        found += _row_faults(heap)
        found += _reference_faults(ties[heap])
        found += _counter_faults(ties[heap])
    return found


def _index_faults(heap: Heap) -> Iterator[str]:
    for unique in heap.uniques:
        values = [(unique.value(row), key) for key, row in heap.rows.items()]
        covered = [(value, key) for value, key in values if value is not ABSENT]
        if len(dict(covered)) < len(covered):
            yield f"{unique.name}: two rows agree"
        if unique.entries != dict(covered):
            yield f"{unique.name}: entries differ from the rows"
    for index in heap.indexes:
        buckets: dict[object, set[object]] = {}
        for key, row in heap.rows.items():
            buckets.setdefault(index.value(row), set()).add(key)
        buckets.pop(ABSENT, None)
        if {value: set(keys) for value, keys in index.entries.items()} != buckets:
            yield f"{heap.table.name}: index over {index.operands} differs from the rows"


def _row_faults(heap: Heap) -> Iterator[str]:
    for key, row in heap.rows.items():
        if heap.key(row) != key:
            yield f"{heap.table.name}: a row under another's key"
        values = heap.rules.changed(row, {}, None)
        before = dict(values)
        try:
            heap.rules.judge(values)
        except RepositoryConstraintError as error:
            yield f"{heap.table.name}: {error}"
        if values != before:
            yield f"{heap.table.name}: a generated column is out of date"


def _reference_faults(ties: Ties) -> Iterator[str]:
    for link in ties.up:
        for row in link.child.rows.values():
            value = link.child_value(row)
            if value is not ABSENT and not link.parents.keys(value):
                yield f"{link.key.name}: a row refers to nothing"


def _counter_faults(ties: Ties) -> Iterator[str]:
    for tally in ties.tallies:
        counted = Counter(tally.value(row) for row in tally.child.rows.values())
        for value, number in counted.items():
            keys = () if value is ABSENT else tally.parents.keys(value)
            if any(getattr(tally.parent.rows[key], tally.column) != number for key in keys):
                yield f"{tally.parent.table.name}.{tally.column} is not the number of rows"
        shown = sum(getattr(row, tally.column) for row in tally.parent.rows.values())
        if shown != sum(number for value, number in counted.items() if value is not ABSENT):
            yield f"{tally.parent.table.name}.{tally.column} counts rows that are not there"
