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
        what = f"{self.table}: {self.kind} {self.name}".rstrip()
        if self.found is None:
            return f"{what} is missing: {self.expected}"
        if self.expected is None:
            return f"{what} should not be there: {self.found}"
        return f"{what} is different\n  expected: {self.expected}\n  found:    {self.found}"
