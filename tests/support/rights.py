"""Who may do what with each shipped table, as the requirements say it; nothing is read from the tables' policies."""

import enum
import itertools
import uuid
from collections.abc import Awaitable, Mapping
from typing import Any

import attrs

from homeport import Homeport
from homeport.contexts import SHIPPED, load
from homeport.domain.users import User
from homeport.kernel.binding import bind
from homeport.kernel.entity import Entity
from homeport.kernel.errors import (
    RepositoryPermissionError,
    RowSecurity,
    Unsupported,
)
from homeport.kernel.identity import ANON, Identity, identity
from homeport.kernel.predicates import Predicate, eq
from homeport.kernel.query import Delete, Deleted, Written
from homeport.kernel.table import Row, Table
from homeport.ports.store import Session
from homeport.repositories.budgets import BUDGET
from homeport.repositories.transition_launch import SHAKEDOWN_TRIP
from homeport.repositories.transition_plan import TRANSITION_PROFILE, TRANSITION_ROOM
from homeport.repositories.trips import TRIP
from homeport.repositories.vehicles import VEHICLE
from homeport.testing.builders import a_profile, a_user, build, made_up

TABLES = [table for name in SHIPPED for table in load(name).tables]
_NUMBERS = itertools.count(10_000)


class Outcome(enum.StrEnum):
    DONE = "done"
    NOTHING = "nothing"
    """The row is as absent."""
    ROW = "refused for the row"
    DENIED = "denied whatever rows there are"
    GAP = "not offered by the adapter"


DONE, NOTHING, ROW, DENIED, GAP = Outcome


@attrs.frozen
class Rights:
    """What becomes of each verb on one row, answered or not."""

    select: Outcome
    insert: Outcome
    update: Outcome
    delete: Outcome
    upsert: Outcome


ALL = Rights(DONE, DONE, DONE, DONE, DONE)
NONE = Rights(DENIED, DENIED, DENIED, DENIED, DENIED)
READ = Rights(DONE, DENIED, DENIED, DENIED, DENIED)
ADD = Rights(DONE, DONE, DENIED, DENIED, DENIED)


@attrs.frozen
class Kind:
    """The rights of a row's owner and of everybody else who is signed in, a manager too.

    `partner` is whom the row is for, where it has a second party.

    Attributes:
        given_away: what becomes of the owner's try to make the row somebody else's.
        met: what becomes of another's insert, of the row made their own, that leaves alone what is there.
    """

    owner: Rights
    others: Rights
    partner: Rights | None = None
    given_away: Outcome = DENIED
    met: Outcome = DENIED


_STRANGERS = Rights(NOTHING, ROW, NOTHING, NOTHING, ROW)
OWNER = Kind(ALL, _STRANGERS, given_away=ROW, met=NOTHING)
UNDER = Kind(ALL, _STRANGERS, given_away=ROW, met=ROW)
"""As OWNER, and the row hangs on one that has the same owner."""
SHARED = Kind(ALL, Rights(DONE, ROW, NOTHING, NOTHING, ROW), given_away=ROW, met=NOTHING)
PARTIES = Kind(
    owner=Rights(DONE, DONE, NOTHING, DONE, DENIED),
    partner=Rights(DONE, ROW, DONE, NOTHING, DENIED),
    others=Rights(NOTHING, ROW, NOTHING, NOTHING, DENIED),
    met=NOTHING,
)
INVITED = Kind(
    owner=Rights(DONE, DONE, DONE, DONE, DENIED),
    partner=Rights(DONE, ROW, DONE, DONE, DENIED),
    others=Rights(NOTHING, ROW, NOTHING, NOTHING, DENIED),
    met=NOTHING,
)
OWN_READ_AND_UPDATE = Kind(Rights(DONE, DENIED, DONE, DENIED, DENIED), Rights(NOTHING, DENIED, NOTHING, DENIED, DENIED))
APPENDED = Kind(ADD, Rights(NOTHING, ROW, DENIED, DENIED, DENIED), met=NOTHING)
OWN_READ = Kind(READ, Rights(NOTHING, DENIED, DENIED, DENIED, DENIED))
CATALOGUE = Kind(READ, READ)
SERVICE = Kind(NONE, NONE)


@attrs.frozen(kw_only=True)
class Rule:
    """How one table is to be protected.

    Attributes:
        owner: the owner's column; None where no row has one.
        partner: the column of the second party.
        parents: columns with the key of a row that is the owner's as well.
        change: what an update may set.
        refused: what the owner may not set, and how it is refused.
        service: what the service may do.
    """

    kind: Kind
    owner: str | None = "user_id"
    partner: str | None = None
    parents: Mapping[str, Table[Any]] = attrs.field(factory=dict)
    change: Mapping[str, object]
    refused: tuple[tuple[Mapping[str, object], Outcome], ...] = ()
    service: Rights = ALL


UNDER_PLAN = {"profile_id": TRANSITION_PROFILE}

RULES: Mapping[str, Rule] = {
    "users": Rule(
        kind=OWN_READ_AND_UPDATE,
        owner="id",
        change={"first_name": "Ada"},
        refused=(
            ({"role": "admin"}, DENIED),
            ({"email": "b@example.org"}, DENIED),
            ({"first_name": "A", "role": "admin"}, DENIED),
        ),
    ),
    "user_credentials": Rule(kind=SERVICE, change={"failed_attempts": 1}),
    "profiles": Rule(kind=OWNER, owner="id", change={"nickname": "ada"}),
    "public_profiles": Rule(kind=CATALOGUE, owner="id", change={}),
    "user_sessions": Rule(
        kind=OWN_READ_AND_UPDATE,
        change={"is_active": False},
        refused=(
            ({"is_active": True}, ROW),
            ({"revoke_reason": "mine"}, ROW),
            ({"user_agent": "x"}, DENIED),
            ({"is_active": False, "session_token_hash": "x"}, DENIED),
        ),
    ),
    "login_history": Rule(kind=OWN_READ, change={"failure_reason": "x"}, service=ADD),
    "admin_users": Rule(kind=SERVICE, change={"region": "x"}),
    "security_events": Rule(kind=SERVICE, change={"resolved": True}),
    "audit_logs": Rule(kind=SERVICE, owner="actor_user_id", change={"user_agent": "x"}, service=ADD),
    "system_config": Rule(kind=CATALOGUE, owner=None, change={"description": "x"}),
    "expenses": Rule(kind=OWNER, change={"vendor": "x"}),
    "budgets": Rule(kind=OWNER, change={"name": "x"}),
    "budget_categories": Rule(kind=UNDER, parents={"budget_id": BUDGET}, change={"color": "x"}),
    "recurring_expenses": Rule(kind=UNDER, parents={"budget_id": BUDGET}, change={"description": "x"}),
    "savings_events": Rule(kind=OWNER, change={"description": "x"}),
    "vehicles": Rule(kind=OWNER, change={"name": "x"}),
    "maintenance_records": Rule(kind=UNDER, parents={"vehicle_id": VEHICLE}, change={"task": "x"}),
    "fuel_logs": Rule(kind=UNDER, parents={"vehicle_id": VEHICLE}, change={"notes": "x"}),
    "posts": Rule(
        kind=SHARED, change={"content": "x"}, refused=(({"likes_count": 7}, DENIED), ({"comments_count": 7}, DENIED))
    ),
    "comments": Rule(kind=SHARED, change={"content": "x"}),
    "likes": Rule(kind=SHARED, change={}),
    "follows": Rule(kind=SHARED, owner="follower_id", change={}),
    "messages": Rule(
        kind=PARTIES,
        owner="sender_id",
        partner="recipient_id",
        change={"is_read": True},
        refused=(({"content": "x"}, DENIED), ({"is_read": True, "content": "x"}, DENIED)),
    ),
    "calendar_events": Rule(kind=OWNER, change={"title": "x"}),
    "affiliate_products": Rule(kind=CATALOGUE, owner=None, change={"title": "x"}),
    "product_clicks": Rule(kind=APPENDED, change={"user_agent": "x"}),
    "product_reports": Rule(kind=APPENDED, change={"notes": "x"}),
    "pam_interactions": Rule(kind=OWNER, change={"intent": "x"}),
    "pam_memories": Rule(kind=OWNER, change={"source": "x"}),
    "pam_context": Rule(kind=OWNER, change={}),
    "pam_admin_knowledge": Rule(kind=CATALOGUE, owner=None, change={"title": "x"}),
    "user_settings": Rule(kind=OWNER, change={}),
    "storage_categories": Rule(kind=OWNER, change={"color": "x"}),
    "storage_locations": Rule(kind=OWNER, change={"description": "x"}),
    "storage_items": Rule(kind=OWNER, change={"notes": "x"}),
    "trips": Rule(kind=OWNER, change={"title": "x"}),
    "trip_stops": Rule(kind=UNDER, owner=None, parents={"trip_id": TRIP}, change={"name": "x"}),
    "trip_expenses": Rule(kind=UNDER, owner=None, parents={"trip_id": TRIP}, change={"vendor": "x"}),
    "trip_participants": Rule(
        kind=INVITED,
        owner="trip_owner_id",
        partner="user_id",
        parents={"trip_id": TRIP},
        change={"status": "accepted"},
        refused=(({"role": "owner"}, DENIED), ({"status": "accepted", "role": "owner"}, DENIED)),
    ),
    "campgrounds": Rule(kind=CATALOGUE, owner=None, change={"name": "x"}),
    "transition_profiles": Rule(
        kind=OWNER,
        change={"motivation": "x"},
        refused=(({"tasks_count": 7}, DENIED), ({"completed_tasks_count": 7}, DENIED)),
    ),
    "transition_tasks": Rule(kind=UNDER, parents=UNDER_PLAN, change={"title": "x"}),
    "transition_timeline": Rule(kind=UNDER, parents=UNDER_PLAN, change={"description": "x"}),
    "transition_financial": Rule(kind=UNDER, parents=UNDER_PLAN, change={"category": "x"}),
    "transition_rooms": Rule(
        kind=UNDER,
        parents=UNDER_PLAN,
        change={"name": "x"},
        refused=(({"total_items": 7}, DENIED), ({"decided_items": 7}, DENIED)),
    ),
    "transition_items": Rule(kind=UNDER, parents={**UNDER_PLAN, "room_id": TRANSITION_ROOM}, change={"name": "x"}),
    "transition_services": Rule(kind=UNDER, parents=UNDER_PLAN, change={"notes": "x"}),
    "transition_equipment": Rule(kind=UNDER, parents=UNDER_PLAN, change={"category": "x"}),
    "transition_vehicle_mods": Rule(kind=UNDER, parents=UNDER_PLAN, change={"name": "x"}),
    "income_streams": Rule(kind=UNDER, parents=UNDER_PLAN, change={"notes": "x"}),
    "transition_community": Rule(
        kind=PARTIES,
        partner="buddy_user_id",
        change={"status": "accepted"},
        refused=(({"notes": "x"}, DENIED), ({"match_score": 100}, DENIED)),
    ),
    "shakedown_trips": Rule(kind=UNDER, parents=UNDER_PLAN, change={"name": "x"}),
    "shakedown_issues": Rule(kind=UNDER, parents={**UNDER_PLAN, "trip_id": SHAKEDOWN_TRIP}, change={"notes": "x"}),
    "launch_week_tasks": Rule(kind=CATALOGUE, owner=None, change={"task_name": "x"}),
    "user_launch_tasks": Rule(kind=OWNER, change={"notes": "x"}),
    "user_launch_dates": Rule(kind=OWNER, change={"first_destination": "x"}),
    "launch_checkins": Rule(kind=OWNER, change={"mood": "x"}),
}


def rule_of(table: Table[Any]) -> Rule:
    """A table without a rule here is the owner's, as most are: it fails until its rule is written."""
    return RULES.get(table.name, Rule(kind=OWNER, change={}))


def a_claim(user: User, **more: object) -> Identity:
    return identity({"role": "authenticated", "sub": str(user.id), **more})


@attrs.frozen(kw_only=True)
class Stage:
    """One table with one row, which is the owner's, and who may want to do something with it."""

    db: Homeport
    table: Table[Any]
    rule: Rule
    entity: Entity
    row: Row
    rights: Mapping[str, tuple[Session, Rights]]

    @property
    def key(self) -> object:
        return getattr(self.entity, self.table.key)

    @property
    def upserted(self) -> tuple[str, ...]:
        """The owner's own unique, the key where there is none."""
        full = [each.columns for each in self.table.uniques if each.plain]
        return next((each for each in full if self.rule.owner in each), (self.table.key,))

    async def rows(self) -> list[Entity]:
        """All rows of the table."""
        return await self.db.collection(self.table).find_many(deleted=Deleted.ALL, order_by=())

    @property
    def stays(self) -> bool:
        """Whether nobody changes or removes a row."""
        return self.rule.service is ADD

    async def remove(self, key: object) -> None:
        """Does nothing where rows stay."""
        if not self.stays:
            await self.service.delete(Delete("remove", self.table, self.is_(key)))

    async def restore(self) -> None:
        """The row as it was."""
        if not self.stays:
            await self.remove(self.key)
            await self.db.collection(self.table).add(self.entity)

    def another(self) -> Row:
        """A row to insert: always the same, which is then removed, but where rows stay each time one more."""
        key = self.table.key_column
        return {**self.row, key.name: next(_NUMBERS) if key.identity else uuid.uuid4()} if self.stays else self.row

    @property
    def service(self) -> Session:
        return self.rights["service"][0]

    def is_(self, key: object) -> Predicate:
        return bind(eq(self.table.key, key), self.table, self.db.catalog)


async def staged(db: Homeport, table: Table[Any]) -> Stage:
    rule = rule_of(table)
    deployed = db.catalog.table(table)
    a, b, boss = [await a_user(db) for _ in range(3)]
    entity, row = await owned(db, deployed, rule, a, b)
    context = next(each for each in db.contexts if table in each.tables)
    kind = rule.kind
    who = {
        "anon": (ANON, NONE),
        "owner": (a_claim(a), kind.owner),
        "another user": (a_claim(b), kind.partner or kind.others),
        "manager": (a_claim(boss, app_metadata={"role": "manager"}), kind.others),
    }
    rights = {name: (db.as_user(each).store(context), given) for name, (each, given) in who.items()}
    rights["service"] = db.as_service().store(context), rule.service
    return Stage(db=db, table=deployed, rule=rule, entity=entity, row=row, rights=rights)


async def owned(db: Homeport, table: Table[Any], rule: Rule, a: User, b: User) -> tuple[Entity, Row]:
    """The owner's row, stored, and the values of another one that is not."""
    if rule.owner == "id" and table.name == "users":
        return a, admitted(table, await made_up(db, table, id=uuid.uuid4()))
    fields: dict[str, object] = {
        name: (await build(db, parent, user_id=a.id)).id for name, parent in rule.parents.items()
    }
    fields |= {} if rule.owner is None else {rule.owner: a.id}
    fields |= {} if rule.partner is None else {rule.partner: b.id}
    if table.view_of is not None:
        profile = await a_profile(db, **fields)
        return db.catalog.table(table).entity(**{name: getattr(profile, name) for name in table.by_name}), {}
    entity = await build(db, table, **fields)
    other = await made_up(db, table, **fields)
    if table.key not in other:
        other[table.key] = next(_NUMBERS) if table.key_column.identity else uuid.uuid4()
    return entity, admitted(table, other)


def admitted(table: Table[Any], row: Row) -> Row:
    return {name: table.require(name).admit(value) for name, value in row.items()}


async def outcome(call: Awaitable[Any]) -> Outcome:
    """What became of a call that means one row."""
    try:
        answer = await call
    except RepositoryPermissionError as error:
        if error.code != "42501":
            raise
        return ROW if isinstance(error, RowSecurity) else DENIED
    except Unsupported:
        return GAP
    written = answer.count if isinstance(answer, Written) else len(answer) if isinstance(answer, list) else answer
    assert written in (0, 1)
    return DONE if written else NOTHING
