"""Search: the words of a query, and the rank of a row."""

import uuid

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.kernel.entity import Entity
from homeport.kernel.errors import InvalidField, InvalidValue
from homeport.kernel.search import LONGEST_QUERY, MOST_WORDS, Searched, words_of
from homeport.kernel.table import ID, table
from tests.support.hostile import HOSTILE_TEXTS


@attrs.frozen(kw_only=True)
class Book(Entity):
    id: uuid.UUID = attrs.field(factory=uuid.uuid4)
    title: str
    tags: tuple[str, ...] | None = None
    blurb: str | None = None
    pages: int = 1


BOOK = table(Book, "books", columns={"id": ID})
BOOKS = Searched(BOOK, {"title": 3, "tags": 2, "blurb": 1})


def a_book(title: str, *tags: str, blurb: str | None = None) -> Book:
    return Book(title=title, tags=tags or None, blurb=blurb)


# -- words_of


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", ()),
        (" \t\n\u2003", ()),
        ("Winch", ("winch",)),
        ("  Winch\u00a0ROPE\n12mm ", ("winch", "rope", "12mm")),
        ("rope Rope ROPE winch", ("rope", "winch")),
        ("É İ ẞ", ("É", "İ", "ẞ")),
        ("50% a_b c\\d 'e' \"f\"", ("50%", "a_b", "c\\d", "'e'", '"f"')),
    ],
)
def test_a_query_is_split_at_white_space_and_folded_in_ascii(query: str, words: tuple[str, ...]) -> None:
    assert words_of(query) == words


def test_the_longest_query_is_taken_and_a_longer_one_refused() -> None:
    assert words_of("x" * LONGEST_QUERY) == ("x" * LONGEST_QUERY,)
    with pytest.raises(InvalidValue, match="longer than 1000 characters"):
        words_of("x" * (LONGEST_QUERY + 1))


def test_different_words_are_counted_and_too_many_refused() -> None:
    most = " ".join(f"w{number}" for number in range(MOST_WORDS))
    assert len(words_of(f"{most} W0 w1")) == MOST_WORDS
    with pytest.raises(InvalidValue, match="more than 32 words"):
        words_of(f"{most} one")


@pytest.mark.parametrize("query", [None, 5, b"rope", ["rope"], "a\x00b", "\ud800"])
def test_what_is_no_text_is_refused_by_the_name_of_the_field(query: object) -> None:
    with pytest.raises(InvalidValue) as caught:
        words_of(query, field="wanted")
    assert caught.value.field == "wanted"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=50))
def test_no_word_has_white_space_and_none_is_empty(query: str) -> None:
    assert all(word and not any(map(str.isspace, word)) for word in words_of(query))


# -- rank


def test_the_rank_is_the_sum_of_each_words_greatest_weight() -> None:
    book = a_book("Rope work", "knots", "climbing rope", blurb="All about rope, knots and pulleys")
    assert [BOOKS.rank(book, words_of(query)) for query in ("rope", "knots", "pulleys")] == [3, 2, 1]
    assert BOOKS.rank(book, words_of("pulleys knots rope rope")) == 6


def test_every_word_has_to_lie_in_some_text() -> None:
    book = a_book("Rope work", "knots")
    assert BOOKS.rank(book, words_of("rope pulleys")) is None
    assert BOOKS.rank(a_book("Rope"), words_of("none")) is None  # a text that is not there is no text


def test_a_word_may_lie_inside_another_but_not_across_two_texts() -> None:
    assert BOOKS.rank(a_book("Foolproof"), ("oolp",)) == 3
    assert BOOKS.rank(a_book("x", "ab", "cd"), ("bc",)) is None
    assert BOOKS.rank(a_book("x", "ab", blurb="cd"), ("bcd",)) is None


def test_only_ascii_is_folded() -> None:
    assert BOOKS.rank(a_book("ROPE É"), words_of("Rope É")) == 6
    assert BOOKS.rank(a_book("É"), words_of("é")) is None
    assert BOOKS.rank(a_book("İSTANBUL"), words_of("istanbul")) is None


@pytest.mark.parametrize("text", [each for each in HOSTILE_TEXTS if each.split()])
def test_a_hostile_text_means_itself(text: str) -> None:
    words = words_of(text)
    assert BOOKS.rank(a_book(text), words) == 3 * len(words)
    assert BOOKS.rank(a_book("x", text), words) == 2 * len(words)


# -- best_first


def test_the_best_are_first_and_equals_stay_in_order() -> None:
    told = [a_book("x", blurb="rope"), a_book("rope 1"), a_book("x", "rope"), a_book("rope 2"), a_book("wire")]
    first, second = told[1], told[3]
    assert BOOKS.best_first(told, ("rope",)) == [first, second, told[2], told[0]]


def test_no_words_find_nothing() -> None:
    assert BOOKS.best_first([a_book("rope")], ()) == []


@pytest.mark.parametrize("name", ["pages", "id", "author"])
def test_what_is_no_text_of_the_table_can_not_be_searched(name: str) -> None:
    with pytest.raises(InvalidField):
        Searched(BOOK, {name: 1})
