"""How PostgREST is told which foreign key leads from one table to another. Knows no predicates' insides."""

from typing import Any

from homeport.adapters.supabase_legacy import literals
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import Unsupported
from homeport.kernel.predicates import Exists
from homeport.kernel.table import ForeignKey, Table


def relation(predicate: Exists, table: Table[Any], catalog: Catalog) -> str:
    """The embed's target with its hint, `labels!labels_crate_id_fkey`.

    Raises:
        Unsupported: no single foreign key joins the two tables on these columns, or they stand in different schemas.
    """
    other = predicate.table
    theirs, ours = (tuple(each) for each in zip(*predicate.on, strict=True))
    if other.schema == table.schema:
        to_us = _foreign_key(other, theirs, table, ours, catalog)
        to_them = _foreign_key(table, ours, other, theirs, catalog)
        if _same(table, other):
            if to_us is not None:
                return f"{literals.name(other.db_name)}!{_db_name(other, theirs)}"
            if to_them is not None:  # the column alone means the row it points to
                return _db_name(table, ours)
        elif (found := to_us or to_them) is not None:
            return f"{literals.name(other.db_name)}!{literals.name(found.name)}"
    joined = ", ".join(f"{their} = {our}" for their, our in predicate.on)
    raise Unsupported(
        f"supabase_legacy does not offer EXISTS_WITHOUT_FOREIGN_KEY: {other.full_name} of {table.full_name} on {joined}"
    )


def _foreign_key(
    child: Table[Any], columns: tuple[str, ...], parent: Table[Any], targets: tuple[str, ...], catalog: Catalog
) -> ForeignKey | None:
    """The child's foreign key of exactly these columns to exactly those; a view has those of the table it shows."""
    target = _shown(parent, catalog)
    for each in _shown(child, catalog).foreign_keys:
        fits = (each.columns, each.targets) == (columns, targets)
        if fits and catalog.has(each.table) and catalog.named(each.table) is target:
            return each
    return None


def _shown(table: Table[Any], catalog: Catalog) -> Table[Any]:
    if table.view_of is None or not catalog.has(table.view_of):
        return table
    return catalog.named(table.view_of)


def _same(one: Table[Any], other: Table[Any]) -> bool:
    return (one.schema, one.db_name) == (other.schema, other.db_name)


def _db_name(table: Table[Any], columns: tuple[str, ...]) -> str:
    return literals.name(table.require(columns[0]).db_name)
