"""A TCP proxy that goes away, freezes and loses answers on demand. Knows bytes, no protocol."""

import asyncio
import enum
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Mode(enum.Enum):
    """PASS everything; hold everything (FREEZE); hold what the server says (DEAF); cut at its first word (CUT).

    CUT_COMMIT cuts at the server's first word after a client's COMMIT, STOP_COMMIT before the COMMIT reaches it.
    """

    PASS = enum.auto()
    FREEZE = enum.auto()
    DEAF = enum.auto()
    CUT = enum.auto()
    CUT_COMMIT = enum.auto()
    STOP_COMMIT = enum.auto()


class Proxy:
    """One loopback port before one server. Stopped, it refuses connections; started again, it has the same port."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.cuts = 0
        self.delay = 0.0  # seconds, of every piece either way
        self._port = 0
        self._mode = Mode.PASS
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    @property
    def at(self) -> tuple[str, int]:
        return "127.0.0.1", self._port

    @property
    def mode(self) -> Mode:
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._mode = mode
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def refuses(self) -> bool:
        return self._server is None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", self._port, reuse_address=True)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuses what comes, and breaks what is open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in tuple(self._open):
            writer.transport.abort()
        for pump in tuple(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            there, upstream = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        self._open.add(upstream)
        committing = asyncio.Event()
        for task in (
            asyncio.create_task(self._pump(reader, upstream, writer, committing, answers=False)),
            asyncio.create_task(self._pump(there, writer, upstream, committing, answers=True)),
        ):
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    def _cut(self, data: bytes, committing: asyncio.Event, *, answers: bool) -> bool:
        """Whether the connection ends here, before these bytes are passed on."""
        if not answers and b"COMMIT" in data:
            committing.set()
            return self._mode is Mode.STOP_COMMIT
        cuts_commits = self._mode is Mode.CUT_COMMIT and committing.is_set()
        return answers and (self._mode is Mode.CUT or cuts_commits)

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        other: asyncio.StreamWriter,
        committing: asyncio.Event,
        *,
        answers: bool,
    ) -> None:
        try:
            while data := await source.read(65536):
                if self.delay:
                    await asyncio.sleep(self.delay)
                while self._mode is Mode.FREEZE or (answers and self._mode is Mode.DEAF):
                    await self._changed.wait()
                if self._cut(data, committing, answers=answers):
                    self.cuts += 1
                    break
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            for writer in (sink, other):
                writer.transport.abort()
                self._open.discard(writer)


@asynccontextmanager
async def proxied(target: tuple[str, int]) -> AsyncIterator[Proxy]:
    proxy = Proxy(target)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
