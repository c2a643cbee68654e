"""Row policies as PostgreSQL applies them: what is read is limited, what is written is judged. Holds no rows.

A row that no policy shows is as absent. A row written against a policy is RowSecurity, before any constraint is looked
at. A verb without a grant is refused whatever rows there are. Foreign keys, their actions and counters pass all this.
"""

import enum
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, assert_never

import attrs

from homeport.adapters.memory.engine import Engine
from homeport.kernel.binding import bind
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E, Entity
from homeport.kernel.errors import RepositoryPermissionError, RowSecurity, SchemaMismatch
from homeport.kernel.grants import Grant, grants
from homeport.kernel.identity import Identity, Role
from homeport.kernel.operation import Operation
from homeport.kernel.predicates import (
    AllOf,
    AnyOf,
    Compare,
    Exists,
    IsNull,
    Matches,
    Not,
    OneOf,
    Predicate,
    any_of,
    conjuncts,
)
from homeport.kernel.query import Insert, Select
from homeport.kernel.table import Policy, Table, Verb

REFUSED = "42501"

Guard: TypeAlias = Callable[[Entity], None]
"""Raises RowSecurity for a row that the policies refuse."""


Part: TypeAlias = Callable[[Policy], Predicate | None]
"""What a policy says of the rows that are found, or of those that are written."""


def _found(policy: Policy) -> Predicate | None:
    return policy.using


def _written(policy: Policy) -> Predicate | None:
    """An update that says nothing of the new row says of it the same as of the old one."""
    return policy.using if policy.check is None and policy.verb is Verb.UPDATE else policy.check


class Rows(enum.Enum):
    """Rows by what is done with them. Whoever names columns of a row has to be allowed to read it."""

    READ = "read"
    CHANGED = "changed"
    """Rows to be changed, as they are before."""
    REMOVED = "removed"
    NEW = "new"
    NEW_READ = "new, and answered or looked for"
    WRITTEN = "written by an update"


_PARTS: Mapping[Rows, tuple[tuple[Verb, Part], ...]] = {
    Rows.READ: ((Verb.SELECT, _found),),
    Rows.CHANGED: ((Verb.SELECT, _found), (Verb.UPDATE, _found)),
    Rows.REMOVED: ((Verb.SELECT, _found), (Verb.DELETE, _found)),
    Rows.NEW: ((Verb.INSERT, _written),),
    Rows.NEW_READ: ((Verb.INSERT, _written), (Verb.SELECT, _found)),
    Rows.WRITTEN: ((Verb.UPDATE, _written), (Verb.SELECT, _found)),
}


class Policies:
    """One deployment's grants and policies, bound at the first need. They name no user: all identities share them.

    Raises everywhere:
        SchemaMismatch: policies that look into each other's tables without end.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._grants: dict[Table[Any], dict[Verb, Grant]] = {}
        self._rows: dict[tuple[Table[Any], Rows], tuple[Predicate, ...]] = {}
        self._binding: list[Table[Any]] = []

    def grant(self, table: Table[Any], verb: Verb) -> Grant | None:
        """What a signed-in user is granted; None for nothing."""
        found = self._grants.get(table)
        if found is None:
            found = self._grants[table] = {each.verb: each for each in grants(table)}
        return found.get(verb)

    def rows(self, table: Table[Any], kind: Rows) -> tuple[Predicate, ...]:
        """What has to hold together; nothing where all rows are meant."""
        found = self._rows.get((table, kind))
        if found is None:
            parts = [self._bound(table, verb, part) for verb, part in _PARTS[kind]]
            found = tuple(dict.fromkeys(each for part in parts for each in conjuncts(part)))
            self._rows[table, kind] = found
        return found

    def limited(self, where: Predicate) -> Predicate:
        """The same with every `exists` looking at rows only that may be read. Raises RepositoryPermissionError."""
        match where:
            case AllOf(predicates):
                return AllOf(tuple(self.limited(each) for each in predicates))
            case AnyOf(predicates):
                return AnyOf(tuple(self.limited(each) for each in predicates))
            case Not(inner):
                return Not(self.limited(inner))
            case Exists(table, on, inner):
                if self.grant(table, Verb.SELECT) is None:
                    raise denied(Role.AUTHENTICATED, Verb.SELECT, table)
                said = conjuncts(self.limited(inner))
                return Exists(table, on, AllOf((*said, *self.rows(table, Rows.READ))))
            case Compare() | OneOf() | IsNull() | Matches():
                return where
            case _:
                assert_never(where)

    def _bound(self, table: Table[Any], verb: Verb, part: Part) -> Predicate:
        """One of the verb's policies is enough; where none says anything, no row is meant."""
        given = [said for each in table.policies if each.verb is verb and (said := part(each)) is not None]
        bound = bind(any_of(*given), table, self._catalog)
        if not _looks_elsewhere(bound):
            return bound
        if table in self._binding:
            raise SchemaMismatch(f"the row policies of {table.name} look into {table.name} again")
        self._binding.append(table)
        try:
            return self.limited(bound)
        finally:
            self._binding.pop()


def _looks_elsewhere(predicate: Predicate) -> bool:
    match predicate:
        case AllOf(predicates) | AnyOf(predicates):
            return any(map(_looks_elsewhere, predicates))
        case Not(inner):
            return _looks_elsewhere(inner)
        case _:
            return isinstance(predicate, Exists)


@attrs.frozen
class Guards:
    """What judges the rows of a write: a new one, one that is there and is to be changed, and one after its change."""

    new: Guard | None = None
    there: Guard | None = None
    changed: Guard | None = None


OPEN = Guards()
"""The service's: nothing is judged."""


class Access:
    """What one identity may do that is not the service: for that one `None` stands everywhere.

    Raises everywhere:
        RepositoryPermissionError: a verb is not granted, on this table or on one of these columns.
    """

    def __init__(self, identity: Identity, policies: Policies) -> None:
        self.user = identity.user
        self._role = identity.role
        self._policies = policies

    def reading(self, query: Select[E]) -> Select[E]:
        """The query for what may be read; one that locks its rows, for what may be changed as well."""
        kind = Rows.READ
        if query.lock is not None:
            self._require(Verb.UPDATE, query.table)
            kind = Rows.CHANGED
        where = self._meant(query.table, query.where, kind)
        return Select(
            query.name, query.table, where, query.order, query.limit, query.offset, query.subject, query.lock
        )  # spelled out: `evolve` would take longer than the rest

    def changing(self, table: Table[Any], where: Predicate, names: Iterable[str]) -> Predicate:
        """The filter of an update that sets these columns."""
        self._require(Verb.UPDATE, table, names)
        return self._meant(table, where, Rows.CHANGED)

    def removing(self, table: Table[Any], where: Predicate) -> Predicate:
        """The filter of a delete."""
        self._require(Verb.DELETE, table)
        return self._meant(table, where, Rows.REMOVED)

    def inserting(self, engine: Engine, command: Insert[Any]) -> Guards:
        """Rows that are answered, or may meet others, have to be such as the user may read."""
        table, conflict = command.table, command.conflict
        self._require(Verb.INSERT, table, (name for row in command.rows for name in row))
        if conflict is None and not command.returning:
            return Guards(self._guard(engine, table, Rows.NEW))
        self._require(Verb.SELECT, table)
        new = self._guard(engine, table, Rows.NEW_READ)
        if conflict is None or not conflict.update:
            return Guards(new)
        self._require(Verb.UPDATE, table, conflict.update)
        return Guards(new, self._guard(engine, table, Rows.CHANGED), self.written(engine, table))

    def written(self, engine: Engine, table: Table[Any]) -> Guard:
        """Judges a row as an update leaves it."""
        return self._guard(engine, table, Rows.WRITTEN)

    def executing(self, operation: Operation[Any, Any]) -> None:
        """Signed-in users may call every operation: its statements are judged one by one."""
        if self._role is Role.ANON:
            name = f"{operation.schema}.{operation.function}"
            raise RepositoryPermissionError(f"{self._role.value} may not execute {name}", code=REFUSED)

    def _require(self, verb: Verb, table: Table[Any], names: Iterable[str] = ()) -> None:
        grant = None if self._role is Role.ANON else self._policies.grant(table, verb)
        if grant is None or not grant.covers(names):
            raise denied(self._role, verb, table)

    def _meant(self, table: Table[Any], where: Predicate, kind: Rows) -> Predicate:
        self._require(Verb.SELECT, table)
        return AllOf((*conjuncts(self._policies.limited(where)), *self._policies.rows(table, kind)))

    def _guard(self, engine: Engine, table: Table[Any], kind: Rows) -> Guard:
        holds = engine.test(table, AllOf(self._policies.rows(table, kind)), self.user)

        def judge(row: Entity) -> None:
            if not holds(row):
                raise RowSecurity(f"a row policy of {table.name} refused the row", code=REFUSED)

        return judge


def denied(role: Role, verb: Verb, table: Table[Any]) -> RepositoryPermissionError:
    return RepositoryPermissionError(f"{role.value} may not {verb.value} in {table.name}", code=REFUSED)
