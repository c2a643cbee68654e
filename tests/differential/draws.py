"""What random steps are drawn from: people, ids that are known beforehand, values of small pools, predicates."""

import datetime as dt
import random
import uuid
from collections.abc import Callable, Sequence

from homeport.kernel.predicates import (
    Predicate,
    contains,
    eq,
    ge,
    gt,
    is_null,
    le,
    lower,
    lt,
    ne,
    one_of,
    starts_with,
)
from homeport.kernel.query import Order
from tests.differential.outcome import Step
from tests.support.specimens import Mood, Size

Dice = random.Random
UTC = dt.UTC
WORDS = ["", "a", "A", "b", "É", "é", "a%", "a_b", "a,b", '"', "\\", "null", "zz", "Ab"]
PEOPLE = 4


def uid(kind: str, number: int) -> uuid.UUID:
    """The id of the n-th thing of a kind: known beforehand, so that histories meet the same rows again."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{kind} {number}")


def some(dice: Dice, kind: str, most: int = 6) -> uuid.UUID:
    return uid(kind, dice.randrange(most))


def person(dice: Dice) -> uuid.UUID:
    """Somebody; rarely somebody who is not there."""
    return some(dice, "user", PEOPLE if dice.random() < 0.95 else PEOPLE + 2)


def owned(dice: Dice, kind: str, most: int = 6) -> tuple[uuid.UUID, uuid.UUID]:
    """A thing and, mostly, the person whose it would be."""
    number = dice.randrange(most)
    return uid(kind, number), uid("user", number % PEOPLE) if dice.random() < 0.85 else person(dice)


def moment(dice: Dice) -> dt.datetime:
    return dt.datetime(2024, 1, dice.randrange(1, 6), dice.randrange(3), tzinfo=UTC)


def day(dice: Dice) -> dt.date:
    return dt.date(2024, 1, dice.randrange(1, 6))


def maybe(dice: Dice, data: dict[str, Callable[[], object]], chance: float = 0.4) -> dict[str, object]:
    return {name: make() for name, make in data.items() if dice.random() < chance}


def leaf(dice: Dice, values: dict[str, Sequence[object]]) -> Predicate:
    texts = [name for name in ("words", "code", "name") if name in values]
    name = dice.choice([*sorted(values), *texts * (len(values) // 2)])
    value = dice.choice(values[name])
    if dice.random() < 0.15:
        return is_null(name)
    if isinstance(value, str) and not isinstance(value, Mood | Size) and dice.random() < 0.4:
        operand = lower(name) if dice.random() < 0.5 else name
        return dice.choice([contains, starts_with, eq, ne])(operand, value)
    if name in texts and dice.random() < 0.1:
        return one_of(name, [""])  # one API takes it for the empty list
    if dice.random() < 0.4:
        operand = lower(name) if name in texts and dice.random() < 0.4 else name
        return one_of(operand, [dice.choice([*values[name], None]) for _ in range(dice.randrange(4))])
    return dice.choice([eq, ne, lt, le, gt, ge])(name, value)


def order(dice: Dice, names: Sequence[str]) -> object:
    chosen = dice.sample(sorted(names), dice.randrange(min(3, len(names)) + 1))
    return [Order(name, dice.random() < 0.5, dice.random() < 0.5) for name in chosen]


def without(data: dict[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in data.items() if name not in names}


def pick(dice: Dice, choices: list[tuple[int, Step]]) -> Step:
    return dice.choices([step for _, step in choices], [weight for weight, _ in choices])[0]
