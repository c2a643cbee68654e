"""Every search answers as homeport/kernel/search.py says it, on every adapter, whatever is in texts and queries."""

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from homeport.composition import Homeport
from homeport.kernel.search import MOST_WORDS, Searched, words_of
from homeport.repositories.affiliate_shop import PRODUCT_TEXTS
from homeport.repositories.pam import KNOWLEDGE_TEXTS, MEMORY_TEXTS
from homeport.testing import a_user, made_up
from tests.support.hostile import HOSTILE_TEXTS

PIECES = [*HOSTILE_TEXTS, *"aAbB zZ", "rope", "Rope", "ROPE", "ab", "É", "ÉÉ", "ǅ", "K", "\u0301", "中", "\U0001f600"]
SPACES = [" ", "  ", "\t", "\n", "\u00a0", "\u2003", "\u3000", "\x1f", "\x85"]
ROWS, QUERIES = 60, 80

Search = Callable[[str], Awaitable[list[Any]]]
CASES = [
    pytest.param(PRODUCT_TEXTS, "sort_order", 1, id="products"),
    pytest.param(MEMORY_TEXTS, "importance_score", -1, id="memories"),
    pytest.param(KNOWLEDGE_TEXTS, "priority", -1, id="knowledge"),
]


def a_text(dice: random.Random) -> str:
    return "".join(dice.choice(PIECES) for _ in range(dice.randrange(1, 6)))


def a_row(dice: random.Random, searched: Searched[Any], tie: str) -> dict[str, object]:
    row: dict[str, object] = {tie: dice.randrange(2)}
    for name in searched.weights:
        column = searched.table.require(name)
        if name == "tags":
            row[name] = [a_text(dice) for _ in range(dice.randrange(4))]
        elif not column.nullable or dice.random() < 0.6:
            row[name] = a_text(dice)
    return row


def a_query(dice: random.Random, texts: Sequence[str]) -> str:
    """Parts of texts that are there, in other capitals, and now and then something else."""
    words = []
    for _ in range(dice.randrange(1, 4)):
        text = dice.choice(texts) if dice.random() < 0.9 else dice.choice(PIECES)
        start = dice.randrange(len(text) + 1)
        part = text[start : start + dice.randrange(1, 5)]
        words.append(ascii_upper(part) if dice.random() < 0.5 else part)
    return dice.choice(SPACES).join(words)


def ascii_upper(text: str) -> str:
    return "".join(each.upper() if each.isascii() else each for each in text)


async def searching(db: Homeport, searched: Searched[Any]) -> tuple[dict[str, object], Search]:
    """What all rows have in common, and the search."""
    if searched is PRODUCT_TEXTS:
        return {}, db.affiliate_shop.search_products
    user = await a_user(db)
    if searched is KNOWLEDGE_TEXTS:
        return {"admin_user_id": user.id}, db.pam.search_knowledge
    return {"user_id": user.id}, lambda query: db.pam.search_memories(user.id, query)


@pytest.mark.parametrize(("searched", "tie", "direction"), CASES)
async def test_random_texts_are_found_as_the_rule_has_it(
    db: Homeport, searched: Searched[Any], tie: str, direction: int
) -> None:
    dice = random.Random(f"search {searched.table.name}")
    common, search = await searching(db, searched)
    rows = db.collection(searched.table)
    data = [await made_up(db, searched.table, **common, **a_row(dice, searched, tie)) for _ in range(ROWS)]
    there = sorted(await rows.create_many(data), key=lambda each: (direction * getattr(each, tie), each.id))
    texts = [text for each in there for name in searched.weights for text in texts_of(getattr(each, name))]
    found = 0
    for _ in range(QUERIES):
        query = a_query(dice, texts)
        expected = searched.best_first(there, words_of(query))
        assert await search(query) == expected, query
        found += len(expected)
    assert found > QUERIES, "hardly anything was found: the rule was not tried"


def texts_of(value: object) -> Sequence[str]:
    return value if isinstance(value, tuple) else [value] if isinstance(value, str) else []


async def test_as_many_words_as_may_be_are_looked_for(db: Homeport) -> None:
    words = [f"w{number}" for number in range(MOST_WORDS)]
    row = await made_up(db, PRODUCT_TEXTS.table, title="x", description=" ".join(words))
    made = await db.affiliate_shop.products.create(row)
    assert await db.affiliate_shop.search_products(" ".join(words).upper()) == [made]
