"""Random transactions that read lists and append to them, many at once, on any session that has units."""

import asyncio
import random
import uuid
from collections import Counter
from typing import Protocol

import attrs

from homeport.kernel.errors import RepositoryConflictError, UniqueViolation
from homeport.kernel.units import Isolation, UnitOptions
from homeport.ports.store import Session, Store
from homeport.repositories.collection import Collection
from tests.support.history_checker import Transaction
from tests.support.specimens import CRATE, SPECIMEN, Crate, Specimen


class Lists(Protocol):
    """How lists are kept in tables."""

    async def make(self, store: Store, names: list[str]) -> None:
        """Empty lists of these names."""

    async def read(self, store: Store, name: str) -> tuple[int, ...]: ...

    async def append(self, store: Store, name: str, seen: tuple[int, ...], value: int) -> None: ...


class InOneRow:
    """A list is a text: to append is to change the row that was read."""

    @staticmethod
    def _of(store: Store) -> Collection[Specimen, uuid.UUID]:
        return Collection(store, SPECIMEN)

    @staticmethod
    def _id(name: str) -> uuid.UUID:
        return uuid.uuid5(uuid.NAMESPACE_OID, name)

    async def make(self, store: Store, names: list[str]) -> None:
        for name in names:
            await self._of(store).add(Specimen(id=self._id(name), words=""))

    async def read(self, store: Store, name: str) -> tuple[int, ...]:
        row = await self._of(store).find_by_id(self._id(name))
        return tuple(int(each) for each in ((row and row.words) or "").split())

    async def append(self, store: Store, name: str, seen: tuple[int, ...], value: int) -> None:
        await self._of(store).update(self._id(name), {"words": " ".join(map(str, (*seen, value)))})


class InManyRows:
    """A list is the rows of one shelf: to append is to insert a row behind the last that was found by a filter."""

    @staticmethod
    def _of(store: Store) -> Collection[Crate, int]:
        return Collection(store, CRATE)

    async def make(self, store: Store, names: list[str]) -> None:
        """Nothing: a list without rows is empty."""

    async def read(self, store: Store, name: str) -> tuple[int, ...]:
        rows = await self._of(store).find_many({"shelf": name}, order_by="position")
        return tuple(int(each.code) for each in rows)

    async def append(self, store: Store, name: str, seen: tuple[int, ...], value: int) -> None:
        await self._of(store).create({"code": str(value), "shelf": name, "position": len(seen)})


@attrs.define
class Played:
    """What happened: the committed transactions, the lists at the end, and how the others ended."""

    history: list[Transaction]
    final: dict[str, tuple[int, ...]]
    ended: Counter[str]


async def play(
    session: Session,
    lists: Lists,
    isolation: Isolation,
    *,
    commits: int,
    seed: int,
    names: int = 6,
    workers: int = 8,
) -> Played:
    """Many workers, each with one transaction after the other, until so many have committed."""
    keys = [f"list {number}" for number in range(names)]
    await lists.make(session, keys)
    played = Played([], {}, Counter())
    values = iter(range(1, 1 << 40))

    async def one(dice: random.Random) -> None:
        done = Transaction()
        async with session.transaction(UnitOptions(isolation=isolation)) as unit:
            for _ in range(dice.randint(2, 4)):
                await asyncio.sleep(0)
                key = dice.choice(keys)
                seen = await lists.read(unit, key)
                done.reads.append((key, seen))
                if dice.random() < 0.4:
                    await asyncio.sleep(0)
                    value = next(values)
                    await lists.append(unit, key, seen, value)
                    done.appends.append((key, value))
        played.history.append(done)

    async def worker(number: int) -> None:
        dice = random.Random(seed * 1000 + number)
        while len(played.history) < commits:
            try:
                await one(dice)
            except (RepositoryConflictError, UniqueViolation) as error:
                played.ended[type(error).__name__] += 1
                await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for number in range(workers):
            group.create_task(worker(number))
    played.final = {key: await lists.read(session, key) for key in keys}
    return played
