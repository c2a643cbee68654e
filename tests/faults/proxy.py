"""A TCP proxy that goes away, freezes and loses answers on demand. Knows bytes, no protocol."""

import asyncio
import enum
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Mode(enum.Enum):
    """PASS everything; hold everything (FREEZE); hold what the server says (DEAF); cut at its first word (CUT)."""

    PASS = enum.auto()
    FREEZE = enum.auto()
    DEAF = enum.auto()
    CUT = enum.auto()


class Proxy:
    """One loopback port before one server. Stopped, it refuses connections; started again, it has the same port."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.cuts = 0
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
        for task in (
            asyncio.create_task(self._pump(reader, upstream, writer, answers=False)),
            asyncio.create_task(self._pump(there, writer, upstream, answers=True)),
        ):
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, other: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        try:
            while data := await source.read(65536):
                while self._mode is Mode.FREEZE or (answers and self._mode is Mode.DEAF):
                    await self._changed.wait()
                if answers and self._mode is Mode.CUT:
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
