"""Tables: what the database holds for an entity, said once. DDL, codecs, the memory engine and checks read it here.

A `Table` is made by `table()` from the entity's fields and what they can't say. The field's annotation gives the
column's type and whether it may be NULL, the field's default the column's default.
"""

import datetime as dt
import enum
import ipaddress
import json
import string
import types
import typing
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

import attrs

from homeport.kernel.entity import E
from homeport.kernel.errors import InvalidField, InvalidValue, SchemaMismatch, unknown_name
from homeport.kernel.predicates import Field, Operand, Predicate
from homeport.kernel.types import (
    ArrayType,
    BooleanType,
    BytesType,
    ChoiceType,
    ColumnType,
    DateType,
    DoubleType,
    InetType,
    IntegerType,
    IntervalType,
    JsonType,
    TextType,
    TimestampType,
    UuidType,
)

Row = Mapping[str, object]
Rows = Sequence[Row]
T = TypeVar("T")


@attrs.frozen
class Default:
    """What a column gets when nothing is given: as SQL, and as a function of the statement's time for memory."""

    sql: str
    make: Callable[[dt.datetime], object]


NEW_UUID = Default("gen_random_uuid()", lambda _: uuid.uuid4())
NOW = Default("now()", lambda now: now)
TODAY = Default("((now() AT TIME ZONE 'UTC')::date)", lambda now: now.astimezone(dt.UTC).date())


@attrs.frozen
class Rule(Generic[T]):
    """One rule twice: as SQL over `{column}` places and as a Python function of the row. Each is tested on the other.

    A brace that is no place is doubled. A check's function may answer None: unknown, which passes.
    """

    sql: str
    of: Callable[[Row], T]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns in the text, in order of first use."""
        return tuple(dict.fromkeys(name for _, name, _, _ in string.Formatter().parse(self.sql) if name))


class OnDelete(enum.StrEnum):
    """What happens to the referring row when the row it refers to is deleted."""

    CASCADE = "CASCADE"
    SET_NULL = "SET NULL"
    RESTRICT = "RESTRICT"


@attrs.frozen
class Reference:
    """A foreign key of one column to another table's key, `schema.name` or a name in the same schema."""

    table: str
    on_delete: OnDelete
    column: str = "id"


@attrs.frozen(kw_only=True)
class Column:
    """One column as declared. `read_only` ones are set by the database, never by a caller's mapping."""

    name: str
    type: ColumnType
    nullable: bool = False
    default: Default | None = None
    generated: Rule[object] | None = None
    identity: bool = False
    touched: bool = False
    read_only: bool = False
    reference: Reference | None = None
    db_name: str = attrs.field(default=attrs.Factory(lambda self: self.name, takes_self=True))

    def admit(self, value: object) -> object:
        """The value as it is stored. Raises InvalidValue, naming the column and never the value."""
        if value is None:
            return None
        try:
            return self.type.admit(value)
        except ValueError as error:
            raise InvalidValue(f"{self.name}: {error}", field=self.name) from None

    def operand(self, value: object) -> object:
        """The value as it is compared: exact, neither rounded nor cut. Raises InvalidValue."""
        try:
            return self.type.operand(value)
        except ValueError as error:
            raise InvalidValue(f"{self.name}: {error}", field=self.name) from None

    @property
    def stored(self) -> bool:
        """Whether a statement may write it at all: the database alone computes a generated column."""
        return self.generated is None


@attrs.frozen(kw_only=True)
class ColumnSpec:
    """What a field's annotation can't say about its column; unset means: as inferred."""

    type: ColumnType | None = None
    default: Default | None = None
    generated: Rule[Any] | None = None
    identity: bool = False
    touched: bool = False
    read_only: bool = False
    reference: Reference | None = None


def column(
    type: ColumnType | None = None,
    *,
    default: Default | None = None,
    generated: Rule[Any] | None = None,
    identity: bool = False,
    touched: bool = False,
    read_only: bool = False,
    references: str | None = None,
    on_delete: OnDelete = OnDelete.RESTRICT,
) -> ColumnSpec:
    """What an entity's annotation can't say. `references` is `schema.table` or a table of the same schema."""
    reference = Reference(references, on_delete) if references is not None else None
    return ColumnSpec(
        type=type,
        default=default,
        generated=generated,
        identity=identity,
        touched=touched,
        read_only=read_only or identity or generated is not None,
        reference=reference,
    )


ID = column(default=NEW_UUID)
OWNER = column(references="public.users", on_delete=OnDelete.CASCADE)
CREATED = column(default=NOW, read_only=True)
UPDATED = column(default=NOW, read_only=True, touched=True)
DELETED = column(read_only=True)


@attrs.frozen
class Unique:
    """No two rows (for which `where` holds) agree in all these operands; NULLs never agree."""

    operands: tuple[Operand, ...]
    where: Predicate | None = None
    name: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(operand.name for operand in self.operands)

    @property
    def plain(self) -> bool:
        """Whether it is a constraint over whole columns, the only kind that an upsert can name."""
        return self.where is None and all(isinstance(operand, Field) for operand in self.operands)


def unique(*operands: str | Operand, where: Predicate | None = None) -> Unique:
    return Unique(tuple(Field(each) if isinstance(each, str) else each for each in operands), where)


@attrs.frozen
class ForeignKey:
    name: str
    columns: tuple[str, ...]
    table: str
    targets: tuple[str, ...]
    on_delete: OnDelete


@attrs.frozen
class Check:
    """A rule that no row breaks. An answer of None, unknown, passes."""

    name: str
    rule: Rule[bool | None]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.rule.columns


def check(name: str, sql: str, holds: Callable[[Row], bool | None]) -> Check:
    """A check constraint; `name` is completed with the table's: `expenses_<name>_check`."""
    return Check(name, Rule(sql, holds))


def at_least(name: str, least: int) -> Check:
    """The column is at least `least`, or NULL."""

    def holds(row: Row) -> bool | None:
        value = row[name]
        return None if value is None else cast("int", value) >= least

    return check(name, f"{{{name}}} >= {least}", holds)


def not_before(later: str, earlier: str) -> Check:
    """The one column is not less than the other; NULL in either passes."""

    def holds(row: Row) -> bool | None:
        one, other = cast("Any", row[later]), cast("Any", row[earlier])
        return None if one is None or other is None else bool(one >= other)

    return check(later, f"{{{later}}} >= {{{earlier}}}", holds)


def differ(one: str, other: str) -> Check:
    """The two columns differ; NULL in either passes."""

    def holds(row: Row) -> bool | None:
        return None if row[one] is None or row[other] is None else row[one] != row[other]

    return check(f"{one}_{other}", f"{{{one}}} <> {{{other}}}", holds)


@attrs.frozen
class Index:
    """An index for speed alone. `terms` are columns, `-column` for descending, or SQL with `{column}` places."""

    terms: tuple[str, ...]
    where: Predicate | None = None
    method: str = "btree"


def index(*terms: str, where: Predicate | None = None, method: str = "btree") -> Index:
    return Index(terms, where, method)


@attrs.frozen
class Counter:
    """A column kept by the database: how many live rows of `table` refer to this row by `by`. Nobody else writes it."""

    column: str
    table: str
    by: str


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

    `view_of` names the table that a read-only projection shows; the projection has some of its columns.
    """

    entity: type[E]
    name: str
    schema: str
    db_name: str
    key: str
    owner: str | None
    soft_delete: str | None
    columns: tuple[Column, ...]
    uniques: tuple[Unique, ...]
    foreign_keys: tuple[ForeignKey, ...]
    checks: tuple[Check, ...]
    indexes: tuple[Index, ...]
    counters: tuple[Counter, ...]
    policies: tuple[Policy, ...]
    order: tuple[str, ...]
    view_of: str | None

    def __repr__(self) -> str:
        return f"<Table {self.full_name}>"

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        return {each.name: each for each in self.columns}

    @cached_property
    def key_column(self) -> Column:
        return self.by_name[self.key]

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


def table(
    entity: type[E],
    name: str,
    *,
    schema: str = "public",
    key: str = "id",
    owner: str | None = None,
    soft_delete: str | None = None,
    columns: Mapping[str, ColumnSpec] | None = None,
    uniques: Iterable[Unique] = (),
    checks: Iterable[Check] = (),
    indexes: Iterable[Index] = (),
    counters: Iterable[Counter] = (),
    policies: Iterable[Policy] = (),
    order: Sequence[str] = (),
    view_of: str | None = None,
) -> Table[E]:
    """Declare the table of an entity.

    Columns come from the entity's fields in their order; `columns` adds what annotations can't say. A StrEnum column
    of text gets its check. `order` is the default order of lists; the key breaks ties.

    Raises:
        SchemaMismatch: a column is named that the entity lacks, or a type can't be inferred.
    """
    specs = dict(columns or {})
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
        columns=made,
        uniques=tuple(_named_unique(name, each) for each in uniques),
        foreign_keys=tuple(_foreign_key(name, schema, each, each.reference) for each in made if each.reference),
        checks=(*_choice_checks(name, made), *(_named_check(name, each) for each in checks)),
        indexes=tuple(indexes),
        counters=counters,
        policies=tuple(policies),
        order=tuple(order),
        view_of=view_of,
    )
    _check_names(declared)
    return declared


def columns_of(
    cls: type[object], specs: Mapping[str, ColumnSpec] | None = None, counted: frozenset[str] = frozenset()
) -> tuple[Column, ...]:
    """The columns of an attrs class, by its annotations, defaults and specs. Raises SchemaMismatch."""
    specs = specs or {}
    fields = attrs.fields(cast("type[attrs.AttrsInstance]", cls))
    unknown = specs.keys() - {field.name for field in fields}
    if unknown:
        raise SchemaMismatch(f"{cls.__name__} has no field {', '.join(sorted(unknown))}")
    hints = typing.get_type_hints(cls)
    return tuple(
        _column(cls, field, hints[field.name], specs.get(field.name, ColumnSpec()), counted=field.name in counted)
        for field in fields
    )


def _column(
    cls: type[object], field: "attrs.Attribute[Any]", hint: object, spec: ColumnSpec, *, counted: bool
) -> Column:
    kind, nullable = _optional(hint)
    made = spec.type or _infer(kind)
    if made is None:
        raise SchemaMismatch(f"{cls.__name__}.{field.name}: give its column type, {kind} does not say it")
    default = spec.default
    if default is None and field.default is not attrs.NOTHING and field.default is not None:
        default = literal_default(made, _default_value(field))
    return Column(
        name=field.name,
        type=made,
        nullable=nullable,
        default=default,
        generated=spec.generated,
        identity=spec.identity,
        touched=spec.touched,
        read_only=spec.read_only or counted,
        reference=spec.reference,
    )


def _default_value(field: "attrs.Attribute[Any]") -> object:
    default: Any = field.default
    return default.factory() if isinstance(default, attrs.Factory) else default  # type: ignore[arg-type]


def literal_default(kind: ColumnType, value: object) -> Default:
    """A constant default."""
    admitted = kind.admit(value)
    return Default(sql_literal(kind, admitted), lambda _: kind.admit(admitted))


def sql_literal(kind: ColumnType, value: object) -> str:
    """A constant of the program's own as SQL text. Never used for a caller's value."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case tuple():
            inner = ", ".join(sql_literal(kind.of if isinstance(kind, ArrayType) else kind, each) for each in value)
            return f"ARRAY[{inner}]::{kind.sql}"
        case dict() | list():
            return f"{_quoted(json.dumps(value))}::jsonb"
        case str():
            return _quoted(value)
        case _:
            return f"{_quoted(str(value))}::{kind.sql}"


def _quoted(text: str) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def _optional(hint: object) -> tuple[object, bool]:
    """The annotation without None, and whether None was in it. Keeps an alias that is itself a union, such as Json."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        options = typing.get_args(hint)
        rest = tuple(each for each in options if each is not type(None))
        if len(rest) < len(options):
            return (rest[0] if len(rest) == 1 else typing.Union[rest]), True  # noqa: UP007 - built at run time
    return hint, False


_INFERRED: Mapping[object, ColumnType] = {
    str: TextType(),
    bool: BooleanType(),
    int: IntegerType(),
    float: DoubleType(),
    dt.date: DateType(),
    dt.datetime: TimestampType(),
    dt.timedelta: IntervalType(),
    uuid.UUID: UuidType(),
    bytes: BytesType(),
    dict: JsonType(),
    list: JsonType(),
    ipaddress.IPv4Address: InetType(),
}


def _infer(kind: object) -> ColumnType | None:
    while hasattr(kind, "__supertype__"):
        kind = kind.__supertype__
    origin = typing.get_origin(kind)
    if origin is tuple:
        element = _infer(typing.get_args(kind)[0])
        return None if element is None or isinstance(element, JsonType | ArrayType) else ArrayType(element)
    if origin in (typing.Union, types.UnionType):
        inferred = {_infer(each) for each in typing.get_args(kind)}
        return InetType() if inferred <= {InetType(), None} and InetType() in inferred else None
    if isinstance(kind, type) and issubclass(kind, enum.StrEnum):
        return ChoiceType(kind)
    return _INFERRED.get(origin or kind)


def _named_unique(name: str, given: Unique) -> Unique:
    return attrs.evolve(given, name=given.name or "_".join((name, *given.columns, "key")))


def _named_check(name: str, given: Check) -> Check:
    return attrs.evolve(given, name=f"{name}_{given.name}_check")


def _foreign_key(name: str, schema: str, column: Column, reference: Reference) -> ForeignKey:
    target = reference.table if "." in reference.table else f"{schema}.{reference.table}"
    return ForeignKey(f"{name}_{column.name}_fkey", (column.name,), target, (reference.column,), reference.on_delete)


def _choice_checks(name: str, columns: Iterable[Column]) -> tuple[Check, ...]:
    return tuple(
        Check(f"{name}_{each.name}_check", _choice_rule(each.name, each.type))
        for each in columns
        if isinstance(each.type, ChoiceType) and each.type.native is None
    )


def _choice_rule(name: str, kind: ChoiceType) -> Rule[bool | None]:
    members = ", ".join(_quoted(each).replace("{", "{{").replace("}", "}}") for each in kind.members)
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
    for columns in declared.constraints.values():
        named += columns
    for name in named:
        if name is not None:
            declared.require(name)
    for name in (declared.name, *declared.by_name, *declared.constraints):
        if len(name.encode()) > 63:
            raise SchemaMismatch(f"{name} is longer than PostgreSQL's 63 bytes")
