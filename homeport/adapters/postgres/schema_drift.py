"""One difference between what is declared and what the database has."""

import attrs


@attrs.frozen(order=False)
class Drift:
    """`expected` is None for what should not be there, `found` for what is missing. Sorted by table, kind and name."""

    kind: str
    table: str
    name: str
    expected: str | None
    found: str | None

    def __lt__(self, other: "Drift") -> bool:
        return (self.table, self.kind, self.name) < (other.table, other.kind, other.name)

    def __str__(self) -> str:
        """One line, however long the definitions are."""
        what = f"{self.table}: {self.kind} {self.name}".rstrip()
        if self.found is None:
            said = f"{what} is missing: {self.expected}"
        elif self.expected is None:
            said = f"{what} should not be there: {self.found}"
        else:
            said = f"{what} should be: {self.expected}; it is: {self.found}"
        return " ".join(said.split())
