"""What a query asks, without its values; and hashes of what should not be read where it is told."""

import hashlib
from typing import Any, assert_never

from homeport.kernel.predicates import (
    AllOf,
    AnyOf,
    Compare,
    Exists,
    Field,
    IsNull,
    Literal,
    Lower,
    Matches,
    Not,
    OneOf,
    Predicate,
)
from homeport.kernel.query import Select


def shape_of(query: Select[Any]) -> str:
    """What a query asks, without its values: two users' same question has one shape."""
    order = ",".join(f"{each.column}{'-' * each.descending}{'0' * each.nulls_first}" for each in query.order)
    window = f"{'L' * (query.limit is not None)}{'O' * (query.offset > 0)}"
    return f"{query.name} {query.table.full_name} {_shape(query.where)} [{order}] {window}"


def _shape(where: Predicate) -> str:
    match where:
        case Compare(left, comparator, right):
            return f"{_operand(left)}{comparator}{'?' if isinstance(right, Literal) else 'user'}"
        case OneOf(operand, _):
            return f"{_operand(operand)} in ?"
        case IsNull(name):
            return f"{name} null"
        case Matches(operand, how, _):
            return f"{_operand(operand)} {how.value} ?"
        case AllOf(predicates):
            return f"({' and '.join(map(_shape, predicates))})"
        case AnyOf(predicates):
            return f"({' or '.join(map(_shape, predicates))})"
        case Not(predicate):
            return f"not {_shape(predicate)}"
        case Exists(table, on, inner):
            return f"exists({table.full_name} {on} {_shape(inner)})"
        case _:
            assert_never(where)


def _operand(operand: Field | Lower) -> str:
    return f"lower({operand.name})" if isinstance(operand, Lower) else operand.name


def digest(text: str, key: bytes = b"") -> str:
    """Sixteen hexadecimal digits; with a key nobody without it can try values out."""
    return hashlib.blake2b(text.encode(), digest_size=8, key=key).hexdigest()
