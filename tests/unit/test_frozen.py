"""Frozen objects made quickly are the same as any other, and classes that can't be are refused."""

from typing import Any

import attrs
import pytest

from homeport.kernel.frozen import maker
from homeport.kernel.observe import Observation
from homeport.kernel.predicates import AllOf, Comparator, Compare, Field, Literal
from homeport.kernel.query import Form, Select
from homeport.repositories.users import USER

COMPARED = Compare(Field("id"), Comparator.EQ, Literal(1))


@pytest.mark.parametrize(
    ("frozen", "values"),
    [
        (Literal, (1,)),
        (Compare, (Field("id"), Comparator.LT, Literal(1))),
        (AllOf, ((COMPARED,),)),
        (Observation, ("users.get", "users", "postgres", 1, 0.5, None)),
    ],
)
def test_what_is_made_is_as_if_it_had_been_constructed(frozen: type[Any], values: tuple[object, ...]) -> None:
    made, other = maker(frozen)(*values), frozen(*values)
    assert type(made) is frozen
    assert (made, hash(made), repr(made)) == (other, hash(other), repr(other))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(made, attrs.fields(frozen)[0].name, None)


def test_every_field_is_given() -> None:
    with pytest.raises(TypeError):
        maker(Literal)()


def test_a_changed_copy_of_a_query_has_no_form() -> None:
    made = maker(Select)("users.q", USER, COMPARED, (), None, 0, None, None, Form(()), (1,))
    assert made == Select("users.q", USER, COMPARED)
    changed = attrs.evolve(made, limit=1)
    assert (changed.form, changed.values) == (None, ())
