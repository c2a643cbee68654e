"""The flags as they are now, of all sources together; followed in the background. Nothing of it fails a caller.

What can't be read or followed is an event, and the state before stays: a broken source never moves a domain.
"""

import asyncio
import contextvars
import logging
from collections import Counter
from collections.abc import Callable, Sequence

import attrs

from homeport.kernel.errors import unknown_name
from homeport.rollout.flags import Flag, FlagError, Mode
from homeport.rollout.routes import Tell, log_event
from homeport.rollout.sources import Domains, Loaded, Source, Stated

_LOG = logging.getLogger("homeport")
_PAUSE = 1.0
"""Seconds before a source that failed is asked again."""


@attrs.frozen
class Current:
    """A domain's flag, and who says so: a source's name, or `settings`."""

    flag: Flag
    source: str
    stage: str
    held: bool = False


class Flags:
    """`of` is one look into a dict. The sources are followed from the first look on, in the loop that runs then."""

    def __init__(self, domains: Domains, sources: Sequence[Source] = (), *, tell: Tell = log_event) -> None:
        """`sources` in order of precedence, the first one first. `tell` is told of each event: of whom, and what."""
        self.domains = domains
        self.events: Counter[str] = Counter()
        """How often a flag changed, a source broke or came back, and a value could not be followed."""
        self.before_change: list[Callable[[], None]] = []
        """Called before flags change, so that what was counted so far goes to the old ones."""
        self._sources = tuple(sources)
        self._tell = tell
        self._said: dict[str, dict[str, Stated]] = {each.name: {} for each in sources}
        self._faults: dict[str, dict[str, str]] = {each.name: {} for each in sources}
        self._broken: set[str] = set()
        self._waited_for = {each.name for each in sources if each.decides}
        self._current = {name: self._found(name) for name in domains.defaults}
        self._flags = {name: each.flag for name, each in self._current.items()}
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def of(self, domain: str, /) -> Flag:
        """The same object as long as nothing changes. Raises FlagError for a domain that is not installed."""
        if self._loop is None:
            self._follow()
        try:
            return self._flags[domain]
        except KeyError:
            raise FlagError(unknown_name("domain", domain, self._flags)) from None

    def current(self) -> dict[str, Current]:
        """All installed domains."""
        return dict(self._current)

    async def open(self) -> None:
        """Read every source once.

        Raises:
            FlagError: the environment or the file names an unknown domain or mode. A table that can't be read is an
                event: until it was read, domains in canary stay on their primary.
        """
        await self.refresh(strict=True)
        self._follow()

    async def refresh(self, *, strict: bool = False) -> None:
        """Read every source again, now. If strict, it raises as `open` does."""
        for source in self._sources:
            await self._reload(source, strict=strict and source.checked)

    async def close(self) -> None:
        """The flags stay as they are."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def _follow(self) -> None:
        if self._closed or self._loop is not None:
            return
        try:
            self._loop = loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        # nothing of the first caller's context
        self._tasks = [loop.create_task(self._followed(each), context=contextvars.Context()) for each in self._sources]

    async def _followed(self, source: Source) -> None:
        while True:
            if not await self._reload(source):
                await asyncio.sleep(_PAUSE)
            try:
                await source.changes()
            except Exception as error:  # noqa: BLE001 - one that can't be waited for is asked again all the same
                self._break(source, error)
                await asyncio.sleep(_PAUSE)

    async def _reload(self, source: Source, *, strict: bool = False) -> bool:
        try:
            loaded = await source.load()
        except Exception as error:  # whatever it is: the state before stays
            if strict:
                raise
            self._break(source, error)
            return False
        if strict and loaded.faults:
            raise FlagError("; ".join(f"{source.name}: {each}" for each in loaded.faults.values()))
        if source.name in self._broken:
            self._broken.discard(source.name)
            self._event("mended", source.name, "can be read again")
        self._take(source, loaded)
        return True

    def _take(self, source: Source, loaded: Loaded) -> None:
        """Domain by domain: one that can't be followed stays where it was, and holds up no other."""
        before = self._said[source.name]
        kept = {domain: before[domain] for domain in loaded.faults if domain in before}
        self._said[source.name] = {**loaded.flags, **kept}
        for domain, fault in loaded.faults.items():
            if self._faults[source.name].get(domain) != fault:
                self._event("not_followed", source.name, f"{fault}; it stays as it was")
        self._faults[source.name] = dict(loaded.faults)
        self._waited_for.discard(source.name)
        self._merge()

    def _merge(self) -> None:
        found = {domain: self._found(domain) for domain in self._current}
        if found == self._current:
            return
        for each in self.before_change:
            each()
        for domain, now in found.items():
            before, self._current[domain] = self._current[domain], now
            if now.flag != before.flag:
                self._flags[domain] = now.flag
                self._event("changed", domain, f"{before.flag} -> {now.flag} ({now.source})")

    def _found(self, domain: str) -> Current:
        said = [(each.name, self._said[each.name].get(domain)) for each in self._sources]
        held = any(each is not None and each.held for _, each in said)
        for source, each in said:
            if each is None or (held and not each.held and each.flag.mode is Mode.CANARY):
                continue
            if each.flag.mode is Mode.CANARY and self._waited_for:
                return Current(self.domains.parse(domain, each.flag.primary), source, "")
            return Current(each.flag, source, each.stage, held)
        return Current(self.domains.defaults[domain], "settings", "", held)

    def _break(self, source: Source, error: Exception) -> None:
        if source.name not in self._broken:
            self._broken.add(source.name)
            self._event("broken", source.name, f"can't be read, the last state stays: {error or type(error).__name__}")

    def _event(self, kind: str, subject: str, text: str) -> None:
        self.events[kind] += 1
        try:
            self._tell(subject, text)
        except Exception:  # noqa: BLE001 - whoever listens never stops the flags
            _LOG.exception("a listener to flag events failed")
