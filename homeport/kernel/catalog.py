"""The tables that are installed together, as one deployment has them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import attrs

from homeport.kernel.entity import E
from homeport.kernel.errors import InvalidField, SchemaMismatch, unknown_name
from homeport.kernel.table import Override, Table

NO_OVERRIDES: Mapping[str, Override] = {}


@attrs.frozen(eq=False)
class Catalog:
    """Installed tables, found by their declaration, by name, or by one of their constraints.

    Overrides are keyed by the declared table name (`schema.name`, or the name alone in schema public).

    Raises:
        SchemaMismatch: two tables of one name, or an override for a table that is not installed.
    """

    tables: tuple[Table[Any], ...]
    _by_declaration: Mapping[Table[Any], Table[Any]]
    _by_name: Mapping[str, Table[Any]]
    _by_constraint: Mapping[str, Table[Any]]

    @classmethod
    def of(cls, declared: Iterable[Table[Any]], overrides: Mapping[str, Override] = NO_OVERRIDES) -> "Catalog":
        originals = tuple(declared)
        given = {_full(name): each for name, each in overrides.items()}
        pairs = {each: each.deployed(given[each.full_name]) if each.full_name in given else each for each in originals}
        by_name = {each.full_name: pairs[each] for each in originals}
        if len(by_name) < len(originals):
            raise SchemaMismatch("two tables of one name are installed: " + ", ".join(sorted(_twice(originals))))
        for name in given.keys() - by_name.keys():
            raise SchemaMismatch(unknown_name("table", name, by_name))
        constraints = {name: each for each in pairs.values() for name in each.constraints}
        return cls(tuple(pairs.values()), pairs, by_name, constraints)

    def only(self, declared: Iterable[Table[Any]]) -> "Catalog":
        """These of the tables alone, deployed as they are here; what refers to another then refers to nothing."""
        kept = {each: self.table(each) for each in declared}
        by_name = {name: each for name, each in self._by_name.items() if each in kept.values()}
        by_constraint = {name: each for name, each in self._by_constraint.items() if each in kept.values()}
        return Catalog(tuple(kept.values()), kept, by_name, by_constraint)

    def moved(self, schema: Callable[[str], str]) -> "Catalog":
        """The same tables in other schemas, found as before: to build them beside the ones that are there."""
        moved = {each: attrs.evolve(each, schema=schema(each.schema)) for each in self.tables}
        return Catalog(
            tuple(moved.values()),
            {declared: moved[each] for declared, each in self._by_declaration.items()},
            {name: moved[each] for name, each in self._by_name.items()},
            {name: moved[each] for name, each in self._by_constraint.items()},
        )

    def table(self, declared: Table[E]) -> Table[E]:
        """The declared table as deployed here; one that is already is returned as it is."""
        return cast("Table[E]", self._by_declaration.get(declared, declared))

    def named(self, name: str) -> Table[Any]:
        """The table called `schema.name`, or `name` in schema public. Raises InvalidField with the nearest names."""
        found = self._by_name.get(_full(name)) if isinstance(name, str) else None
        if found is None:
            short = [each.name if each.schema == "public" else each.full_name for each in self.tables]
            raise InvalidField(unknown_name("table", name, short), field="table")
        return found

    def has(self, name: str) -> bool:
        return _full(name) in self._by_name

    def constraint(self, name: str | None) -> tuple[str | None, tuple[str, ...]]:
        """The table that declares the constraint, and its columns; (None, ()) for one that is not declared."""
        found = self._by_constraint.get(name) if name is not None else None
        return (found.name, found.constraints[cast("str", name)]) if found is not None else (None, ())


def _full(name: str) -> str:
    return name if "." in name else f"public.{name}"


def _twice(tables: tuple[Table[Any], ...]) -> set[str]:
    names = [each.full_name for each in tables]
    return {name for name in names if names.count(name) > 1}
