"""Where flags come from: the environment, a watched TOML file, a table. Each says what it has; none knows the others.

The environment wins over the table, the table over the file, the file over the settings: what an operator sets on the
spot comes first, then what commands write. Only a rolled-back domain goes the other way: until somebody clears it, no
source puts it into a canary.
"""

import asyncio
import contextlib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

import attrs

from homeport.kernel.errors import unknown_name
from homeport.ports.rollout import RolloutTables
from homeport.rollout.flags import Flag, FlagError, Mode

POLL_SECONDS = 1.0
"""How long a changed flag may go unnoticed where nobody tells of it."""

ALIASES: Mapping[str, str] = {
    "USE_SUPABASE_CHAT": "chat",
    "USE_SUPABASE_BUSINESS": "business",
    "USE_SUPABASE_DASHBOARD": "dashboard",
}
"""The documents' switches by the domain they are for: true is the new repositories, false the old ones."""

_FILE_SECONDS = 0.25
_SWITCH = {"true": Mode.POSTGRES.value, "false": Mode.SUPABASE_LEGACY.value}


@attrs.frozen
class Stated:
    """What a source says of one domain.

    Attributes:
        stage: which counts belong to it: another one after each change.
        held: rolled back, and not cleared since.
    """

    flag: Flag
    stage: str
    held: bool = False


@attrs.frozen
class Loaded:
    """What a source says: flags by domain, and what can't be followed, by the name it stands under."""

    flags: Mapping[str, Stated]
    faults: Mapping[str, str] = attrs.field(factory=dict)


class Source(Protocol):
    """One place where flags stand.

    Attributes:
        checked: whether a mistake in it keeps a process from starting; a table is shared with others.
        decides: whether rollbacks stand here: no canary begins before it was read once.
    """

    @property
    def name(self) -> str: ...
    @property
    def checked(self) -> bool: ...
    @property
    def decides(self) -> bool: ...

    async def load(self) -> Loaded:
        """Raises whatever kept it from being read as a whole."""

    async def changes(self) -> None:
        """Returns when it is time to load again."""


@attrs.frozen
class Domains:
    """The domains there are. `defaults` are the installed ones with what serves them where no source says anything."""

    defaults: Mapping[str, Flag]
    known: frozenset[str] = frozenset()

    @classmethod
    def of(cls, serving: Mapping[str, str], known: Iterable[str] = ()) -> "Domains":
        """Of the adapter that the settings choose for each: the primary, unless it is postgres, the candidate."""
        return cls({name: _default(name, adapter) for name, adapter in serving.items()}, frozenset((*serving, *known)))

    def check(self, name: str) -> str:
        """The name. Raises FlagError for one that nobody knows, listing those that are."""
        if name not in self.known and name not in self.defaults:
            raise FlagError(unknown_name("domain", name, self.known | self.defaults.keys()))
        return name

    def parse(self, name: str, text: object) -> Flag:
        """The domain's flag of that text. Raises FlagError."""
        default = self.defaults.get(self.check(name)) or _default(name, Mode.SUPABASE_LEGACY.value)
        if not isinstance(text, str):
            raise FlagError(f"{name}: a flag is text")
        try:
            return Flag.parse(text.strip(), name, primary=default.primary, candidate=default.candidate)
        except FlagError as error:
            raise FlagError(f"{name}: {error}") from None


def _default(name: str, adapter: str) -> Flag:
    primary = Mode.SUPABASE_LEGACY.value if adapter == Mode.POSTGRES else adapter
    return Flag.parse(adapter, name, primary=primary, candidate=Mode.POSTGRES.value)


@attrs.frozen
class EnvironmentSource:
    """HOMEPORT_<DOMAIN>, and the documents' switches where that is not set. It never changes."""

    domains: Domains
    environment: Mapping[str, str] = attrs.field(factory=lambda: os.environ, repr=False)
    name: str = attrs.field(default="environment", init=False)
    checked: bool = attrs.field(default=True, init=False)
    decides: bool = attrs.field(default=False, init=False)

    async def load(self) -> Loaded:
        given = dict(self._switched())
        for domain in self.domains.known:
            text = self.environment.get(f"HOMEPORT_{domain.upper()}", "").strip()
            if text:
                given[domain] = text
        return _loaded(self.name, self.domains, given)

    async def changes(self) -> None:
        await asyncio.get_running_loop().create_future()

    def _switched(self) -> Iterable[tuple[str, object]]:
        for variable, domain in ALIASES.items():
            text = self.environment.get(variable, "").strip().lower()
            if text and domain in self.domains.known:
                yield domain, _SWITCH.get(text, text)


@attrs.define(eq=False)
class FileSource:
    """The table [flags] of a TOML file, read again when the file has changed and has then been let alone."""

    path: Path
    domains: Domains
    seconds: float = attrs.field(default=_FILE_SECONDS, kw_only=True)
    name: str = attrs.field(default="file", init=False)
    checked: bool = attrs.field(default=True, init=False)
    decides: bool = attrs.field(default=False, init=False)
    _seen: tuple[int, ...] | None = attrs.field(default=None, init=False)

    async def load(self) -> Loaded:
        """Raises FlagError for a file that is missing, half written, or has no such table."""
        self._seen = await asyncio.to_thread(self._state)
        try:
            text = await asyncio.to_thread(self.path.read_text, encoding="utf-8")
            given = tomllib.loads(text).get("flags")
        except OSError as error:
            raise FlagError(f"{self.path.name} can't be read: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise FlagError(f"{self.path.name} is no valid TOML: {error}") from None
        if not isinstance(given, dict):
            raise FlagError(f"{self.path.name} has no table [flags]")
        return _loaded(self.name, self.domains, given)

    async def changes(self) -> None:
        """A file that is being written is not read: it has to look the same twice."""
        before = self._seen
        while True:
            await asyncio.sleep(self.seconds)
            now = await asyncio.to_thread(self._state)
            if now != self._seen and now == before:
                return
            before = now

    def _state(self) -> tuple[int, ...] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino)


@attrs.define(eq=False)
class TableSource:
    """The table that commands write. Told of changes, and asked once a second all the same.

    A row that can't be followed is a fault of its domain alone; one of an unknown domain may be another process's.
    """

    table: RolloutTables
    domains: Domains
    seconds: float = attrs.field(default=POLL_SECONDS, kw_only=True)
    name: str = attrs.field(default="table", init=False)
    checked: bool = attrs.field(default=False, init=False)
    decides: bool = attrs.field(default=True, init=False)

    async def load(self) -> Loaded:
        """Raises what the table raises."""
        flags: dict[str, Stated] = {}
        faults: dict[str, str] = {}
        for row in await self.table.flags():
            try:
                flags[row.domain] = Stated(self.domains.parse(row.domain, row.flag), str(row.revision), row.held)
            except FlagError as error:
                faults[row.domain] = str(error)
        return Loaded(flags, faults)

    async def changes(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.seconds):
                await self.table.changed()


def _loaded(source: str, domains: Domains, given: Mapping[str, object]) -> Loaded:
    flags: dict[str, Stated] = {}
    faults: dict[str, str] = {}
    for domain, text in given.items():
        try:
            flag = domains.parse(domain, text)
            flags[domain] = Stated(flag, f"{source}:{flag}")
        except FlagError as error:
            faults[domain] = str(error)
    return Loaded(flags, faults)
