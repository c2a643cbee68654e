"""Tables: what the database holds for an entity, said once. DDL, codecs, the memory engine and checks read it here.

A `Table` is made by `table()` from the entity's fields and what they can't say. The field's annotation gives the
column's type and whether it may be NULL, the field's default the column's default.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, cast

import attrs

from homeport.kernel.admission import Admission
from homeport.kernel.columns import (
    CREATED,
    DELETED,
    ID,
    IDENTITY,
    NEW_UUID,
    NOW,
    OWNER,
    TODAY,
    UPDATED,
    USER_OR_NULL,
    Column,
    ColumnSpec,
    Default,
    OnDelete,
    Reference,
    Row,
    Rule,
    column,
    columns_of,
    literal_default,
    sql_literal,
)
from homeport.kernel.constraints import (
    Check,
    Counter,
    ForeignKey,
    Index,
    Unique,
    at_least,
    between,
    check,
    differ,
    index,
    more_than,
    not_before,
    unique,
)
from homeport.kernel.entity import E
from homeport.kernel.errors import InvalidField, SchemaMismatch, unknown_name
from homeport.kernel.predicates import Predicate
from homeport.kernel.types import ChoiceType, ColumnType, IntegerType

__all__ = [
    "CREATED",
    "DELETED",
    "ID",
    "IDENTITY",
    "NEW_UUID",
    "NOW",
    "OWNER",
    "TODAY",
    "UPDATED",
    "USER_OR_NULL",
    "Check",
    "Column",
    "ColumnSpec",
    "Counter",
    "Default",
    "ForeignKey",
    "Index",
    "OnDelete",
    "Override",
    "Policy",
    "Reference",
    "Row",
    "Rule",
    "Table",
    "Unique",
    "Verb",
    "at_least",
    "between",
    "check",
    "column",
    "columns_of",
    "differ",
    "index",
    "literal_default",
    "more_than",
    "not_before",
    "sql_literal",
    "table",
    "unique",
]


class Verb(enum.StrEnum):
    SELECT = "select"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


@attrs.frozen
class Policy:
    """Which rows a signed-in user may touch with one verb. What no policy allows is refused; service passes all.

    `using` says which stored rows are seen, `check` what a written row must be. `columns` limits an update to them;
    empty means all.
    """

    verb: Verb
    using: Predicate | None = None
    check: Predicate | None = None
    columns: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Override:
    """Names and types of one deployment's table, where they differ from the declared ones.

    `columns` maps our column names to the database's; `types` gives other types. A key of integer type becomes an
    identity.
    """

    name: str | None = None
    schema: str | None = None
    columns: Mapping[str, str] = attrs.field(factory=dict)
    types: Mapping[str, ColumnType] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Table(Generic[E]):
    """All that is known of one entity's table. Compared by identity.

    `view_of` names the table that a read-only projection shows; the projection has some of its columns. `version` is
    the column that the database raises by one whenever a statement changes the row itself. A table that is `withheld`
    is reached by its repository alone, never by its name as text. The rows of one that is `append_only` stay as they
    were added, whoever asks, unless a foreign key's action changes them.
    """

    entity: type[E]
    name: str
    schema: str
    db_name: str
    key: str
    owner: str | None
    soft_delete: str | None
    version: str | None
    columns: tuple[Column, ...]
    uniques: tuple[Unique, ...]
    foreign_keys: tuple[ForeignKey, ...]
    checks: tuple[Check, ...]
    indexes: tuple[Index, ...]
    counters: tuple[Counter, ...]
    policies: tuple[Policy, ...]
    order: tuple[str, ...]
    view_of: str | None
    withheld: bool
    append_only: bool

    def __repr__(self) -> str:
        return f"<Table {self.full_name}>"

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        return {each.name: each for each in self.columns}

    @cached_property
    def key_column(self) -> Column:
        return self.by_name[self.key]

    @cached_property
    def makes_keys(self) -> bool:
        """Whether a key that is not given is a new UUID."""
        return self.key_column.default == NEW_UUID

    @cached_property
    def verbs(self) -> tuple[Verb, ...]:
        """What anybody may do with its rows at all, and the service may do with all of them."""
        if self.view_of is not None:
            return (Verb.SELECT,)
        return (Verb.SELECT, Verb.INSERT) if self.append_only else tuple(Verb)

    @cached_property
    def admission(self) -> Admission:
        """How rows of callers are taken."""
        return Admission(self.settable)

    @property
    def full_name(self) -> str:
        """`schema.name` as declared: what foreign keys refer to."""
        return f"{self.schema}.{self.name}"

    @property
    def primary_key(self) -> str:
        """The name of the primary key's constraint."""
        return f"{self.name}_pkey"

    def require(self, name: object) -> Column:
        """The column of that name. Raises InvalidField with the nearest names."""
        found = self.by_name.get(name) if isinstance(name, str) else None
        if found is None:
            raise InvalidField(f"{self.name}: {unknown_name('column', name, self.by_name)}", field=str(name)[:80])
        return found

    def settable(self, name: object) -> Column:
        """As `require`, for a column that a caller may set. Raises InvalidField."""
        column = self.require(name)
        if column.read_only:
            raise InvalidField(f"{self.name}.{column.name} is set by the database", field=column.name)
        return column

    def values(self, entity: E) -> dict[str, object]:
        """The entity's values by column name, as they are."""
        return {each.name: getattr(entity, each.name) for each in self.columns}

    @cached_property
    def constraints(self) -> Mapping[str, tuple[str, ...]]:
        """The columns of every named constraint."""
        return {
            self.primary_key: (self.key,),
            **{cast("str", each.name): each.columns for each in self.uniques},
            **{each.name: each.columns for each in self.foreign_keys},
            **{each.name: each.columns for each in self.checks},
        }

    def deployed(self, override: Override) -> "Table[E]":
        """This table under the names and types of one deployment. Raises InvalidField for a column it lacks."""
        for name in (*override.columns, *override.types):
            self.require(name)
        return attrs.evolve(
            self,
            db_name=override.name or self.db_name,
            schema=override.schema or self.schema,
            columns=tuple(_deployed(each, override, is_key=each.name == self.key) for each in self.columns),
        )


VERSION = column(default=Default("1", lambda _: 1))


def table(
    entity: type[E],
    name: str,
    *,
    schema: str = "public",
    key: str = "id",
    owner: str | None = None,
    soft_delete: str | None = None,
    version: str | None = None,
    columns: Mapping[str, ColumnSpec] | None = None,
    uniques: Iterable[Unique] = (),
    checks: Iterable[Check] = (),
    indexes: Iterable[Index] = (),
    counters: Iterable[Counter] = (),
    policies: Iterable[Policy] = (),
    order: Sequence[str] = (),
    view_of: str | None = None,
    withheld: bool = False,
    append_only: bool = False,
) -> Table[E]:
    """Declare the table of an entity.

    Columns come from the entity's fields in their order; `columns` adds what annotations can't say. A StrEnum column
    of text gets its check. `order` is the default order of lists; the key breaks ties. `version` names an int column,
    1 at first, that counts the changes of the row: a caller can read it and not set it. `withheld` is for rows that no
    caller may have by writing the table's name: hashes of passwords, secret settings, an audit log. An `append_only`
    table is one whose rows nobody changes or removes, not even the service: they go only with what they refer to.

    Raises:
        SchemaMismatch: a column is named that the entity lacks, a type can't be inferred, or rows that are only added
            have soft delete, a version, or a policy that changes them.
    """
    specs = dict(columns or {})
    if version is not None:
        specs[version] = attrs.evolve(specs.get(version, VERSION), read_only=True)
    counters = tuple(counters)
    made = columns_of(entity, specs, frozenset(each.column for each in counters))
    declared: Table[E] = Table(
        entity=entity,
        name=name,
        schema=schema,
        db_name=name,
        key=key,
        owner=owner,
        soft_delete=soft_delete,
        version=version,
        columns=made,
        uniques=tuple(_named_unique(name, each) for each in uniques),
        foreign_keys=tuple(_foreign_key(name, schema, each, each.reference) for each in made if each.reference),
        checks=(*_choice_checks(name, made), *(_named_check(name, each) for each in checks)),
        indexes=tuple(indexes),
        counters=counters,
        policies=tuple(policies),
        order=tuple(order),
        view_of=view_of,
        withheld=withheld,
        append_only=append_only,
    )
    _check_names(declared)
    _check_verbs(declared)
    return declared


def _named_unique(name: str, given: Unique) -> Unique:
    return attrs.evolve(given, name=given.name or "_".join((name, *given.columns, "key")))


def _named_check(name: str, given: Check) -> Check:
    return attrs.evolve(given, name=f"{name}_{given.name}_check")


def _foreign_key(name: str, schema: str, column: Column, reference: Reference) -> ForeignKey:
    target = reference.table if "." in reference.table else f"{schema}.{reference.table}"
    columns = (*(ours for ours, _ in reference.sharing), column.name)
    targets = (*(theirs for _, theirs in reference.sharing), reference.column)
    return ForeignKey(f"{name}_{column.name}_fkey", columns, target, targets, reference.on_delete)


def _choice_checks(name: str, columns: Iterable[Column]) -> tuple[Check, ...]:
    return tuple(
        Check(f"{name}_{each.name}_check", _choice_rule(each.name, each.type))
        for each in columns
        if isinstance(each.type, ChoiceType) and each.type.native is None
    )


def _choice_rule(name: str, kind: ChoiceType) -> Rule[bool | None]:
    members = ", ".join(sql_literal(kind, each).replace("{", "{{").replace("}", "}}") for each in kind.members)
    return Rule(f"{{{name}}} IN ({members})", lambda row: None if row[name] is None else row[name] in set(kind.members))


def _deployed(given: Column, override: Override, *, is_key: bool) -> Column:
    kind = override.types.get(given.name, given.type)
    identity = is_key and isinstance(kind, IntegerType)
    return attrs.evolve(
        given,
        db_name=override.columns.get(given.name, given.db_name),
        type=kind,
        identity=identity or given.identity,
        default=None if identity else given.default,
        read_only=identity or given.read_only,
    )


def _check_names(declared: Table[Any]) -> None:
    """Every name in the declaration is a column of it; no identifier is cut by PostgreSQL at 63 bytes."""
    named = [declared.key, declared.owner, declared.soft_delete, *(each.lstrip("-") for each in declared.order)]
    named += [each.column for each in declared.counters]
    for columns in (*declared.constraints.values(), *(each.columns for each in declared.indexes)):
        named += columns
    for name in named:
        if name is not None:
            declared.require(name)
    for name in (declared.name, *declared.by_name, *declared.constraints):
        if len(name.encode()) > 63:
            raise SchemaMismatch(f"{name} is longer than PostgreSQL's 63 bytes")
    if declared.version is not None:
        counted = declared.require(declared.version)
        if counted.nullable or not isinstance(counted.type, IntegerType):
            raise SchemaMismatch(f"{declared.name}.{declared.version} counts versions: it is an int, and never None")


def _check_verbs(declared: Table[Any]) -> None:
    """Nothing says of a table whose rows are only added how they would change."""
    named = {declared.soft_delete, declared.version} - {None}
    allowed = {each.verb for each in declared.policies} - {Verb.SELECT, Verb.INSERT}
    if declared.append_only and (named or allowed):
        raise SchemaMismatch(f"{declared.name} is append-only: no soft delete, no version, no policy that changes rows")
