"""An HTTP server that answers every request with the same bytes, and counts them. Stands where PostgREST would."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

_NO_BODY: dict[str, str] = {}


def http(body: bytes, status: str = "200 OK", headers: dict[str, str] = _NO_BODY) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@attrs.define(eq=False)
class Stub:
    """`answer` is sent and the connection kept; one that is not whole, or None, ends the connection."""

    answer: bytes | None = b""
    requests: Counter[str] = attrs.field(factory=Counter)
    url: str = ""
    _open: set[asyncio.StreamWriter] = attrs.field(factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(_length(head))
                self.requests[head.split(b" ", 1)[0].decode()] += 1
                if self.answer is None:
                    break
                writer.write(self.answer)
                await writer.drain()
                top, _, body = self.answer.partition(b"\r\n\r\n")
                if len(body) < _length(top):
                    break
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    def drop(self) -> None:
        for writer in tuple(self._open):
            writer.transport.abort()


def _length(head: bytes) -> int:
    lines = [line.partition(b":") for line in head.lower().split(b"\r\n")]
    return next((int(value) for name, _, value in lines if name == b"content-length"), 0)


@asynccontextmanager
async def stubbed() -> AsyncIterator[Stub]:
    stub = Stub()
    server = await asyncio.start_server(stub.serve, "127.0.0.1", 0)
    stub.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield stub
    finally:
        server.close()
        stub.drop()
        await asyncio.sleep(0)
