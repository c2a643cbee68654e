"""Spelling in PostgREST's grammar, without a server; test_literals_on_server.py asks a real one."""

import pytest

from homeport.adapters.supabase_legacy import literals


@pytest.mark.parametrize(
    ("given", "spelled"),
    [
        ("trip_id", "trip_id"),
        ("Trip", "Trip"),
        ("order", '"order"'),
        ("NOT", '"NOT"'),
        ("a.b", '"a.b"'),
        ('weird "col",x', '"weird \\"col\\",x"'),
        ("", '""'),
    ],
)
def test_a_name_is_quoted_unless_it_is_plain_and_free(given: str, spelled: str) -> None:
    assert literals.name(given) == spelled


def test_list_members_are_always_quoted() -> None:
    assert literals.in_list(["a,b", 'c"d\\', " e"]) == '("a,b","c\\"d\\\\"," e")'


def test_a_lone_empty_string_is_spelled_twice_for_one_would_be_the_empty_list() -> None:
    assert literals.in_list([""]) == '("","")'
    assert literals.in_list(["", ""]) == '("","")'
    assert literals.in_list(["", "a"]) == '("","a")'


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(ValueError):
        literals.in_list([])
    with pytest.raises(ValueError):
        literals.exactly([])


def test_wildcards_and_metacharacters_are_plain_in_patterns() -> None:
    assert literals.containing("a*%_.") == "a\\*\\%_\\."
    assert literals.starting("(?i)") == "^\\(\\?i\\)"


def test_folding_covers_ascii_letters_alone() -> None:
    assert literals.containing("aÉ1", fold=True) == "[aA]É1"
    assert literals.exactly(["Ab", "c"], fold=True) == "^(?:[aA][bB]|[cC])$"


@pytest.mark.parametrize("spell", [literals.name, literals.plain, literals.quoted, literals.containing])
@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_what_can_not_be_sent_is_refused(spell: object, text: str) -> None:
    assert callable(spell)
    with pytest.raises(ValueError):
        spell(text)
