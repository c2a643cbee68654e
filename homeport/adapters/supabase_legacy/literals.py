"""Spelling of names and values in PostgREST's URL grammar, and of regular expressions. Knows no predicates.

Two grammars meet in a URL. After `column=operator.` the rest of the parameter is the value, as it is. Inside
`in.(..)`, `and=(..)` and `or=(..)` every value stands in double quotes, whatever it holds. Percent-encoding is the
transport's.
"""

import string
from collections.abc import Iterable

ACCEPTED_EMPTY_LIST = '("","")'  # in.("") is the empty list; the same empty string twice is the empty string

_PLAIN_NAME = frozenset(string.ascii_letters + string.digits + "_")
_RESERVED = frozenset(("and", "columns", "is", "limit", "not", "offset", "on_conflict", "or", "order", "select"))


def name(identifier: str) -> str:
    """A column, table or alias wherever the grammar takes one; never an operator, a path or a reserved parameter."""
    _refuse_unsendable(identifier)
    if identifier and _PLAIN_NAME.issuperset(identifier) and identifier.lower() not in _RESERVED:
        return identifier
    return _in_quotes(identifier)


def plain(value: str) -> str:
    """A value that ends its parameter: `column=eq.<value>`. Raises ValueError for what can't be sent."""
    _refuse_unsendable(value)
    return value


def quoted(value: str) -> str:
    """A value inside a list or a logic tree. Raises ValueError for what can't be sent."""
    _refuse_unsendable(value)
    return _in_quotes(value)


def in_list(values: Iterable[str]) -> str:
    """The operand of `in`, in either grammar.

    Raises:
        ValueError: no values; `not.in.()` would mean every row, so the caller settles that case without asking.
    """
    operands = [quoted(value) for value in values]
    if not operands:
        raise ValueError("an empty list has no spelling")
    return ACCEPTED_EMPTY_LIST if set(operands) == {'""'} else f"({','.join(operands)})"


def containing(text: str, *, fold: bool = False) -> str:
    """A regular expression for `match`: the text lies anywhere. Empty text lies in every value, but not in NULL.

    `like` can't serve: PostgREST takes every `*` in it for a wildcard. `fold` makes A-Z equal to a-z and nothing else,
    whatever the column's collation, which `imatch` would not.
    """
    return _regex(text, fold=fold)


def starting(text: str, *, fold: bool = False) -> str:
    """A regular expression for `match`: the value starts with the text."""
    return f"^{_regex(text, fold=fold)}"


def exactly(texts: Iterable[str], *, fold: bool = False) -> str:
    """A regular expression for `match`: the value is one of the texts. Raises ValueError for none."""
    choices = [_regex(text, fold=fold) for text in texts]
    if not choices:
        raise ValueError("an empty choice has no spelling")
    return f"^(?:{'|'.join(choices)})$"


def _regex(text: str, *, fold: bool) -> str:
    _refuse_unsendable(text)
    return "".join(_regex_letter(each, fold=fold) for each in text)


def _regex_letter(letter: str, *, fold: bool) -> str:
    if letter in string.punctuation and letter != "_":
        return f"\\{letter}"
    if fold and letter in string.ascii_letters:
        return f"[{letter.lower()}{letter.upper()}]"
    return letter


def _in_quotes(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _refuse_unsendable(text: str) -> None:
    if "\x00" in text:  # PostgREST would cut a filter there, and match what was not meant
        raise ValueError("has a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("has a lone surrogate") from None
