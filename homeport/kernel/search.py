"""Full-text search, the same wherever it is carried out: words of a query, and how well a row answers them.

A query is split at white space into words. A row is found if each word lies somewhere in one of its searched texts,
A-Z and a-z being the same; the texts of an array count as texts. Its rank is the sum, over the words, of the greatest
weight among the texts that the word lies in. There are no word forms, no wildcards and no operators.

Memory ranks with `Searched`. A database function of an operation says the same with `strpos(lower(..), word)`: words
reach it folded and split here, so that it has nothing to decide. Nothing here knows a store.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Generic

import attrs

from homeport.kernel.binding import fold_ascii
from homeport.kernel.entity import E
from homeport.kernel.errors import InvalidField, InvalidValue
from homeport.kernel.table import Table
from homeport.kernel.types import ArrayType, TextType

LONGEST_QUERY = 1000
"""In characters."""
MOST_WORDS = 32

_TEXT = TextType()


def words_of(query: object, *, field: str = "query") -> tuple[str, ...]:
    """The words of a query, folded, each once, in the order given; none for a blank one.

    Raises:
        InvalidValue: it is no text, is longer than LONGEST_QUERY, or has more than MOST_WORDS different words.
    """
    try:
        text = _TEXT.operand(query)
    except ValueError as error:
        raise InvalidValue(f"{field}: {error}", field=field) from None
    if len(text) > LONGEST_QUERY:
        raise InvalidValue(f"{field}: longer than {LONGEST_QUERY} characters", field=field)
    words = tuple(dict.fromkeys(fold_ascii(text).split()))
    if len(words) > MOST_WORDS:
        raise InvalidValue(f"{field}: more than {MOST_WORDS} words", field=field)
    return words


@attrs.frozen
class Searched(Generic[E]):
    """The columns of a table that are searched, each with its weight.

    Raises:
        InvalidField: a column is not the table's, or holds no text.
    """

    table: Table[E]
    weights: Mapping[str, int] = attrs.field()

    @weights.validator
    def _are_texts(self, _: object, weights: Mapping[str, int]) -> None:
        for name in weights:
            kind = self.table.require(name).type
            if not isinstance(kind.of if isinstance(kind, ArrayType) else kind, TextType):
                raise InvalidField(f"{self.table.name}.{name} is no text", field=name)

    def rank(self, row: E, words: Sequence[str]) -> int | None:
        """How well the row answers the words, at least one for each; None if one of them lies nowhere in it."""
        texts = [(text, weight) for name, weight in self.weights.items() for text in _texts(getattr(row, name))]
        total = 0
        for word in words:
            best = max((weight for text, weight in texts if word in text), default=None)
            if best is None:
                return None
            total += best
        return total

    def best_first(self, rows: Iterable[E], words: Sequence[str]) -> list[E]:
        """The rows that are found, the highest rank first, those of one rank in the order given. No words find none."""
        ranked = [(rank, row) for row in rows if words and (rank := self.rank(row, words)) is not None]
        return [row for _, row in sorted(ranked, key=lambda found: -found[0])]


def _texts(value: object) -> Iterable[str]:
    match value:
        case str():
            return (fold_ascii(value),)
        case tuple():
            return map(fold_ascii, value)
        case _:
            return ()
