"""Governance: the audit log and the system's settings, on every adapter."""

import datetime as dt
import ipaddress
import uuid

import attrs
import pytest

from homeport.composition import Homeport
from homeport.domain.governance import REDACTED, AuditLog, SystemConfig, ValueType
from homeport.domain.users import User
from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InvalidField,
    InvalidValue,
    NotNullViolation,
    RepositoryNotFoundError,
    StaleVersion,
    UniqueViolation,
)
from homeport.repositories.governance import AUDIT_LOG
from homeport.testing import a_user, build
from homeport.testing.rig import with_units
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)


def on(day: int) -> dt.datetime:
    return dt.datetime(2026, 5, day, tzinfo=dt.UTC)


@pytest.fixture
async def user(db: Homeport) -> User:
    return await a_user(db)


# -- record


async def test_a_recorded_entry_has_its_defaults(db: Homeport) -> None:
    made = await db.governance.record({"action": "insert", "resource_type": "jobs", "resource_id": "5"})
    assert made == AuditLog(
        id=made.id, occurred_at=made.occurred_at, action="insert", resource_type="jobs", resource_id="5"
    )
    assert await db.governance.history("jobs", "5") == [made]


async def test_an_entry_keeps_every_field_that_was_given(db: Homeport, user: User) -> None:
    fields = {
        "actor_user_id": user.id,
        "action": "soft_delete",
        "schema_name": "business",
        "resource_type": "jobs",
        "resource_id": "a,b",
        "old_values": {"status": "lead", "amounts": [1, 2.5, None]},
        "new_values": {},
        "request_id": "中文",
        "ip_address": ipaddress.ip_address("10.0.0.1"),
        "user_agent": 'Browser "1", (x)',
    }
    made = await db.governance.record(fields)
    assert {name: getattr(made, name) for name in fields} == fields


@pytest.mark.parametrize("missing", ["action", "resource_type"])
async def test_an_entry_needs_an_action_and_a_resource(db: Homeport, missing: str) -> None:
    data = {"action": "insert", "resource_type": "jobs", missing: None}
    assert await violated(NotNullViolation, db.governance.record(data)) == (None, (missing,))
    del data[missing]
    assert await violated(NotNullViolation, db.governance.record(data)) == (None, (missing,))


async def test_an_entry_that_makes_no_sense_is_refused(db: Homeport) -> None:
    data = {"action": "insert", "resource_type": "jobs"}
    unknown = db.governance.record({**data, "actor_user_id": ABSENT})
    assert await violated(ForeignKeyViolation, unknown) == ("audit_logs_actor_user_id_fkey", ("actor_user_id",))
    assert await refused(InvalidValue, db.governance.record({**data, "actor_user_id": "me"})) == "actor_user_id"
    for field in ("id", "occurred_at", "nonsense"):
        assert await refused(InvalidField, db.governance.record({**data, field: "x"})) == field


# -- history, by_actor


async def test_the_history_of_a_thing_is_newest_first_the_later_number_before(db: Homeport) -> None:
    fields = {"resource_type": "jobs", "resource_id": "5"}
    old = await build(db, AUDIT_LOG, id=901, occurred_at=on(1), **fields)
    first = await build(db, AUDIT_LOG, id=902, occurred_at=on(2), **fields)
    second = await build(db, AUDIT_LOG, id=903, occurred_at=on(2), **fields)
    await build(db, AUDIT_LOG, resource_type="jobs", resource_id="55")
    await build(db, AUDIT_LOG, resource_type="job", resource_id="5")
    assert await db.governance.history("jobs", "5") == [second, first, old]
    assert await db.governance.history("jobs", 5, limit=1) == [second]
    assert await db.governance.history("jobs", "5", limit=0) == []
    assert await db.governance.history("jobs", ABSENT) == []
    assert await refused(InvalidValue, db.governance.history("jobs", "5", limit=-1)) == "limit"


async def test_what_a_user_did_is_newest_first_and_nobody_elses(db: Homeport, user: User) -> None:
    old = await build(db, AUDIT_LOG, id=901, occurred_at=on(1), actor_user_id=user.id)
    first = await build(db, AUDIT_LOG, id=902, occurred_at=on(2), actor_user_id=user.id)
    second = await build(db, AUDIT_LOG, id=903, occurred_at=on(2), actor_user_id=user.id)
    await build(db, AUDIT_LOG, actor_user_id=(await a_user(db)).id)
    await build(db, AUDIT_LOG)
    assert await db.governance.by_actor(str(user.id)) == [second, first, old]
    assert await db.governance.by_actor(user.id, 2) == [second, first]
    assert await db.governance.by_actor(ABSENT) == []
    assert await refused(InvalidValue, db.governance.by_actor("me")) == "actor_user_id"


async def test_lists_are_fifty_long_where_no_limit_is_given(db: Homeport, user: User) -> None:
    data = {"action": "x", "resource_type": "jobs", "resource_id": "5", "actor_user_id": user.id}
    await db.collection(AUDIT_LOG).bulk_create([data for _ in range(51)])
    assert len(await db.governance.history("jobs", "5")) == 50
    assert len(await db.governance.by_actor(user.id)) == 50


async def test_entries_and_settings_outlive_their_user(db: Homeport, user: User) -> None:
    await db.governance.define("limit", 5, updated_by=user.id)
    [entry] = await db.governance.by_actor(user.id)
    await db.users.users.delete(user.id)
    assert await db.governance.history("system_config", "limit") == [attrs.evolve(entry, actor_user_id=None)]
    setting = await db.governance.get("limit")
    assert setting is not None
    assert setting.updated_by is None


# -- define, get, get_value


async def test_a_defined_setting_has_its_defaults_and_can_be_read_back(db: Homeport) -> None:
    made = await db.governance.define("limit", {"a": [1]})
    assert made == SystemConfig(key="limit", value={"a": [1]}, created_at=made.created_at, updated_at=made.created_at)
    assert (made.version, made.value_type, made.is_secret) == (1, ValueType.JSON, False)
    assert await db.governance.get("limit") == made


async def test_a_setting_keeps_every_field_that_was_given(db: Homeport, user: User) -> None:
    made = await db.governance.define(
        "a.b/c,(d)", "", value_type="string", description="中文", is_secret=False, updated_by=str(user.id)
    )
    assert (made.key, made.value, made.value_type) == ("a.b/c,(d)", "", ValueType.STRING)
    assert (made.description, made.updated_by) == ("中文", user.id)
    assert await db.governance.get("a.b/c,(d)") == made


@pytest.mark.parametrize(
    ("value_type", "value"),
    [
        ("string", "x"),
        ("int", 0),
        ("int", -(1 << 60)),
        ("float", 2.5),
        ("float", 3),
        ("bool", False),
        ("json", "x"),
        ("json", []),
        ("json", {"a": None}),
    ],
)
async def test_a_value_of_the_settings_type_is_taken(db: Homeport, value_type: str, value: object) -> None:
    await db.governance.define("limit", value, value_type=value_type)
    assert await db.governance.get_value("limit", "default") == value


@pytest.mark.parametrize(
    ("value_type", "value"),
    [
        ("string", 5),
        ("int", "5"),
        ("int", 5.0),
        ("int", True),
        ("float", "5"),
        ("float", False),
        ("bool", 1),
        ("bool", "true"),
        ("string", {}),
        ("json", {1: 2}),
        ("json", b"x"),
    ],
)
async def test_a_value_of_another_type_is_refused(db: Homeport, value_type: str, value: object) -> None:
    assert await refused(InvalidValue, db.governance.define("limit", value, value_type=value_type)) == "value"
    assert await db.governance.list() == []
    assert await db.governance.history("system_config", "limit") == []


async def test_a_setting_that_makes_no_sense_is_refused(db: Homeport) -> None:
    made = await db.governance.define("limit", 5)
    again = db.governance.define("limit", 6)
    assert await violated(UniqueViolation, again) == ("system_config_pkey", ("key",))
    assert await violated(NotNullViolation, db.governance.define("other", None)) == (None, ("value",))
    unknown = db.governance.define("other", 5, updated_by=ABSENT)
    assert await violated(ForeignKeyViolation, unknown) == ("system_config_updated_by_fkey", ("updated_by",))
    assert await refused(InvalidValue, db.governance.define("other", 5, value_type="number")) == "value_type"
    assert await refused(InvalidValue, db.governance.define("a\x00", 5)) == "key"
    zero = db.governance.settings.add(attrs.evolve(made, key="none", version=0))
    assert await violated(CheckViolation, zero) == ("system_config_version_check", ("version",))
    assert await db.governance.list() == [made]


async def test_an_absent_setting_is_none_or_the_default(db: Homeport) -> None:
    assert await db.governance.get("limit") is None
    assert await db.governance.get_value("limit") is None
    assert await db.governance.get_value("limit", 5) == 5
    await db.governance.define("Limit", 0)
    assert await db.governance.get("limit") is None
    assert await db.governance.get_value("Limit", 5) == 0


# -- secrets


async def test_a_secret_is_shown_only_where_it_is_asked_for(db: Homeport) -> None:
    made = await db.governance.define("api", "s3cret", value_type="string", is_secret=True)
    assert made.value == REDACTED
    shown = attrs.evolve(made, value="s3cret")
    assert await db.governance.get("api") == made
    assert await db.governance.get("api", reveal=True) == shown
    assert await db.governance.get_value("api") == REDACTED
    assert await db.governance.get_value("api", reveal=True) == "s3cret"
    assert await db.governance.get_many(["api"]) == {"api": made}
    assert await db.governance.get_many(["api"], reveal=True) == {"api": shown}
    assert await db.governance.list() == [made]
    assert await db.governance.list(reveal=True) == [shown]
    assert "s3cret" not in repr(shown)


async def test_a_changed_secret_is_neither_answered_nor_audited(db: Homeport) -> None:
    await db.governance.define("api", "s3cret", is_secret=True)
    changed = await db.governance.set("api", "s3cret2", 1)
    assert (changed.value, changed.version) == (REDACTED, 2)
    assert await db.governance.get_value("api", reveal=True) == "s3cret2"
    assert "s3cret" not in str([attrs.asdict(each) for each in await db.governance.history("system_config", "api")])


# -- set


async def test_a_change_raises_the_version_and_is_audited(db: Homeport, user: User) -> None:
    made = await db.governance.define("limit", 5, value_type="int")
    changed = await db.governance.set("limit", 6, made.version, updated_by=user.id)
    assert changed == attrs.evolve(made, value=6, version=2, updated_by=user.id, updated_at=changed.updated_at)
    assert changed.updated_at >= made.updated_at
    assert await db.governance.get("limit") == changed
    update, insert = sorted(await db.governance.history("system_config", "limit"), key=lambda each: -each.id)
    assert (update.action, update.actor_user_id, update.schema_name) == ("update", user.id, "public")
    assert (update.old_values, update.new_values) == ({"value": 5, "version": 1}, {"value": 6, "version": 2})
    assert (insert.action, insert.old_values, insert.new_values) == ("insert", None, {"value": 5, "version": 1})


@pytest.mark.parametrize("version", [0, 1, 3])
async def test_a_change_of_another_version_is_stale_and_changes_nothing(db: Homeport, version: int) -> None:
    await db.governance.define("limit", 5)
    current = await db.governance.set("limit", 6, 1)
    with pytest.raises(StaleVersion):
        await db.governance.set("limit", 7, version)
    assert await db.governance.get("limit") == current
    assert len(await db.governance.history("system_config", "limit")) == 2


async def test_an_absent_setting_can_not_be_changed(db: Homeport) -> None:
    with pytest.raises(RepositoryNotFoundError):
        await db.governance.set("limit", 5, 1)
    assert await db.governance.list() == []
    assert await db.governance.history("system_config", "limit") == []


async def test_a_change_that_makes_no_sense_leaves_the_setting_as_it_was(db: Homeport) -> None:
    made = await db.governance.define("limit", 5, value_type="int")
    assert await refused(InvalidValue, db.governance.set("limit", "6", 1)) == "value"
    assert await violated(NotNullViolation, db.governance.set("limit", None, 1)) == (None, ("value",))
    unknown = db.governance.set("limit", 6, 1, updated_by=ABSENT)
    assert await violated(ForeignKeyViolation, unknown) == ("system_config_updated_by_fkey", ("updated_by",))
    for version in (True, 1 << 31):
        assert await refused(InvalidValue, db.governance.set("limit", 6, version)) == "version"
    assert await db.governance.get("limit") == made


# -- get_many, list


async def test_many_settings_are_by_key_in_the_order_asked(db: Homeport) -> None:
    a, b = await db.governance.define("a", 1), await db.governance.define("b", 2)
    found = await db.governance.get_many(["b", "absent", "a", "b"])
    assert list(found.items()) == [("b", b), ("a", a)]
    assert await db.governance.get_many([]) == {}


async def test_settings_are_listed_by_key_all_or_by_their_start(db: Homeport) -> None:
    for key in ("mail.port", "mail", "Mail", "mail_host", "ämail", "sms"):
        await db.governance.define(key, 1)

    async def keys(prefix: str = "") -> list[str]:
        return [each.key for each in await db.governance.list(prefix)]

    assert await keys() == ["Mail", "mail", "mail.port", "mail_host", "sms", "ämail"]
    assert await keys("mail") == ["mail", "mail.port", "mail_host"]
    assert await keys("mail_") == ["mail_host"]
    assert await keys("%") == []


@with_units
async def test_a_setting_and_its_entry_in_the_log_happen_together_in_a_unit(db: Homeport) -> None:
    made = await db.governance.define("limits.rows", 5)
    logged = await db.governance.history("system_config", made.key)
    with pytest.raises(LookupError):
        async with db.transaction() as tx:
            await tx.governance.set(made.key, 6, made.version)
            assert len(await tx.governance.history("system_config", made.key)) == len(logged) + 1
            raise LookupError
    assert await db.governance.get_value(made.key) == 5
    assert await db.governance.history("system_config", made.key) == logged
