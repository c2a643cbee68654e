"""The kinds of row policy. They generate the SQL policies, and the memory engine evaluates the same values.

Roles are Supabase's: anon gets nothing, a signed-in user what a policy gives, service everything.
"""

from typing import Any

import attrs

from homeport.kernel.predicates import CURRENT_USER, TRUE, Predicate, all_of, any_of, eq, exists, is_null
from homeport.kernel.table import Policy, Table, Verb


def owned(column: str = "user_id") -> tuple[Policy, ...]:
    """The owner reads and writes its rows, and can't give them away."""
    mine = eq(column, CURRENT_USER)
    return (
        Policy(Verb.SELECT, using=mine),
        Policy(Verb.INSERT, check=mine),
        Policy(Verb.UPDATE, using=mine, check=mine),
        Policy(Verb.DELETE, using=mine),
    )


def owned_under(table: Table[Any], on: str, column: str = "user_id", *, required: bool = True) -> tuple[Policy, ...]:
    """As `owned`, and no row is written under a parent of somebody else's: `on` is the column with the parent's key.

    Unless the parent is `required`, a row may have none.
    """
    mine = eq(column, CURRENT_USER)
    of_mine = exists(table, {table.key: on}, eq(table.owner or column, CURRENT_USER))
    written = all_of(mine, of_mine if required else any_of(is_null(on), of_mine))
    return (
        Policy(Verb.SELECT, using=mine),
        Policy(Verb.INSERT, check=written),
        Policy(Verb.UPDATE, using=mine, check=written),
        Policy(Verb.DELETE, using=mine),
    )


def also_under(policies: tuple[Policy, ...], table: Table[Any], on: str, column: str = "user_id") -> tuple[Policy, ...]:
    """The same policies, and no row is written under this parent either if it is somebody else's; as `owned_under`."""
    of_mine = exists(table, {table.key: on}, eq(table.owner or column, CURRENT_USER))
    return tuple(
        each if each.check is None else attrs.evolve(each, check=all_of(each.check, of_mine)) for each in policies
    )


def own_read_and_update(column: str = "id", *, columns: tuple[str, ...] = ()) -> tuple[Policy, ...]:
    """The owner reads and updates its rows, only these columns where any are named; service does the rest."""
    mine = eq(column, CURRENT_USER)
    return (Policy(Verb.SELECT, using=mine), Policy(Verb.UPDATE, using=mine, check=mine, columns=columns))


def own_read(column: str = "user_id") -> tuple[Policy, ...]:
    """The owner reads; service writes."""
    return (Policy(Verb.SELECT, using=eq(column, CURRENT_USER)),)


def shared(column: str = "user_id", live: Predicate = TRUE) -> tuple[Policy, ...]:
    """Any signed-in user reads live rows; the owner reads all of its own and writes them."""
    mine = eq(column, CURRENT_USER)
    return (
        Policy(Verb.SELECT, using=live if live == TRUE else any_of(live, mine)),
        Policy(Verb.INSERT, check=mine),
        Policy(Verb.UPDATE, using=mine, check=mine),
        Policy(Verb.DELETE, using=mine),
    )


def shared_live(column: str = "user_id", deleted: str = "deleted_at") -> tuple[Policy, ...]:
    """As `shared`, for a table with soft delete."""
    return shared(column, is_null(deleted))


def catalogue(active: Predicate = TRUE) -> tuple[Policy, ...]:
    """Any signed-in user reads active rows; service writes."""
    return (Policy(Verb.SELECT, using=active),)


def parties(sender: str, recipient: str, *, marks: tuple[str, ...]) -> tuple[Policy, ...]:
    """Both read; the sender inserts as itself and deletes; the recipient may update the read marks and no more."""
    sent, received = eq(sender, CURRENT_USER), eq(recipient, CURRENT_USER)
    return (
        Policy(Verb.SELECT, using=any_of(sent, received)),
        Policy(Verb.INSERT, check=sent),
        Policy(Verb.UPDATE, using=received, check=received, columns=marks),
        Policy(Verb.DELETE, using=sent),
    )


def parent(table: Table[Any], on: str, owner: str = "user_id") -> tuple[Policy, ...]:
    """Whoever owns the parent row may do all with its children. `on` is the child's column with the parent's key."""
    of_mine = exists(table, {table.key: on}, eq(owner, CURRENT_USER))
    return (
        Policy(Verb.SELECT, using=of_mine),
        Policy(Verb.INSERT, check=of_mine),
        Policy(Verb.UPDATE, using=of_mine, check=of_mine),
        Policy(Verb.DELETE, using=of_mine),
    )


def shared_parent(table: Table[Any], on: str, owner: str = "user_id") -> tuple[Policy, ...]:
    """As `parent`, and whoever reads the parent row, by its own policies, reads its children too."""
    return (Policy(Verb.SELECT, using=exists(table, {table.key: on})), *parent(table, on, owner)[1:])


SERVICE: tuple[Policy, ...] = ()
