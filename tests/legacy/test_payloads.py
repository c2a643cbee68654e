"""Two thousand generated hostile texts, each in every place a filter has for a value, and each meaning itself alone."""

import asyncio
import random
from collections.abc import Iterator, Sequence

import pytest

from homeport.kernel.predicates import Predicate, all_of, any_of, contains, eq, lower, one_of, starts_with
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.specimens import StoredSpecimens

COUNT = 2000
PIECES = [
    *('"', "'", "\\", ",", ".", "(", ")", "{", "}", "[", "]", "*", "%", "_", ":", ";", "&", "=", "?", "#", "+", " "),
    *("null", "not.", "eq.", "neq.", "in.(", "is.null", "or(", "or=(", "and(", "not.and(", "like.*", "match..*"),
    *("id.gt.0", "code.neq.", ",code.neq.x", "),id.gt.0", '"),or(id.gt.0', '","', '\\"', "&select=*", "&or=(id.gt.0)"),
    *("%22", "%2C", "%00", "%26", "\\u0000", "::text", "->>", "!inner", "$1", "--", "/*", "^", "$", "|", ".*", "(?i)"),
    *("a", "A", "é", "ſ", "\u202e", "\n", "\t", "\U0001f600", "0", "-1", "true", "limit=0", "offset=9"),
]


def texts() -> list[str]:
    draw = random.Random(20_24)
    made = dict.fromkeys(text for text in HOSTILE_TEXTS if "\x00" not in text)
    while len(made) < COUNT:
        made["".join(draw.choices(PIECES, k=draw.randint(1, 6)))] = None
    return list(made)


TEXTS = texts()
_ASCII_FOLD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
ALIKE: dict[str, list[str]] = {}
for each in TEXTS:
    ALIKE.setdefault(each.translate(_ASCII_FOLD), []).append(each)


@pytest.fixture
async def filled(stored: StoredSpecimens) -> StoredSpecimens:
    await stored.crates.bulk_create([{"code": text, "position": place} for place, text in enumerate(TEXTS)])
    return stored


def places(text: str, neighbour: str) -> Iterator[tuple[Predicate, list[str]]]:
    """Filters with the text in one or more places, and the texts that they mean; the first has all the places."""
    inside = [each for each in TEXTS if text in each]
    each_place = (eq("code", text), one_of("code", [text]), contains("code", text), starts_with("code", text))
    yield all_of(*each_place), [text]
    yield eq("code", text), [text]
    yield any_of(*each_place[:2], eq("shelf", text), starts_with("code", f"{text}\x01")), [text]
    if len(inside) < 20:
        yield any_of(*each_place), inside
        yield contains("code", text), inside
    yield one_of("code", [neighbour, text]), [neighbour, text]
    folded = any_of(eq(lower("code"), text), one_of(lower("shelf"), [text, neighbour]))
    yield folded, ALIKE[text.translate(_ASCII_FOLD)]


async def test_every_text_means_itself_and_nothing_more(filled: StoredSpecimens) -> None:
    wrong: list[tuple[str, Predicate, Sequence[str]]] = []

    async def check(place: int) -> None:
        text = TEXTS[place]
        everywhere, *others = places(text, TEXTS[place - 1])
        for where, meant in (everywhere, others[place % len(others)]):
            found = [each.code for each in await filled.crates.find_many(where, limit=50)]
            if found != sorted(meant):
                wrong.append((text, where, found))

    for start in range(0, COUNT, 50):
        await asyncio.gather(*map(check, range(start, start + 50)))
    assert wrong == []
