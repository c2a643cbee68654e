"""Access: sessions, sign-ins, administration and security events, on every adapter."""

import datetime as dt
import ipaddress
import uuid
from collections.abc import Mapping

import attrs
import pytest

from homeport.composition import Homeport
from homeport.domain.access import (
    AdminRole,
    AdminStatus,
    Login,
    LoginMethod,
    SecurityEvent,
    Severity,
    UserSession,
    token_hash,
)
from homeport.domain.users import User
from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InvalidField,
    InvalidValue,
    NotNullViolation,
    RepositoryNotFoundError,
    UniqueViolation,
)
from homeport.repositories import access
from homeport.repositories.access import LOGIN
from homeport.testing import a_security_event, a_session, a_user, an_admin, build
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)
NOW = dt.datetime(2026, 5, 10, 12, tzinfo=dt.UTC)
LATE = dt.datetime(2999, 1, 1, tzinfo=dt.UTC)


def ago(hours: float) -> dt.datetime:
    return NOW - dt.timedelta(hours=hours)


def given(token: str, **fields: object) -> dict[str, object]:
    return {"session_token_hash": token_hash(token), "expires_at": LATE, **fields}


@pytest.fixture
async def user(db: Homeport) -> User:
    return await a_user(db)


async def expired(db: Homeport, hours: float, **fields: object) -> UserSession:
    """A session that began a day before NOW and ended so many hours before it."""
    return await a_session(db, created_at=ago(24), expires_at=ago(hours), **fields)


# -- create_session


async def test_a_created_session_has_its_defaults_and_is_alive(db: Homeport, user: User) -> None:
    made = await db.access.create_session(user.id, given("one"))
    assert made == UserSession(
        id=made.id,
        user_id=user.id,
        session_token_hash=token_hash("one"),
        is_active=True,
        last_activity_at=made.created_at,
        expires_at=LATE,
        created_at=made.created_at,
    )
    assert await db.access.get_active_sessions(str(user.id)) == [made]


async def test_a_session_keeps_every_field_that_was_given(db: Homeport, user: User) -> None:
    fields = {
        "refresh_token_hash": token_hash("again"),
        "jti": "a,b",
        "device_info": {"os": "x", "screens": [1, 2.5, None]},
        "ip_address": ipaddress.ip_address("2001:db8::1"),
        "user_agent": 'Browser "1", (x)',
        "last_activity_at": ago(1),
    }
    made = await db.access.create_session(user.id, given("one", **fields))
    assert {name: getattr(made, name) for name in fields} == fields


async def test_a_printed_session_does_not_show_its_hashes(db: Homeport, user: User) -> None:
    made = await db.access.create_session(user.id, given("one", refresh_token_hash=token_hash("again")))
    assert token_hash("one") not in repr(made)
    assert token_hash("again") not in repr(made)


async def test_there_is_no_place_for_a_raw_token(db: Homeport, user: User) -> None:
    assert await refused(InvalidField, db.access.create_session(user.id, {"session_token": "x"})) == "session_token"


@pytest.mark.parametrize("missing", ["session_token_hash", "expires_at"])
async def test_a_session_needs_a_hash_and_an_end(db: Homeport, user: User, missing: str) -> None:
    data = given("one")
    del data[missing]
    assert await violated(NotNullViolation, db.access.create_session(user.id, data)) == (None, (missing,))


@pytest.mark.parametrize("column", ["session_token_hash", "refresh_token_hash", "jti"])
async def test_what_identifies_a_session_is_unique(db: Homeport, user: User, column: str) -> None:
    await db.access.create_session(user.id, given("one", **{column: "same"}))
    other = await a_user(db)
    again = db.access.create_session(other.id, given("two", **{column: "same"}))
    assert await violated(UniqueViolation, again) == (f"user_sessions_{column}_key", (column,))


async def test_a_session_does_not_end_before_it_begins(db: Homeport, user: User) -> None:
    over = db.access.create_session(user.id, given("one", expires_at="2020-01-01T00:00:00Z"))
    expected = ("user_sessions_expires_at_check", ("expires_at", "created_at"))
    assert await violated(CheckViolation, over) == expected


async def test_a_session_of_an_unknown_user_is_refused(db: Homeport) -> None:
    unknown = db.access.create_session(ABSENT, given("one"))
    assert await violated(ForeignKeyViolation, unknown) == ("user_sessions_user_id_fkey", ("user_id",))


@pytest.mark.parametrize(
    ("field", "value"),
    [("expires_at", dt.datetime(2999, 1, 1)), ("ip_address", "somewhere"), ("is_active", "yes"), ("jti", 5)],
)
async def test_a_value_that_does_not_fit_is_refused_by_name(
    db: Homeport, user: User, field: str, value: object
) -> None:
    assert await refused(InvalidValue, db.access.create_session(user.id, given("one", **{field: value}))) == field


async def test_a_session_is_created_for_the_user_asked_for_and_nobody_else(db: Homeport, user: User) -> None:
    other = await a_user(db)
    assert await refused(InvalidField, db.access.create_session(user.id, given("one", user_id=other.id))) == "user_id"
    assert await refused(InvalidField, db.access.create_session(user.id, given("one", created_at=NOW))) == "created_at"
    assert await refused(InvalidValue, db.access.create_session("me", given("one"))) == "user_id"


# -- get_active_sessions, count_active_sessions, find_active_session


async def test_active_sessions_are_the_users_living_ones_by_activity(db: Homeport, user: User) -> None:
    old = await a_session(db, user_id=user.id, last_activity_at=ago(5))
    twins = [await a_session(db, user_id=user.id, last_activity_at=ago(3)) for _ in range(3)]
    new = await a_session(db, user_id=user.id, last_activity_at=ago(1))
    await a_session(db, user_id=user.id, is_active=False)
    await a_session(db, user_id=user.id, revoked_at=NOW)
    await expired(db, 1, user_id=user.id)
    await a_session(db, last_activity_at=ago(2))
    found = await db.access.get_active_sessions(user.id, now=NOW)
    assert found == [new, *sorted(twins, key=lambda session: session.id), old]
    assert await db.access.get_active_sessions(user.id) == found
    assert await db.access.count_active_sessions(user.id, now=NOW) == 5
    assert await db.access.count_active_sessions(user.id) == 5


async def test_a_session_is_over_at_the_moment_it_expires(db: Homeport, user: User) -> None:
    session = await expired(db, 0, user_id=user.id)
    just_before = NOW - dt.timedelta(microseconds=1)
    assert await db.access.get_active_sessions(user.id, now=just_before) == [session]
    assert await db.access.get_active_sessions(user.id, now=NOW) == []
    assert await db.access.get_active_sessions(user.id, now="2026-05-10T14:00:00+02:00") == []


async def test_who_has_no_sessions_or_is_unknown_has_an_empty_list(db: Homeport, user: User) -> None:
    for id in (user.id, ABSENT):
        assert await db.access.get_active_sessions(id) == []
        assert await db.access.count_active_sessions(id) == 0


async def test_a_moment_without_a_time_zone_is_refused(db: Homeport, user: User) -> None:
    naive = dt.datetime(2026, 5, 10)
    assert await refused(InvalidValue, db.access.get_active_sessions(user.id, now=naive)) == "expires_at"
    assert await refused(InvalidValue, db.access.cleanup_expired_sessions(naive)) == "expires_at"
    assert await refused(InvalidValue, db.access.count_failed_logins(user.id, "May")) == "login_time"


async def test_a_living_session_is_found_by_its_hash(db: Homeport) -> None:
    session = await expired(db, 0, session_token_hash=token_hash("one"))
    gone = await a_session(db, session_token_hash=token_hash("two"), is_active=False)
    assert await db.access.find_active_session(token_hash("one"), now=ago(1)) == session
    assert await db.access.find_active_session(token_hash("one")) is None
    assert await db.access.find_active_session(gone.session_token_hash) is None
    assert await db.access.find_active_session("one", now=ago(1)) is None


# -- get_sessions_by_ip


async def test_sessions_of_an_address_are_anybodys_living_ones(db: Homeport) -> None:
    old = await a_session(db, ip_address="10.0.0.1", last_activity_at=ago(2))
    new = await a_session(db, ip_address="10.0.0.1", last_activity_at=ago(1))
    await a_session(db, ip_address="10.0.0.2")
    await a_session(db, ip_address="10.0.0.1", is_active=False)
    await a_session(db)
    assert await db.access.get_sessions_by_ip("10.0.0.1") == [new, old]
    assert await db.access.get_sessions_by_ip(ipaddress.ip_address("10.0.0.1"), limit=1, now=NOW) == [new]
    assert await db.access.get_sessions_by_ip("10.0.0.1", limit=0) == []
    assert await db.access.get_sessions_by_ip("::1") == []
    assert await refused(InvalidValue, db.access.get_sessions_by_ip("here")) == "ip_address"


# -- touch_session


async def test_a_touched_session_notes_activity_and_nothing_else(db: Homeport) -> None:
    session = await a_session(db, last_activity_at=ago(5))
    assert await db.access.touch_session(session.id, now=NOW) is True
    assert await db.access.sessions.find_by_id(session.id) == attrs.evolve(session, last_activity_at=NOW)
    assert await db.access.touch_session(str(session.id), user_id=str(session.user_id)) is True


async def test_only_a_living_session_of_the_user_can_be_touched(db: Homeport, user: User) -> None:
    mine, over = await a_session(db), await expired(db, 1)
    revoked = await a_session(db, is_active=False)
    assert await db.access.touch_session(mine.id, user_id=user.id) is False
    for id in (over.id, revoked.id, ABSENT):
        assert await db.access.touch_session(id, now=NOW) is False
    assert await refused(InvalidValue, db.access.touch_session("1")) == "id"
    assert await db.access.sessions.find_by_id(mine.id) == mine


# -- rotate_session


async def test_a_rotated_session_answers_to_its_new_hashes_only(db: Homeport) -> None:
    session = await a_session(db, session_token_hash="a", refresh_token_hash="b", last_activity_at=ago(5))
    data = {"session_token_hash": "c", "refresh_token_hash": "d", "jti": "e", "expires_at": "2999-02-01T00:00:00Z"}
    rotated = await db.access.rotate_session(session.id, data, replacing="b", user_id=session.user_id, now=NOW)
    assert rotated == attrs.evolve(
        session,
        session_token_hash="c",
        refresh_token_hash="d",
        jti="e",
        expires_at=dt.datetime(2999, 2, 1, tzinfo=dt.UTC),
        last_activity_at=NOW,
    )
    assert await db.access.find_active_session("a") is None
    assert await db.access.find_active_session("c") == rotated


async def test_the_same_refresh_hash_rotates_once(db: Homeport) -> None:
    session = await a_session(db, session_token_hash="a", refresh_token_hash="b")
    first = await db.access.rotate_session(session.id, {"refresh_token_hash": "c"}, replacing="b")
    with pytest.raises(RepositoryNotFoundError):
        await db.access.rotate_session(session.id, {"refresh_token_hash": "d"}, replacing="b")
    assert await db.access.sessions.find_by_id(session.id) == first


async def test_only_a_living_session_of_the_user_can_be_rotated(db: Homeport, user: User) -> None:
    mine, over = await a_session(db), await expired(db, 1)
    revoked = await a_session(db, is_active=False)
    for id, owner in ((mine.id, user.id), (over.id, None), (revoked.id, None), (ABSENT, None)):
        with pytest.raises(RepositoryNotFoundError):
            await db.access.rotate_session(id, {"session_token_hash": "new"}, user_id=owner, now=NOW)
    assert await db.access.sessions.find_by_id(mine.id) == mine


async def test_a_rotation_that_breaks_a_rule_leaves_the_session_as_it_was(db: Homeport) -> None:
    session = await a_session(db)
    other = await a_session(db, session_token_hash="taken")
    taken = db.access.rotate_session(session.id, {"session_token_hash": other.session_token_hash})
    assert (await violated(UniqueViolation, taken))[0] == "user_sessions_session_token_hash_key"
    ended = db.access.rotate_session(session.id, {"expires_at": "2020-01-01T00:00:00Z"})
    assert (await violated(CheckViolation, ended))[0] == "user_sessions_expires_at_check"
    nothing = db.access.rotate_session(session.id, {"session_token_hash": None})
    assert await violated(NotNullViolation, nothing) == (None, ("session_token_hash",))
    assert await db.access.sessions.find_by_id(session.id) == session


@pytest.mark.parametrize("field", ["is_active", "user_id", "revoked_at", "last_activity_at", "nonsense"])
async def test_a_rotation_sets_nothing_else(db: Homeport, field: str) -> None:
    session = await a_session(db)
    assert await refused(InvalidField, db.access.rotate_session(session.id, {field: None})) == field


# -- invalidate_session, invalidate_all_for_user


async def test_a_session_is_invalidated_once_and_says_when_and_why(db: Homeport) -> None:
    session = await a_session(db)
    assert await db.access.invalidate_session(session.id, reason="sign-out", now=NOW) is True
    assert await db.access.invalidate_session(session.id, reason="again") is False
    assert await db.access.sessions.find_by_id(session.id) == attrs.evolve(
        session, is_active=False, revoked_at=NOW, revoke_reason="sign-out"
    )
    assert await db.access.get_active_sessions(session.user_id) == []


async def test_an_expired_session_can_still_be_invalidated(db: Homeport) -> None:
    session = await expired(db, 1)
    assert await db.access.invalidate_session(str(session.id)) is True
    stored = await db.access.sessions.get_or_raise(session.id)
    assert stored.revoked_at is not None
    assert abs(stored.revoked_at - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)


async def test_the_session_of_another_is_not_invalidated_where_the_user_is_said(db: Homeport, user: User) -> None:
    session = await a_session(db)
    assert await db.access.invalidate_session(session.id, user_id=user.id) is False
    assert await db.access.sessions.find_by_id(session.id) == session
    assert await db.access.invalidate_session(session.id, user_id=session.user_id) is True


async def test_an_absent_session_is_not_invalidated_and_a_malformed_id_is_an_error(db: Homeport) -> None:
    assert await db.access.invalidate_session(ABSENT) is False
    assert await refused(InvalidValue, db.access.invalidate_session("1")) == "id"
    assert await refused(InvalidValue, db.access.invalidate_session(ABSENT, user_id="me")) == "user_id"


async def test_all_sessions_of_a_user_are_invalidated_but_the_one_to_keep(db: Homeport, user: User) -> None:
    kept, gone = [await a_session(db, user_id=user.id) for _ in range(2)]
    before = await a_session(db, user_id=user.id, is_active=False, revoke_reason="before")
    theirs = await a_session(db)
    assert await db.access.invalidate_all_for_user(user.id, keep=str(kept.id), reason="stolen", now=NOW) == 1
    assert await db.access.get_active_sessions(user.id) == [kept]
    assert await db.access.sessions.find_by_ids([before.id, theirs.id]) == [before, theirs]
    assert (await db.access.sessions.get_or_raise(gone.id)).revoke_reason == "stolen"
    assert await db.access.invalidate_all_for_user(user.id) == 1
    assert await db.access.invalidate_all_for_user(user.id) == 0
    assert await db.access.invalidate_all_for_user(ABSENT) == 0


# -- cleanup_expired_sessions


async def test_a_cleanup_removes_what_expired_before_in_batches(db: Homeport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "BATCH", 2)
    at_the_moment, alive = await expired(db, 5), await a_session(db)
    for hours in (6, 7, 7, 7, 8, 9):
        await expired(db, hours)
    await expired(db, 10, is_active=False)
    assert await db.access.cleanup_expired_sessions(ago(5)) == 7
    assert await db.access.sessions.find_many(order_by="expires_at") == [at_the_moment, alive]
    assert await db.access.cleanup_expired_sessions("2026-05-10T07:00:00Z") == 0


# -- log_login, get_login_history, count_failed_logins


async def test_a_logged_login_has_its_defaults(db: Homeport, user: User) -> None:
    made = await db.access.log_login(user.id, {})
    assert made == Login(id=made.id, user_id=user.id, login_time=made.login_time, success=True)
    assert await db.access.get_login_history(user.id) == [made]


async def test_a_logged_login_keeps_every_field_that_was_given(db: Homeport, user: User) -> None:
    fields: Mapping[str, object] = {
        "login_time": NOW,
        "success": False,
        "login_method": LoginMethod.MAGIC_LINK,
        "failure_reason": "",
        "ip_address": ipaddress.ip_address("10.0.0.1"),
        "user_agent": "中文",
        "device_info": {"os": "x"},
        "location_info": {},
    }
    made = await db.access.log_login(str(user.id), fields)
    assert {name: getattr(made, name) for name in fields} == fields


async def test_a_login_that_makes_no_sense_is_refused(db: Homeport, user: User) -> None:
    assert await refused(InvalidValue, db.access.log_login(user.id, {"login_method": "guess"})) == "login_method"
    assert await refused(InvalidField, db.access.log_login(user.id, {"user_id": ABSENT})) == "user_id"
    assert await refused(InvalidField, db.access.log_login(user.id, {"password": "x"})) == "password"
    unknown = db.access.log_login(ABSENT, {})
    assert await violated(ForeignKeyViolation, unknown) == ("login_history_user_id_fkey", ("user_id",))


async def test_the_history_is_the_users_newest_first_and_then_by_id(db: Homeport, user: User) -> None:
    old = await db.access.log_login(user.id, {"login_time": ago(3)})
    twins = [await db.access.log_login(user.id, {"login_time": ago(2)}) for _ in range(3)]
    new = await db.access.log_login(user.id, {"login_time": ago(1)})
    await build(db, LOGIN)
    in_order = [new, *sorted(twins, key=lambda login: login.id), old]
    assert await db.access.get_login_history(str(user.id)) == in_order
    assert await db.access.get_login_history(user.id, 2) == in_order[:2]
    assert await db.access.get_login_history(user.id, limit=0) == []
    assert await db.access.get_login_history(ABSENT) == []
    assert await refused(InvalidValue, db.access.get_login_history(user.id, limit=-1)) == "limit"


async def test_the_history_is_fifty_long_where_no_limit_is_given(db: Homeport, user: User) -> None:
    await db.collection(LOGIN).of(user.id).bulk_create([{} for _ in range(51)])
    assert len(await db.access.get_login_history(user.id)) == 50


async def test_failed_logins_are_counted_from_a_moment_on(db: Homeport, user: User) -> None:
    for hours in (1, 2, 3):
        await db.access.log_login(user.id, {"login_time": ago(hours), "success": False})
    await db.access.log_login(user.id, {"login_time": ago(1)})
    await build(db, LOGIN, login_time=ago(1), success=False)
    assert await db.access.count_failed_logins(user.id, ago(2)) == 2
    assert await db.access.count_failed_logins(user.id, NOW) == 0
    assert await db.access.count_failed_logins(ABSENT, ago(9)) == 0


# -- is_admin, get_admin_user


@pytest.mark.parametrize("role", AdminRole)
@pytest.mark.parametrize("status", AdminStatus)
async def test_an_admin_has_the_role_and_is_active(db: Homeport, role: AdminRole, status: AdminStatus) -> None:
    admin = await an_admin(db, role=role, status=status)
    expected = role is AdminRole.ADMIN and status is AdminStatus.ACTIVE
    assert await db.access.is_admin(admin.user_id) is expected
    assert await db.access.get_admin_user(str(admin.user_id)) == admin


async def test_who_is_not_listed_is_no_admin(db: Homeport, user: User) -> None:
    admin = await an_admin(db, role="admin")
    for id in (user.id, admin.id, ABSENT):
        assert await db.access.is_admin(id) is False
        assert await db.access.get_admin_user(id) is None
    assert await refused(InvalidValue, db.access.is_admin("me")) == "user_id"


async def test_a_user_and_an_address_are_listed_once(db: Homeport, user: User) -> None:
    admin = await an_admin(db, user_id=user.id, email="ada@example.org", created_by=user.id)
    assert (admin.permissions, admin.status, admin.created_by) == ({}, AdminStatus.ACTIVE, user.id)
    again = db.access.admins.create({"user_id": user.id, "email": "x@example.org", "role": "user"})
    assert await violated(UniqueViolation, again) == ("admin_users_user_id_key", ("user_id",))
    other = await a_user(db)
    taken = db.access.admins.create({"user_id": other.id, "email": "ada@example.org", "role": "user"})
    assert await violated(UniqueViolation, taken) == ("admin_users_email_key", ("email",))


# -- security events


async def test_a_logged_event_has_its_defaults(db: Homeport) -> None:
    made = await db.access.log_security_event({"event_type": "guess", "email_attempted": "nobody@example.org"})
    assert made == SecurityEvent(
        id=made.id,
        email_attempted="nobody@example.org",
        event_type="guess",
        severity=Severity.INFO,
        created_at=made.created_at,
    )
    assert await db.access.get_security_events() == [made]


async def test_an_event_that_makes_no_sense_is_refused(db: Homeport) -> None:
    assert await violated(NotNullViolation, db.access.log_security_event({})) == (None, ("event_type",))
    unknown = db.access.log_security_event({"event_type": "guess", "user_id": ABSENT})
    assert await violated(ForeignKeyViolation, unknown) == ("security_events_user_id_fkey", ("user_id",))
    loud = db.access.log_security_event({"event_type": "guess", "severity": "loud"})
    assert await refused(InvalidValue, loud) == "severity"
    assert await refused(InvalidField, db.access.log_security_event({"id": 1, "event_type": "guess"})) == "id"


async def test_events_are_listed_newest_first_the_later_number_before(db: Homeport, user: User) -> None:
    old = await a_security_event(db, id=901, created_at=ago(3), user_id=user.id)
    first = await a_security_event(db, id=902, created_at=ago(2), event_type="guess")
    second = await a_security_event(db, id=903, created_at=ago(2), event_type="guess", severity="critical")
    assert await db.access.get_security_events() == [second, first, old]
    assert await db.access.get_security_events(limit=1) == [second]
    assert await db.access.get_security_events({"user_id": user.id}) == [old]
    assert await db.access.get_security_events({"event_type": "guess", "severity": ["info", "warning"]}) == [first]
    assert await db.access.get_security_events({"resolved": True}) == []
    assert await refused(InvalidField, db.access.get_security_events({"colour": "red"})) == "colour"


async def test_an_event_is_resolved_once(db: Homeport) -> None:
    event, other = await a_security_event(db), await a_security_event(db)
    assert await db.access.resolve_security_event(event.id) is True
    assert await db.access.resolve_security_event(str(event.id)) is False
    assert await db.access.resolve_security_event(999_999_999) is False
    assert await refused(InvalidValue, db.access.resolve_security_event("one")) == "id"
    assert await db.access.get_security_events({"resolved": False}) == [other]


# -- what goes with a user


async def test_sessions_and_logins_go_with_their_user_and_events_stay(db: Homeport, user: User) -> None:
    await a_session(db, user_id=user.id)
    await db.access.log_login(user.id, {})
    event = await db.access.log_security_event({"event_type": "guess", "user_id": user.id})
    assert await db.users.users.delete(user.id) is True
    assert await db.access.get_active_sessions(user.id) == []
    assert await db.access.get_login_history(user.id) == []
    assert await db.access.get_security_events() == [attrs.evolve(event, user_id=None)]
