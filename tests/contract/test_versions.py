"""Versions: the database counts the changes of a row, and a change of another version than the present one is stale."""

import asyncio
import random
import uuid

import attrs
import pytest

from homeport import Homeport
from homeport.kernel.entity import Entity
from homeport.kernel.errors import (
    CheckViolation,
    InvalidField,
    InvalidValue,
    RepositoryNotFoundError,
    SchemaMismatch,
    StaleVersion,
)
from homeport.kernel.table import ID, column, table
from homeport.repositories.users import USERS
from homeport.testing import a_user
from tests.support.refusals import refused
from tests.support.specimens import SPECIMENS, Crate, Label, StoredSpecimens, labels


@pytest.fixture
def stored(db: Homeport) -> StoredSpecimens:
    return db.repository(SPECIMENS)


@pytest.fixture
async def crate(stored: StoredSpecimens) -> Crate:
    return await stored.crates.create({"code": "a"})


@pytest.fixture
async def label(stored: StoredSpecimens, crate: Crate) -> Label:
    (made,) = await labels(stored, crate, "a")
    return made


async def revision(stored: StoredSpecimens, label: Label) -> int:
    return (await stored.labels.get_or_raise(label.id)).revision


# -- counting


async def test_a_row_is_of_version_one_and_each_change_raises_it(stored: StoredSpecimens, label: Label) -> None:
    assert label.revision == 1
    changed = await stored.labels.update(label.id, {"weight": 5})
    assert (changed.weight, changed.revision) == (5, 2)
    same = await stored.labels.update(label.id, {"weight": 5})
    assert same.revision == 3
    assert await stored.labels.update(label.id, {}) == same


async def test_every_way_to_change_a_row_raises_its_version(stored: StoredSpecimens, label: Label) -> None:
    await stored.labels.update_many({"id": label.id}, {"weight": 1})
    assert await revision(stored, label) == 2
    (changed,) = await stored.labels.update_returning({"id": label.id}, {"weight": 2})
    assert changed.revision == 3
    await stored.labels.bulk_update([(label.id, {"weight": 3})])
    assert await revision(stored, label) == 4
    upserted = await stored.labels.upsert({"id": label.id, "crate_id": label.crate_id, "name": "b"})
    assert upserted.revision == 5
    assert (await stored.labels.soft_delete(label.id)).revision == 6
    assert (await stored.labels.restore(label.id)).revision == 7


async def test_the_version_may_only_be_read(stored: StoredSpecimens, label: Label) -> None:
    row = {"crate_id": label.crate_id, "name": "b", "revision": 7}
    assert await refused(InvalidField, stored.labels.create(row)) == "revision"
    assert await refused(InvalidField, stored.labels.update(label.id, {"revision": 7})) == "revision"
    found = await stored.labels.find_many({"revision": 1}, order_by="-revision")
    assert [each.id for each in found] == [label.id]


async def test_an_entity_is_added_with_the_version_that_it_has(stored: StoredSpecimens, label: Label) -> None:
    given = attrs.evolve(label, id=uuid.uuid4(), name="b", revision=41)
    assert (await stored.labels.add(given)).revision == 41
    assert (await stored.labels.update(given.id, {"weight": 1})).revision == 42


async def test_what_the_database_does_to_a_row_by_itself_is_no_change_of_it(
    stored: StoredSpecimens, crate: Crate, label: Label
) -> None:
    """Else a reader's version would grow stale by what nobody did."""
    spare = await stored.crates.create({"code": "spare"})
    kept = await stored.labels.update(label.id, {"spare_id": spare.id})
    await stored.crates.delete(spare.id)
    assert await stored.labels.get_or_raise(label.id) == attrs.evolve(kept, spare_id=None)


# -- changing one version


async def test_a_change_of_the_present_version_is_done(stored: StoredSpecimens, label: Label) -> None:
    changed = await stored.labels.update(label.id, {"weight": 1}, version=1)
    assert changed.revision == 2
    assert (await stored.labels.update(str(label.id), {"weight": 2}, version=2)).weight == 2


@pytest.mark.parametrize("version", [0, 1, 3, -1, (1 << 31) - 1])
async def test_a_change_of_another_version_is_stale(stored: StoredSpecimens, label: Label, version: int) -> None:
    now = await stored.labels.update(label.id, {"weight": 1})
    for data in ({"weight": 2}, {}):
        with pytest.raises(StaleVersion, match="labels"):
            await stored.labels.update(label.id, data, version=version)
    with pytest.raises(StaleVersion):
        await stored.labels.discard(label.id, version=version)
    assert await stored.labels.get_or_raise(label.id) == now


async def test_a_row_that_is_gone_is_not_stale(stored: StoredSpecimens, label: Label) -> None:
    with pytest.raises(RepositoryNotFoundError):
        await stored.labels.update(uuid.uuid4(), {"weight": 1}, version=1)
    await stored.labels.soft_delete(label.id)
    for data in ({"weight": 2}, {}):
        with pytest.raises(RepositoryNotFoundError):
            await stored.labels.update(label.id, data, version=2)
    assert await stored.labels.discard(label.id, version=2) is False
    assert await stored.labels.discard(label.id, version=1) is False


async def test_a_row_of_somebody_else_is_as_absent(stored: StoredSpecimens, crate: Crate, label: Label) -> None:
    elsewhere = stored.labels.within("crate_id", crate.id + 1)
    for version in (1, 9):
        with pytest.raises(RepositoryNotFoundError):
            await elsewhere.update(label.id, {"weight": 1}, version=version)
        assert await elsewhere.discard(label.id, version=version) is False
    assert await revision(stored, label) == 1


async def test_a_row_is_deleted_in_its_tables_own_way_at_its_present_version(
    db: Homeport, stored: StoredSpecimens, label: Label
) -> None:
    assert await stored.labels.discard(label.id, version=1) is True
    assert await stored.labels.count({"id": label.id}) == 0
    made = await db.governance.define("limit", 5)
    with pytest.raises(StaleVersion):
        await db.governance.settings.discard("limit", version=made.version + 1)
    assert await db.governance.settings.discard("limit", version=made.version) is True
    assert await db.governance.settings.discard("limit", version=made.version) is False


async def test_what_breaks_a_rule_at_the_present_version_is_no_conflict(
    stored: StoredSpecimens, crate: Crate, label: Label
) -> None:
    with pytest.raises(CheckViolation):
        await stored.labels.update(label.id, {"kept_id": crate.id}, version=1)
    assert await revision(stored, label) == 1


@pytest.mark.parametrize("version", ["1", True, 1.0, 1 << 31])
async def test_a_version_is_an_int_of_its_column(stored: StoredSpecimens, label: Label, version: int) -> None:
    for call in (
        stored.labels.update(label.id, {"weight": 1}, version=version),
        stored.labels.discard(label.id, version=version),
    ):
        assert await refused(InvalidValue, call) == "revision"


async def test_a_table_without_versions_takes_none(db: Homeport) -> None:
    user = await a_user(db)
    users = db.repository(USERS)
    assert await refused(InvalidField, users.users.update(user.id, {"first_name": "A"}, version=1)) == "version"  # type: ignore[attr-defined]
    assert await refused(InvalidField, users.users.discard(user.id, version=1)) == "version"  # type: ignore[attr-defined]


# -- many at once


async def test_fifty_who_read_change_and_save_lose_nothing(stored: StoredSpecimens, label: Label) -> None:
    """Each reads the row and adds one to what it has read; who comes too late reads again."""
    await stored.labels.update(label.id, {"weight": 0})
    dice = random.Random(3)

    async def add_one() -> int:
        late = 0
        while True:
            found = await stored.labels.get_or_raise(label.id)
            await asyncio.sleep(0)
            try:
                await stored.labels.update(label.id, {"weight": (found.weight or 0) + 1}, version=found.revision)
            except StaleVersion:
                late += 1
                await asyncio.sleep(dice.uniform(0, 0.02 * late))
            else:
                return late

    late = await asyncio.gather(*(add_one() for _ in range(50)))
    found = await stored.labels.get_or_raise(label.id)
    assert (found.weight, found.revision) == (50, 52)
    assert sum(late) > 0


# -- declarations


@attrs.frozen(kw_only=True)
class Note(Entity):
    id: uuid.UUID
    edition: int
    text: str = ""
    pages: int | None = None


def test_a_declared_version_is_one_at_first_and_set_by_the_database() -> None:
    declared = table(Note, "notes", columns={"id": ID}, version="edition").require("edition")
    assert declared.default is not None
    assert (declared.default.sql, declared.read_only) == ("1", True)


@pytest.mark.parametrize("name", ["text", "pages"])
def test_a_version_is_an_int_that_is_never_none(name: str) -> None:
    with pytest.raises(SchemaMismatch, match="counts versions"):
        table(Note, "notes", columns={"id": ID, "edition": column()}, version=name)
