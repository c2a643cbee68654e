import uuid
from typing import Any

import attrs
import pytest

from homeport.kernel.entity import Entity
from homeport.kernel.errors import SchemaMismatch
from homeport.kernel.grants import Grant, grants
from homeport.kernel.policies import SERVICE, catalogue, owned
from homeport.kernel.predicates import eq
from homeport.kernel.table import ID, OWNER, Counter, Policy, Rule, Verb, column, table


@attrs.frozen(kw_only=True)
class Thing(Entity):
    id: uuid.UUID
    user_id: uuid.UUID
    name: str
    parts: int = 0
    double: int | None = None


COLUMNS = {"id": ID, "user_id": OWNER, "double": column(generated=Rule("({parts})", lambda row: row["parts"]))}


def granted(*policies: Policy, counted: bool = False) -> tuple[Grant, ...]:
    counters = [Counter("parts", "public.parts", "thing_id")] if counted else []
    return grants(table(Thing, "things", columns=COLUMNS, counters=counters, policies=policies))


def test_a_verb_with_a_policy_is_granted_on_all_columns() -> None:
    assert granted(*owned()) == tuple(Grant(verb) for verb in Verb)
    assert granted(*catalogue()) == (Grant(Verb.SELECT),)
    assert granted(*SERVICE) == ()


def test_what_is_counted_or_computed_is_nobodys_to_write() -> None:
    written = ("id", "user_id", "name")
    assert granted(*owned(), counted=True) == (
        Grant(Verb.SELECT),
        Grant(Verb.INSERT, written),
        Grant(Verb.UPDATE, written),
        Grant(Verb.DELETE),
    )


def test_an_update_is_limited_where_all_its_policies_are() -> None:
    some, other = (Policy(Verb.UPDATE, using=eq("name", "x"), columns=(name,)) for name in ("name", "parts"))
    whole = Policy(Verb.UPDATE, using=eq("name", "x"))
    assert granted(some, other) == (Grant(Verb.UPDATE, ("name", "parts")),)
    assert granted(some, whole) == (Grant(Verb.UPDATE),)
    assert granted(some, other, counted=True) == (Grant(Verb.UPDATE, ("name",)),)
    assert granted(other, counted=True) == ()  # and not all columns, for want of one


def test_a_grant_covers_its_columns() -> None:
    assert Grant(Verb.UPDATE).covers(["a", "b"])
    assert Grant(Verb.UPDATE, ("a", "b")).covers(["b"])
    assert not Grant(Verb.UPDATE, ("a", "b")).covers(["b", "c"])


def test_rows_that_are_only_added_are_the_services_to_read_and_add() -> None:
    added, some = (table(Thing, "things", columns=COLUMNS, append_only=each) for each in (True, False))
    view = table(Thing, "shown", columns=COLUMNS, view_of="public.things")
    assert (added.verbs, some.verbs, view.verbs) == ((Verb.SELECT, Verb.INSERT), tuple(Verb), (Verb.SELECT,))


@pytest.mark.parametrize(
    "more",
    [
        {"policies": owned()},
        {"policies": [Policy(Verb.UPDATE, using=eq("name", "x"))]},
        {"policies": [Policy(Verb.DELETE, using=eq("name", "x"))]},
        {"version": "parts"},
        {"soft_delete": "double"},
    ],
)
def test_rows_that_are_only_added_have_nothing_that_changes_them(more: dict[str, Any]) -> None:
    with pytest.raises(SchemaMismatch, match="things is append-only"):
        table(Thing, "things", columns=COLUMNS, append_only=True, **more)


def test_a_projection_is_read_whole_or_not_at_all() -> None:
    def view(*policies: Policy) -> tuple[Grant, ...]:
        return grants(table(Thing, "shown", columns=COLUMNS, view_of="public.things", policies=policies))

    assert view(*catalogue()) == (Grant(Verb.SELECT),)
    assert view() == ()
    for limited in (catalogue(eq("name", "x")), owned()):
        with pytest.raises(SchemaMismatch, match="projection"):
            view(*limited)
