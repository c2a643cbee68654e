"""What an implementation may have: a method for each operation. One that is not there is left out of the results."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

from benchmarks.place import Place

Position: TypeAlias = Any
"""Where a keyset page begins, in the implementation's own form."""
KeysetPage: TypeAlias = tuple[Sequence[Any], Position | None]
"""The rows, and where the next page begins; None for the last one."""


class Absent(Exception):
    """An implementation can't be measured here; the message says why."""


class Implementation:
    """One way to the data.

    Attributes:
        title: what tables call it.
        concurrent: whether calls may be under way at the same time.
        only: the cases that it is there for; all whose method it has, if empty.
        lacks: the cases that it can't do, and why.
    """

    title: ClassVar[str]
    concurrent: ClassVar[bool] = True
    only: ClassVar[frozenset[str]] = frozenset()
    lacks: ClassVar[Mapping[str, str]] = {}

    async def open(self, place: Place) -> None:
        """Raises Absent."""
        raise NotImplementedError

    async def close(self) -> None: ...
