"""What rows of a table have to be, what they refer to, what is counted, and what is indexed."""

from collections.abc import Callable
from typing import Any, cast

import attrs

from homeport.kernel.columns import OnDelete, Row, Rule
from homeport.kernel.predicates import Field, Operand, Predicate


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
    """The last column refers, those before it are shared: where the reference ends, the last alone becomes NULL."""

    name: str
    columns: tuple[str, ...]
    table: str
    targets: tuple[str, ...]
    on_delete: OnDelete

    @property
    def referring(self) -> str:
        return self.columns[-1]


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
    return _of_one(name, f"{{{name}}} >= {least}", lambda value: bool(value >= least))


def more_than(name: str, bound: int) -> Check:
    """The column is more than `bound`, or NULL."""
    return _of_one(name, f"{{{name}}} > {bound}", lambda value: bool(value > bound))


def between(name: str, least: int, most: int) -> Check:
    """The column is one of the two, between them, or NULL."""
    return _of_one(name, f"{{{name}}} BETWEEN {least} AND {most}", lambda value: bool(least <= value <= most))


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


def _of_one(name: str, sql: str, holds: Callable[[Any], bool]) -> Check:
    """A check of one column's value, which NULL passes."""
    return check(name, sql, lambda row: None if row[name] is None else holds(row[name]))


@attrs.frozen
class Index:
    """An index for speed alone. `terms` are columns, `-column` for descending, or SQL with `{column}` places."""

    terms: tuple[str, ...]
    where: Predicate | None = None
    method: str = "btree"

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(name for term in self.terms for name in _columns(term))


def _columns(term: str) -> tuple[str, ...]:
    return Rule(term, lambda _: None).columns if "{" in term else (term.removeprefix("-"),)


def index(*terms: str, where: Predicate | None = None, method: str = "btree") -> Index:
    return Index(terms, where, method)


@attrs.frozen
class Counter:
    """A column kept by the database: how many live rows of `table` refer to this row by `by`. Nobody else writes it.

    With `where`, those of them for which it holds; it compares columns of `table` with constants.
    """

    column: str
    table: str
    by: str
    where: Predicate | None = None
