"""A bound predicate taken apart in one walk: its shape, which decides a statement's text, and its values."""

from typing import Any, assert_never

from homeport.adapters.postgres.predicate_sql import like_pattern
from homeport.kernel.predicates import (
    AllOf,
    AnyOf,
    Compare,
    Exists,
    IsNull,
    Literal,
    Matches,
    Not,
    OneOf,
    Predicate,
)


def take_apart(predicate: Predicate, shape: list[Any], values: list[Any]) -> None:
    """Adds the predicate's shape and its values, in the order in which `PredicateWriter` asks for their places.

    Every kind of predicate is followed by a fixed number of marks, so two shapes that are equal have one text.
    """
    if isinstance(predicate, Compare):
        left, right = predicate.left, predicate.right
        shape += (Compare, type(left), left.name, predicate.comparator, type(right))
        if isinstance(right, Literal):
            values.append(right.value)
    elif isinstance(predicate, (AllOf, AnyOf)):
        shape += (type(predicate), len(predicate.predicates))
        for each in predicate.predicates:
            take_apart(each, shape, values)
    elif isinstance(predicate, OneOf):
        shape += (OneOf, type(predicate.operand), predicate.operand.name)
        values.append(predicate.values)
    elif isinstance(predicate, IsNull):
        shape += (IsNull, predicate.name)
    elif isinstance(predicate, Matches):
        shape += (Matches, type(predicate.operand), predicate.operand.name)
        values.append(like_pattern(predicate.how, predicate.text))
    elif isinstance(predicate, Not):
        shape.append(Not)
        take_apart(predicate.predicate, shape, values)
    elif isinstance(predicate, Exists):
        shape += (Exists, predicate.table, predicate.on)
        take_apart(predicate.where, shape, values)
    else:
        assert_never(predicate)
