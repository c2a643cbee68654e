"""Migration files: found by name, in order, read as text. Knows no database.

`0001_<name>.up.sql` and `.down.sql` in a context's folder; `0002_<name>.with_<other>.up.sql` is late: it runs once the
other context is installed too. A line `-- homeport: no transaction` lets each statement stand for itself, for what
PostgreSQL refuses inside a transaction; such a file is run again from its start after a kill, so its statements have
to bear that (DROP .. IF EXISTS before CREATE).
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs

from homeport.kernel.errors import QueryError
from homeport.ports.context import Context
from homeport.repositories.migrations import shipped

PLATFORM = "platform"
"""What every database needs first; installed before any context."""

NO_TRANSACTION = "-- homeport: no transaction"

_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)(?:\.with_([a-z0-9_]+))?\.(up|down)\.sql")
_STATEMENT = re.compile(
    r"""(?P<text>(?:
        '(?:[^']|'')*' | "(?:[^"]|"")*"
      | --[^\n]* | /\*.*?\*/
      | (?P<dollar>\$(?:[A-Za-z_]\w*)?\$).*?(?P=dollar)
      | [^;'"$/-] | [$/-]
    )*);?""",
    re.DOTALL | re.VERBOSE,
)
_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


@attrs.frozen(kw_only=True)
class Migration:
    """One numbered step of a context. `late` names the other context that it waits for."""

    context: str
    number: int
    name: str
    late: str | None
    up: str = attrs.field(repr=False)
    down: str | None = attrs.field(repr=False)

    @property
    def label(self) -> str:
        """How messages call it: `calendar/0002_trip_id.with_trips`."""
        late = "" if self.late is None else f".with_{self.late}"
        return f"{self.context}/{self.number:04}_{self.name}{late}"

    @property
    def checksum(self) -> str:
        """Of the file that goes up, whatever its line ends are."""
        return hashlib.sha256(self.up.replace("\r\n", "\n").encode()).hexdigest()


def migrations_of(context: Context[Any]) -> tuple[Migration, ...]:
    """The context's migrations by number; none for a context without a folder. Raises QueryError for unclear files."""
    return () if context.migrations is None else read_folder(context.name, context.migrations)


def platform() -> tuple[Migration, ...]:
    return read_folder(PLATFORM, shipped(PLATFORM))


def read_folder(context: str, folder: Path) -> tuple[Migration, ...]:
    """The folder's migrations by number.

    Raises:
        QueryError: there is no such folder, a file has another kind of name, two have one number, or there is only
            the way down.
    """
    if not folder.is_dir():
        raise QueryError(f"{context}: there is no folder of migrations {folder.name}")
    files: dict[tuple[int, str, str | None], dict[str, str]] = {}
    for path in sorted(folder.glob("*.sql")):
        found = _NAME.fullmatch(path.name)
        if found is None:
            raise QueryError(f"{context}: {path.name} is no migration's name: 0001_name.up.sql")
        key = (int(found[1]), found[2], found[3])
        files.setdefault(key, {})[found[4]] = path.read_text(encoding="utf-8")
    numbers = [number for number, _, _ in files]
    if len(set(numbers)) < len(numbers):
        raise QueryError(f"{context}: two migrations have one number")
    return tuple(_migration(context, *key, texts) for key, texts in sorted(files.items(), key=lambda each: each[0][0]))


def _migration(context: str, number: int, name: str, late: str | None, texts: dict[str, str]) -> Migration:
    if "up" not in texts:
        raise QueryError(f"{context}: {number:04}_{name} has no .up.sql")
    return Migration(context=context, number=number, name=name, late=late, up=texts["up"], down=texts.get("down"))


def in_transaction(text: str) -> bool:
    return NO_TRANSACTION not in (line.strip() for line in text.splitlines())


def says_nothing(text: str) -> bool:
    """Whether there are only comments in it."""
    return not _COMMENTS.sub("", text).strip()


def statements(text: str) -> list[str]:
    """The statements of a file one by one; semicolons in texts, names, comments and bodies divide nothing."""
    parts = (found["text"].strip() for found in _STATEMENT.finditer(text))
    return [each for each in parts if not says_nothing(each)]


def by_dependency(contexts: Iterable[Context[Any]]) -> tuple[Context[Any], ...]:
    """The contexts, each after those of them that it requires. Raises QueryError for a circle."""
    waiting = {each.name: each for each in contexts}
    ordered: list[Context[Any]] = []
    while waiting:
        ready = [each for each in waiting.values() if not any(name in waiting for name in each.requires)]
        if not ready:
            raise QueryError(f"contexts require one another in a circle: {', '.join(waiting)}")
        ordered += ready
        for each in ready:
            del waiting[each.name]
    return tuple(ordered)
