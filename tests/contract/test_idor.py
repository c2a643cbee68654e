"""Other people's ids: every port method that is asked for what is somebody's answers as if it were not there.

The methods are found on the ports, and their arguments by the names of their parameters. Each is asked for another
user's rows and for rows that nobody has: by the service on one's own behalf, by oneself, and by oneself on the other's
behalf. The owner is then answered something else, lest two refusals of a senseless call pass for equal. A new method
that this can't be done with fails until it is told here how.
"""

import importlib
import inspect
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

import attrs
import pytest

from homeport import Homeport
from homeport.composition.repositories import Repositories
from homeport.contexts import SHIPPED, load
from homeport.domain.users import User
from homeport.kernel.entity import Entity
from homeport.kernel.errors import RepositoryError
from homeport.kernel.identity import identity
from homeport.kernel.table import Column, ForeignKey, Table
from homeport.kernel.types import TextType
from homeport.testing.builders import a_user, build, made_up, value_of

ACTING = ("owner_id", "user_id", "sender_id", "follower_id")
"""Parameters that say on whose behalf it is done: the first one that a method has."""

NOT_SOMEBODYS: Mapping[str, str] = {
    # the service's
    "AuthRepository.get_sessions_by_ip": "the service's: anybody's sessions, and no id",
    "AuthRepository.cleanup_expired_sessions": "the service's, and no id",
    "AuthRepository.log_security_event": "the service's",
    "AuthRepository.get_security_events": "the service's",
    "AuthRepository.resolve_security_event": "the service's",
    "AuditRepository.record": "the service's",
    "AuditRepository.history": "the service's",
    "AuditRepository.by_actor": "the service's",
    "SystemConfigRepository.get": "everybody's, and the service's",
    "SystemConfigRepository.get_value": "everybody's, and the service's",
    "SystemConfigRepository.get_many": "everybody's, and the service's",
    "SystemConfigRepository.define": "the service's",
    "SystemConfigRepository.set": "the service's",
    "SystemConfigRepository.list": "everybody's, and the service's",
    "UserRepository.find_active_users": "asks for no id",
    "KnowledgeRepository.add_knowledge": "the service's",
    "KnowledgeRepository.search_knowledge": "everybody's",
    # everybody's
    "ProfileRepository.get_profile_by_username": "everybody's: the few columns that all may see",
    "ProfileRepository.search_profiles": "everybody's: the few columns that all may see",
    "ShopRepository.get_active_products": "everybody's",
    "ShopRepository.get_product_by_id": "everybody's",
    "ShopRepository.search_products": "everybody's",
    "ShopRepository.get_product_clicks": "everybody's products; how many clicks only the service sees",
    "SocialRepository.get_post_by_id": "everybody reads posts",
    "SocialRepository.get_user_posts": "everybody reads posts",
    "SocialRepository.get_post_comments": "everybody reads comments",
    "SocialRepository.get_post_likes": "everybody reads likes",
    "SocialRepository.get_user_followers": "everybody reads follows",
    "SocialRepository.get_user_following": "everybody reads follows",
    "LaunchRepository.install_launch_week": "the service's",
    "LaunchRepository.get_launch_week_tasks": "everybody's",
}


@attrs.frozen
class Method:
    """One method of a port."""

    context: str
    port: str
    name: str
    function: Callable[..., Any]

    @property
    def key(self) -> str:
        return f"{self.port}.{self.name}"

    @property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        named = inspect.signature(self.function).parameters
        return {name: each for name, each in named.items() if name != "self"}

    @property
    def acting(self) -> str | None:
        return next((name for name in ACTING if name in self.parameters), None)

    @property
    def entity(self) -> type | None:
        """What it answers: one, or a list of them."""
        answer = inspect.signature(self.function).return_annotation
        kinds = [each for each in (answer, *get_args(answer)) if inspect.isclass(each) and issubclass(each, Entity)]
        return kinds[0] if kinds else None


def found_methods() -> Iterator[Method]:
    for context in SHIPPED:
        for name, port in vars(importlib.import_module(f"homeport.ports.{context}")).items():
            if getattr(port, "_is_protocol", False) and port.__name__ == name and name not in _NO_PORTS:
                for each, function in vars(port).items():
                    if inspect.isfunction(function) and not each.startswith("_"):
                        yield Method(context, name, each, function)


_NO_PORTS = ("Store", "Unit", "Session", "Protocol")
METHODS = {each.key: each for each in found_methods()}


ROW_VALUES: Mapping[str, str] = {"session_token_hash": "user_sessions", "email": "users"}
"""Parameters that are found by a column of that name, and its table."""

THINGS: Mapping[str, str] = {"TransitionRepository.complete_transition_task.task": "transition_tasks"}
"""Parameters whose table their names don't tell."""

GIVEN: Mapping[str, tuple[str, str]] = {
    "LaunchRepository.complete_launch_task.task_id": ("launch_week_tasks", "id"),
    "LaunchRepository.reopen_launch_task.task_id": ("launch_week_tasks", "id"),
    "ShopRepository.report_product.product_id": ("affiliate_products", "id"),
    "ShopRepository.track_product_click.product_id": ("affiliate_products", "id"),
    "SocialRepository.create_comment.post_id": ("posts", "id"),
    "SocialRepository.get_user_messages.other_user_id": ("messages", "recipient_id"),
    "SocialRepository.toggle_like.post_id": ("posts", "id"),
    "SocialRepository.unfollow_user.following_id": ("follows", "following_id"),
    "TripRepository.remove_trip_participant.user_id": ("trip_participants", "user_id"),
}
"""Parameters that mean what everybody may know of: the same, and real, whoever's rows are asked for."""

ROWS: Mapping[str, Mapping[str, object]] = {
    "expenses": {"category": "x"},
    "login_history": {"success": False},
    "user_launch_tasks": {"is_completed": True},
    "TransitionRepository.restore_profile.transition_profiles": {"archived_at": "2024-01-01T00:00:00Z"},
}
"""Values that a user's row of the table has, for all methods or for one."""

VALUES: Mapping[str, object] = {
    "accepts": True,
    "allowed": 3,
    "checkin_type": "day_1",
    "before": "2030-01-01T00:00:00Z",
    "category": "x",
    "departure_date": "2030-01-01",
    "end_date": "2030-01-01",
    "locked_until": "2030-01-01T00:00:00Z",
    "name": "x",
    "password_hash": "x" * 40,
    "query": "x",
    "reason": "broken_link",
    "since": "2020-01-01T00:00:00Z",
    "start_date": "2020-01-01",
    "stop_ids": (),
}
"""What else a method has to be given, by the parameter's name."""

STRANGERS = ("following_id", "other_user_id", "recipient_id", "user_id")
"""Parameters that mean a third user, where they don't say who acts."""


@attrs.define
class World:
    """What one user has, a row of each table of a context; or what nobody has."""

    db: Homeport
    method: str
    who: uuid.UUID
    real: bool
    rows: dict[Table[Any], Entity] = attrs.field(factory=dict)

    async def value(self, table: Table[Any], name: str) -> object:
        """The column of the user's row; a value that no row has, if there is none."""
        if self.real:
            return getattr(await self.row(table), name)
        return value_of(table.require(name).type, name, 10**9)

    async def row(self, table: Table[Any]) -> Entity:
        if table not in self.rows:
            fields: dict[str, object] = {} if table.owner is None else {table.owner: self.who}
            for key in table.foreign_keys:
                fields |= await self._reference(table, key)
            fields |= {**ROWS.get(table.name, {}), **ROWS.get(f"{self.method}.{table.name}", {})}
            self.rows[table] = await build(self.db, table, **fields)
        return self.rows[table]

    async def _reference(self, table: Table[Any], key: ForeignKey) -> dict[str, object]:
        """The user's own parent, with what is shared with it. Other users stay strangers."""
        if table.by_name[key.columns[-1]].nullable or key.table in ("public.users", table.full_name):
            return {}
        parent = await self.row(self.db.catalog.named(key.table))
        return {ours: getattr(parent, theirs) for ours, theirs in zip(key.columns, key.targets, strict=True)}


@attrs.frozen
class Stage:
    """Somebody with rows, somebody who asks for them, and somebody else."""

    db: Homeport
    method: Method
    tables: tuple[Table[Any], ...]
    owner: User
    me: User
    stranger: User
    theirs: World
    nothing: World
    data: Mapping[str, object]

    def things(self) -> dict[str, tuple[Table[Any], str]]:
        """The parameters that mean a row of somebody's: its table, and the column that it is found by."""
        found: dict[str, tuple[Table[Any], str]] = {}
        for name in self.method.parameters:
            if f"{self.method.key}.{name}" in GIVEN:
                continue
            if name in ROW_VALUES:
                table = self.db.catalog.named(ROW_VALUES[name])
                found[name] = table, name
            elif f"{self.method.key}.{name}" in THINGS or (
                name.endswith("_id") and name not in ACTING and name not in STRANGERS
            ):
                table = self._table(name)
                found[name] = table, table.key
        return found

    def _table(self, name: str) -> Table[Any]:
        given = THINGS.get(f"{self.method.key}.{name}")
        if given is not None:
            return self.db.catalog.named(given)
        noun = name.removesuffix("_id")
        called = [each for each in self.tables if each.name.endswith((f"{noun}s", f"{noun[:-1]}ies"))]
        if len(called) == 1 and not self.method.name.endswith(f"_{noun}"):
            return called[0]
        return table_of(self.method, self.tables) or pytest.fail(f"{self.method.key}: which table is {name} of?")

    async def arguments(self, world: World, who: uuid.UUID) -> dict[str, object]:
        given: dict[str, object] = {}
        things = self.things()
        for name, parameter in self.method.parameters.items():
            known = GIVEN.get(f"{self.method.key}.{name}")
            if known is not None:
                given[name] = await self.theirs.value(self.db.catalog.named(known[0]), known[1])
            elif name == self.method.acting:
                given[name] = who
            elif name in things:
                given[name] = await world.value(*things[name])
            elif name in STRANGERS:
                given[name] = self.stranger.id
            elif parameter.default is inspect.Parameter.empty:
                given[name] = self.data if name == "data" else VALUES[name]
        return given

    async def told(self, repositories: Repositories[Any], world: World, who: uuid.UUID) -> str:
        """What is answered, an error with all that it says."""
        context = next(each for each in self.db.contexts if each.name == self.method.context)
        call = getattr(repositories.repository(context), self.method.name)
        try:
            return repr(await call(**await self.arguments(world, who)))
        except RepositoryError as error:
            return f"{type(error).__name__}: {error} {sorted(vars(error).items())}"


def table_of(method: Method, tables: tuple[Table[Any], ...]) -> Table[Any] | None:
    """The table of what it answers, or of what the method that updates or makes the same thing answers."""
    noun = method.name.partition("_")[2]
    alike = [METHODS.get(f"{method.port}.{verb}_{noun}") for verb in ("update", "create", "add", "log", "save")]
    for each in (method, *alike):
        if each is not None and each.entity is not None:
            found = next((table for table in tables if table.entity is each.entity), None)
            if found is not None:
                return found
    return None


async def staged(db: Homeport, method: Method) -> Stage:
    context = next(each for each in db.contexts if each.name == method.context)
    tables = tuple(db.catalog.table(each) for each in context.tables if each.view_of is None)
    owner, me, stranger = [await a_user(db) for _ in range(3)]
    theirs, nothing = World(db, method.key, owner.id, real=True), World(db, method.key, uuid.uuid4(), real=False)
    for each in tables:
        if each.name != "users":
            await theirs.row(each)
        else:
            theirs.rows[each] = owner
    data = await data_for(db, method, table_of(method, tables))
    return Stage(db, method, tables, owner, me, stranger, theirs, nothing, data)


DATA: Mapping[str, Mapping[str, object]] = {
    "AuthRepository.rotate_session": {"session_token_hash": "a new one"},
}
"""What a method is given as data, where it is not simply a row's columns."""


async def data_for(db: Homeport, method: Method, table: Table[Any] | None) -> Mapping[str, object]:
    """What an insert needs, references left out; for an update a column that any text fits."""
    if "data" not in method.parameters:
        return {}
    if method.key in DATA:
        return DATA[method.key]
    if table is None:
        return pytest.fail(f"{method.key}: what data does it take?")
    bound = {table.key, table.owner, *(name for key in table.foreign_keys for name in key.columns)}
    if method.name.startswith("update"):
        free = (each for each in table.columns if each.name not in bound and plain(table, each))
        column = next(free)
        return {column.name: value_of(column.type, column.name, 7)}
    return {name: value for name, value in (await made_up(db, table)).items() if name not in bound}


def plain(table: Table[Any], column: Column) -> bool:
    checked = {name for columns in table.constraints.values() for name in columns}
    return not column.read_only and isinstance(column.type, TextType) and column.name not in checked


ASKED = {key: each for key, each in METHODS.items() if key not in NOT_SOMEBODYS}


def test_every_context_has_its_port() -> None:
    assert {each.context for each in METHODS.values()} == set(SHIPPED)


def test_no_method_is_left_out_by_a_name_that_is_gone() -> None:
    assert NOT_SOMEBODYS.keys() <= METHODS.keys()
    assert DATA.keys() <= METHODS.keys()
    assert {each.rpartition(".")[0] for each in THINGS} <= METHODS.keys()


@pytest.mark.parametrize("key", ASKED)
async def test_anothers_row_is_as_absent(db: Homeport, key: str) -> None:
    method = ASKED[key]
    stage = await staged(db, method)
    me, owner, absent = stage.me.id, stage.owner.id, stage.nothing.who
    mine = db.as_user(identity({"role": "authenticated", "sub": str(me)}))
    asked: list[tuple[Repositories[Any], uuid.UUID, uuid.UUID]] = []
    if stage.things():
        asked += [(mine, me, me)]
        asked += [(db.as_service(), me, me)] if method.acting is not None else []
    if method.acting is not None:
        asked += [(mine, owner, absent)]
    assert asked, "no parameter says whose rows are meant: is it somebody's?"
    refusals = []
    for repositories, for_theirs, for_nothing in asked:
        answer = await stage.told(repositories, stage.theirs, for_theirs)
        assert answer == await stage.told(repositories, stage.nothing, for_nothing)
        refusals.append(answer)
    assert await stage.told(db.as_service(), stage.theirs, owner) not in refusals, "it is not answered to the owner"


# -- rows of others in what is written


def references() -> Iterator[tuple[str, str]]:
    """Methods that take data with a reference to what is somebody's, and the column of it."""
    for key, method in ASKED.items():
        if "data" in method.parameters and key not in DATA:
            table = table_of(method, tuple(load(method.context).tables))
            for each in table.foreign_keys if table is not None else ():
                column = each.columns[-1]
                if each.table in OWNED and not {column, f"{column.removesuffix('_id')}_id"} & method.parameters.keys():
                    yield key, column


SHARED = ("posts", "comments", "likes", "follows")
OWNED = {
    each.full_name: each
    for name in SHIPPED
    for each in load(name).tables
    if each.owner is not None and each.name not in ("users", *SHARED)
}


@pytest.mark.parametrize(("key", "column"), tuple(references()))
async def test_a_reference_to_anothers_row_is_as_one_to_nothing(db: Homeport, key: str, column: str) -> None:
    stage = await staged(db, ASKED[key])
    table = table_of(stage.method, stage.tables)
    assert table is not None
    parent = db.catalog.named(next(each.table for each in table.foreign_keys if each.columns[-1] == column))
    mine = World(db, key, stage.me.id, real=True)
    for each in stage.tables:
        await mine.row(each)
    told = []
    for repositories in (db.as_service(), db.as_user(identity({"role": "authenticated", "sub": str(stage.me.id)}))):
        for target in (await stage.theirs.value(parent, parent.key), await stage.nothing.value(parent, parent.key)):
            asking = attrs.evolve(stage, data={**stage.data, column: target})
            told.append(await asking.told(repositories, mine, stage.me.id))
        assert told[-1] == told[-2]
    own = attrs.evolve(stage, data={**stage.data, column: await mine.value(parent, parent.key)})
    assert await own.told(db.as_service(), mine, stage.me.id) not in told
