"""A predicate's shape and its values apart: one compiled form serves all predicates of a shape."""

from collections.abc import Sequence
from typing import Any, TypeAlias, assert_never

from homeport.kernel.predicates import (
    AllOf,
    AnyOf,
    Compare,
    CurrentUser,
    Exists,
    IsNull,
    Matches,
    Not,
    OneOf,
    Predicate,
)

Shape: TypeAlias = tuple[object, ...]
Values: TypeAlias = Sequence[Any]
"""Values in the order in which a walk over the predicate meets them; an `Exists` has the list of its own."""


def shape_of(predicate: Predicate, user: object, values: list[Any]) -> Shape:
    """The predicate without its values, which are appended to `values`; `user` stands for the current user."""
    if isinstance(predicate, Compare):  # most queries come here: this costs half of what a pattern does
        left, right = predicate.left, predicate.right
        values.append(user if isinstance(right, CurrentUser) else right.value)
        return (predicate.comparator, left.name, type(left), type(right))
    match predicate:
        case AllOf():
            return ("and", *[shape_of(each, user, values) for each in predicate.predicates])
        case IsNull():
            return ("null", predicate.name)
        case OneOf(operand, members):
            values.append(members)
            return ("in", operand.name, type(operand), not members)
        case AnyOf(predicates):
            return ("or", *[shape_of(each, user, values) for each in predicates])
        case Not(inner):
            return ("not", shape_of(inner, user, values))
        case Matches(operand, how, text):
            values.append(text)
            return (how.value, operand.name, type(operand))
        case Exists(table, on, where):
            inside: list[Any] = []
            values.append(inside)
            return ("exists", table, on, shape_of(where, user, inside))
        case _:
            assert_never(predicate)
