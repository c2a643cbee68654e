"""Random interleavings of units at all levels, against a model that keeps nothing but dicts."""

import asyncio
import datetime as dt
import random
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from operator import attrgetter
from typing import Any

import attrs
import pytest

from homeport.adapters.memory import MemoryStore
from homeport.kernel.errors import RepositoryConflictError, RepositoryConstraintError, UniqueViolation
from homeport.kernel.predicates import one_of
from homeport.kernel.query import Insert, OnConflict
from homeport.kernel.units import Isolation, UnitOptions
from homeport.ports.store import Store
from homeport.repositories.collection import Collection
from tests.memory.hands import LEVELS, RC, Hand, begun, ended, turns
from tests.memory.shop import ENTRY, PERSON, Person, opened
from tests.support.specimens import CRATE, Crate, Label, StoredSpecimens

Rows = dict[int, Crate | None]
Step = Callable[[Store, random.Random], Awaitable[None]]
LONG_AGO = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
IDS, CODES, SHELVES = range(1, 6), "abcde", ("s", "t", None)


class Told(Exception):
    """A savepoint's body that is to be taken back."""


@attrs.define(eq=False)
class Player:
    """One unit, or nobody's calls, beside what the model says that it sees."""

    committed: Rows
    stored: StoredSpecimens
    hand: Hand | None = None
    level: Isolation | None = None
    snapshot: Rows | None = None
    own: Rows = attrs.field(factory=dict)
    savepoints: list[tuple[AbstractAsyncContextManager[None], Rows]] = attrs.field(factory=list)

    def view(self) -> dict[int, Crate]:
        below = self.committed if self.snapshot is None else self.snapshot
        return {key: row for key, row in {**below, **self.own}.items() if row is not None}

    def present(self) -> dict[int, Crate]:
        return {key: row for key, row in {**self.committed, **self.own}.items() if row is not None}

    def write(self, rows: Rows) -> None:
        (self.committed if self.hand is None else self.own).update(rows)


Call = Callable[[Player, random.Random], Awaitable[None]]


async def look(one: Player, dice: random.Random) -> None:
    shelf = dice.choice(SHELVES)
    found = await one.stored.crates.find_many({"shelf": shelf}, order_by="id")
    assert found == sorted((row for row in one.view().values() if row.shelf == shelf), key=lambda row: row.id)
    assert await one.stored.crates.count() == len(one.view())


async def look_by_key(one: Player, dice: random.Random) -> None:
    key, code = dice.choice(IDS), dice.choice(CODES)
    assert await one.stored.crates.find_by_id(key) == one.view().get(key)
    found = await one.stored.crates.find_many({"code": code})
    assert found == [row for row in one.view().values() if row.code == code]


async def lock(one: Player, dice: random.Random) -> None:
    if one.hand is not None:
        code = dice.choice(CODES)
        found = await one.stored.crates.for_update().find_many({"code": code})
        assert found == [row for row in one.view().values() if row.code == code]


async def add(one: Player, dice: random.Random) -> None:
    row = Crate(id=dice.choice(IDS), code=dice.choice(CODES), shelf=dice.choice(SHELVES), position=dice.choice([1, 2]))
    try:
        assert await one.stored.crates.add(row) == row
    except UniqueViolation as error:  # only ever for a row that is there now
        agree = attrgetter(*error.columns)
        assert agree(row) in map(agree, one.present().values())
        raise
    assert row.id not in one.view()
    one.write({row.id: row})


async def change(one: Player, dice: random.Random) -> None:
    options: list[tuple[str, Any]] = [("code", dice.choice(CODES)), ("shelf", dice.choice(SHELVES)), ("version", 7)]
    name, value = dice.choice(options)
    keys = dice.sample(IDS, 2)
    found = await one.stored.crates.update_returning({"id": keys}, {name: value})
    meant = {key: attrs.evolve(row, **{name: value}) for key, row in one.view().items() if key in keys}
    assert {row.id: row for row in found} == meant
    one.write({**meant})


async def remove(one: Player, dice: random.Random) -> None:
    shelf, keys = dice.choice(SHELVES), dice.sample(IDS, 3)
    count = await one.stored.crates.delete_many({"shelf": shelf, "id": keys})
    meant: Rows = {key: None for key, row in one.view().items() if row.shelf == shelf and key in keys}
    assert count == len(meant)
    one.write(meant)


async def merge(one: Player, dice: random.Random) -> None:
    code, version = dice.choice(CODES), dice.randrange(9)
    row = {"id": 100 + CODES.index(code), "code": code, "version": version}
    store = one.stored.crates._store
    written = await store.insert(Insert("t", CRATE, (row,), OnConflict(("code",), dice.choice([(), ("version",)]))))
    there = next((each for each in one.view().values() if each.code == code), None)
    if written.rows:
        made = Crate(**row) if there is None else attrs.evolve(there, version=version)  # type: ignore[arg-type]
        assert written.rows == (made,)
        one.write({made.id: made})
    else:
        assert there is not None


CALLS: tuple[Call, ...] = (look, look, look_by_key, lock, add, add, change, change, remove, merge)


class Game:
    """Some players, one of whom is nobody's unit, and random calls of theirs."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.store: MemoryStore = opened(CRATE)
        self.committed: Rows = {}
        self.ended = Counter[str]()
        self.tasks: dict[Player, asyncio.Task[None]] = {}
        self.players = [Player(self.committed, StoredSpecimens(self.store))]

    async def play(self, steps: int) -> None:
        for _ in range(steps):
            if len(self.players) < 4:
                level = self.dice.choice(LEVELS)
                hand = await begun(self.store, level)
                self.players.append(Player(self.committed, hand, hand, level))
            free = [each for each in self.players if each not in self.tasks]
            if free:
                await self._move(self.dice.choice(free))
            await self._collect()
        while self.tasks or len(self.players) > 1:
            for each in [each for each in self.players if each not in self.tasks and each.hand is not None]:
                await self._end(each, commits=False)
            await self._collect()

    async def _move(self, one: Player) -> None:
        await turns()  # whoever was let in by the last end goes first
        if one.hand is not None and self.dice.random() < 0.2:
            await self._end(one, commits=self.dice.random() < 0.8)
        elif one.hand is not None and self.dice.random() < 0.2:
            await self._savepoint(one, one.hand)
        else:
            if one.level not in (None, RC) and one.snapshot is None:
                one.snapshot = dict(self.committed)
            self.tasks[one] = asyncio.ensure_future(self.dice.choice(CALLS)(one, self.dice))

    async def _savepoint(self, one: Player, hand: Hand) -> None:
        if one.savepoints and self.dice.random() < 0.6:
            context, before = one.savepoints.pop()
            if self.dice.random() < 0.6:
                error = Told()
                with pytest.raises(Told):
                    await context.__aexit__(Told, error, None)
                    raise error
                one.own = before
            else:
                await context.__aexit__(None, None, None)
        else:
            context = hand.unit.savepoint()
            await context.__aenter__()
            one.savepoints.append((context, dict(one.own)))

    async def _end(self, one: Player, *, commits: bool) -> None:
        assert one.hand is not None
        self.players.remove(one)
        if not commits:
            await one.hand.rollback()
            return
        try:
            await one.hand.commit()
        except RepositoryConflictError as error:
            assert one.level is Isolation.SERIALIZABLE
            self.ended[type(error).__name__] += 1
        else:
            self.ended["committed"] += 1
            self.committed.update(one.own)

    async def _collect(self) -> None:
        """See what has come of calls, and that what is committed is what the model says."""
        await turns()
        for one, task in [each for each in self.tasks.items() if each[1].done()]:
            del self.tasks[one]
            error = (await ended(task))[0]
            if error is not None:
                self._judge(one, error)
                if one.hand is not None:
                    await self._end(one, commits=False)
        await turns()
        assert self.store.engine.check()[:1] in ([], [f"{len(self.players) - 1} units are open"])
        rows = {row.id: row for row in await StoredSpecimens(self.store).crates.find_many()}
        assert rows == {key: row for key, row in self.committed.items() if row is not None}

    def _judge(self, one: Player, error: BaseException) -> None:
        self.ended[type(error).__name__] += 1
        match error:
            case UniqueViolation():
                pass
            case RepositoryConflictError():
                assert one.hand is not None
                assert one.level is not RC or type(error).__name__ == "Deadlock"
            case _:
                raise error


@pytest.mark.parametrize("seed", range(12))
async def test_units_do_what_dicts_say(seed: int) -> None:
    game = Game(seed)
    await game.play(250)
    assert game.ended["committed"] > 5
    assert game.store.engine.check() == []
    assert game.store.engine.journal.undo == []


LABELS = [uuid.UUID(int=number) for number in range(1, 6)]
PEOPLE = [uuid.UUID(int=number) for number in range(11, 14)]


async def among_crates(unit: Store, dice: random.Random) -> None:
    """Rows that refer by key, cascade, and are counted."""
    one = StoredSpecimens(unit)
    crate, name, label = dice.randint(1, 4), dice.choice("xyz"), dice.choice(LABELS)
    changes: list[dict[str, object]] = [
        {"crate_id": crate},
        {"above_id": dice.choice([None, *LABELS])},
        {"spare_id": dice.choice([None, crate])},
        {"kept_id": dice.choice([None, None, 3])},
        {"deleted_at": dice.choice([None, LONG_AGO])},
    ]
    match dice.randrange(7):
        case 0:
            await one.crates.add(Crate(id=crate, code=str(crate)))
        case 1:
            await one.crates.update_many({"id": crate}, {"shelf": name, "position": dice.randint(1, 2)})
        case 2 | 3:
            row: Any = {"crate_id": crate, **dice.choice(changes)}
            await one.labels.add(Label(id=label, name=name, created_at=LONG_AGO, updated_at=LONG_AGO, **row))
        case 4:
            await one.labels.update_many(one_of("id", dice.sample(LABELS, 2)), dice.choice(changes[:4]))
        case 5:
            await one.labels.discard_many({"crate_id": crate})
        case _:
            await (one.crates.delete_many({"code": str(crate)}) if dice.random() < 0.5 else one.labels.delete(label))


async def among_people(unit: Store, dice: random.Random) -> None:
    """Rows that refer by a value that may change, to each other, and have a partial unique."""
    people, entries = Collection[Any, Any](unit, PERSON), Collection[Any, Any](unit, ENTRY)
    handle, person = dice.choice("abc"), dice.choice(PEOPLE)
    match dice.randrange(6):
        case 0:
            await people.add(Person(id=person, handle=handle, created_at=LONG_AGO, updated_at=LONG_AGO))
        case 1:
            await people.update_many({"id": person}, {"handle": handle, "boss_id": dice.choice([None, *PEOPLE])})
        case 2:
            await people.delete(person)
        case 3:
            await entries.create({"person_handle": dice.choice([None, handle]), "slot": dice.randint(1, 3)})
        case 4:
            await entries.update_many({"person_handle": handle}, {"active": dice.random() < 0.5})
        case _:
            await entries.update_many({"slot": dice.randint(1, 3)}, {"person_handle": handle})


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("step", [among_crates, among_people])
async def test_constraints_hold_whatever_units_do_to_each_other(step: Step, seed: int) -> None:
    """At all levels at once, and beside calls outside units: only what may fail fails."""
    dice, store, ended_as = random.Random(seed), opened(), Counter[str]()

    async def unit() -> None:
        try:
            async with store.transaction(UnitOptions(isolation=dice.choice(LEVELS))) as one:
                for _ in range(dice.randint(1, 4)):
                    await step(one, dice)
                    await asyncio.sleep(0)
            ended_as["committed"] += 1
        except (RepositoryConflictError, RepositoryConstraintError) as error:
            ended_as[type(error).__name__] += 1

    async def outside() -> None:
        try:
            await step(store, dice)
        except RepositoryConstraintError as error:
            ended_as[type(error).__name__] += 1

    for _ in range(80):
        await asyncio.gather(*(unit() if dice.random() < 0.7 else outside() for _ in range(8)))
        assert store.engine.check() == []
    assert ended_as["committed"] > 40
    assert ended_as["SerializationConflict"] > 5
