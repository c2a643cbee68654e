"""The error tree is drawn in its module's docstring, and the drawing is right."""

import re

from homeport.kernel import errors


def test_the_drawing_shows_every_class_under_its_parent() -> None:
    parents: list[str] = []
    drawn: dict[str, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^([│├└─ ]*)([A-Z]\w+)", line)
        if found is None or not hasattr(errors, found[2]):
            continue
        depth = len(found[1]) // 4
        parents[depth:] = [found[2]]
        if depth:
            drawn[found[2]] = parents[depth - 1]
    defined = {
        name: value.__mro__[1].__name__
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.RepositoryError) and value is not errors.RepositoryError
    }
    assert drawn == defined


def test_an_unknown_name_comes_with_the_nearest() -> None:
    assert "did you mean expenses?" in errors.unknown_name("table", "expences", ["expenses", "trips"])
    assert "known: expenses, trips" in errors.unknown_name("table", "x", ["trips", "expenses"])
    assert len(errors.unknown_name("table", "x" * 10_000, ["a"])) < 200
