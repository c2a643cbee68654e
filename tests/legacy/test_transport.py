"""The transport against servers that misbehave, without PostgREST."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from homeport.adapters.supabase_legacy.transport import Call, Limits, Transport, Verb
from homeport.kernel import errors as e

READ = Call(Verb.READ, "t", params=(("id", "eq.1"),))
WRITE = Call(Verb.UPDATE, "t", params=(("id", "eq.1"),), body={"a": 1})
READING_RPC = Call(Verb.CALL, "f", body={}, writes=False)
FAST = Limits(timeout=0.3)
CUT_SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{"

Answer = Callable[[bytes], Awaitable[bytes | None]]


def http(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def always(answer: bytes | None) -> Answer:
    async def respond(_: bytes) -> bytes | None:
        return answer

    return respond


@asynccontextmanager
async def served(
    answer: Answer, limits: Limits = FAST, api_key: str | None = None
) -> AsyncIterator[tuple[Transport, list[bytes]]]:
    """A transport to a server that sends the answer's bytes, or nothing and closes for None."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")), 0
                )
                request = head + await reader.readexactly(length)
                seen.append(request)
                reply = await answer(request)
                if reply is None:
                    break
                writer.write(reply)
                await writer.drain()
                if reply == CUT_SHORT:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = Transport(f"http://127.0.0.1:{port}", limits=limits, api_key=api_key)
    try:
        yield transport, seen
    finally:
        await transport.aclose()
        server.close()


@pytest.mark.parametrize(
    ("call", "kind"), [(READ, e.RepositoryUnavailableError), (WRITE, e.RepositoryUnavailableError)]
)
async def test_a_server_that_is_not_there_was_sent_nothing(call: Call, kind: type[Exception]) -> None:
    transport = Transport("http://127.0.0.1:1", limits=FAST)
    with pytest.raises(kind) as caught:
        await transport.send(call, None)
    assert type(caught.value) is kind
    await transport.aclose()


@pytest.mark.parametrize(
    ("call", "kind"),
    [(READ, e.RepositoryTimeoutError), (READING_RPC, e.RepositoryTimeoutError), (WRITE, e.OutcomeUnknown)],
)
async def test_no_answer_in_time_leaves_only_a_writes_outcome_open(call: Call, kind: type[Exception]) -> None:
    async def never(_: bytes) -> bytes | None:
        await asyncio.sleep(5)
        return None

    async with served(never) as (transport, seen):
        with pytest.raises(kind) as caught:
            await transport.send(call, None)
        assert type(caught.value) is kind
        assert len(seen) == 1


async def test_a_trickle_does_not_outlast_the_deadline() -> None:
    """Each read comes in time for httpx; the whole does not."""

    async def first_bytes(_: bytes) -> bytes | None:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n["

    async with served(first_bytes) as (transport, _):
        with pytest.raises(e.RepositoryTimeoutError):
            await transport.send(READ, None)


@pytest.mark.parametrize(("call", "kind"), [(READ, e.RepositoryUnavailableError), (WRITE, e.OutcomeUnknown)])
@pytest.mark.parametrize(
    "answer",
    [
        None,
        CUT_SHORT,
        b"garbage\r\n\r\n",
        http(b"<html>please sign in</html>"),
        http(b'[{"id":1'),
        http(b'{"id":1}'),
        http(b"3"),
        http(b"[1]"),
        http(b"<html>bad gateway</html>", "502 Bad Gateway"),
    ],
)
async def test_an_answer_that_is_none_is_never_taken_for_rows(
    answer: bytes | None, call: Call, kind: type[Exception]
) -> None:
    async with served(always(answer)) as (transport, seen):
        with pytest.raises(kind) as caught:
            await transport.send(call, None)
        assert type(caught.value) is kind
        assert len(seen) == 1, "the client must not retry"


async def test_a_redirect_is_not_followed() -> None:
    async with served(always(http(b"", "301 Moved", Location="/else"))) as (transport, seen):
        with pytest.raises(e.QueryError):
            await transport.send(READ, "token")
        assert len(seen) == 1


async def test_no_cookie_of_one_call_goes_with_the_next() -> None:
    async with served(always(http(b"[]", **{"Set-Cookie": "who=one"}))) as (transport, seen):
        await transport.send(READ, "one")
        await transport.send(READ, "two")
    assert [b"cookie" in request.lower() for request in seen] == [False, False]


async def test_rows_counts_and_ranges_are_read() -> None:
    answer = http(b'[{"id":9007199254740993},{"id":2}]', "206 Partial", **{"Content-Range": "4-5/3000"})
    async with served(always(answer)) as (transport, _):
        reply = await transport.send(READ, None)
    assert (reply.rows, reply.total, reply.shown) == (({"id": 9007199254740993}, {"id": 2}), 3000, 2)


async def test_each_call_goes_with_its_own_token_and_nobody_elses() -> None:
    async with served(always(http(b"[]")), api_key="gateway-key") as (transport, seen):
        await asyncio.gather(*(transport.send(READ, token) for token in ("one", None, "two")))
        await transport.send(WRITE, None)
    heads = [request.split(b"\r\n\r\n")[0].lower() for request in seen]
    tokens = [[line for line in head.split(b"\r\n") if line.startswith(b"authorization")] for head in heads]
    assert sorted(map(len, tokens)) == [0, 0, 1, 1]
    assert {line for lines in tokens for line in lines} == {b"authorization: bearer one", b"authorization: bearer two"}
    keys = [head.count(b"\r\napikey: gateway-key") for head in heads]
    assert keys == [len(each) for each in tokens], "a key without a token is a token to some gateways"


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Evil: 1", "é"])
async def test_a_token_that_no_header_takes_is_refused_before_sending(token: str) -> None:
    async with served(always(http(b"[]"))) as (transport, seen):
        with pytest.raises(e.AuthInvalid) as caught:
            await transport.send(READ, token)
        assert not token or token not in str(caught.value)
        assert seen == []


async def test_the_query_string_and_preferences_are_the_calls_own() -> None:
    call = Call(
        Verb.INSERT,
        "t",
        "other",
        params=(("columns", "a"), ("select", "id,n::text")),
        body=[{"a": "1"}, {}],
        prefer=("return=representation", "missing=default"),
    )
    async with served(always(http(b"[]", "201 Created"))) as (transport, seen):
        await transport.send(call, None)
    line, *_ = seen[0].split(b"\r\n")
    assert line == b"POST /t?columns=a&select=id,n::text HTTP/1.1"
    assert b"Prefer: return=representation,missing=default\r\n" in seen[0]
    assert b"Content-Profile: other\r\n" in seen[0]
    assert seen[0].endswith(b'[{"a":"1"},{}]')


async def test_a_query_that_is_too_long_is_not_sent() -> None:
    long = Call(Verb.READ, "t", params=(("id", "in.(" + ",".join('"x"' for _ in range(2000)) + ")"),))
    async with served(always(http(b"[]"))) as (transport, seen):
        with pytest.raises(e.QueryTooLarge):
            await transport.send(long, None)
        assert seen == []


async def test_requests_in_flight_are_bounded_and_waiting_counts_against_the_deadline() -> None:
    now, most = 0, 0

    async def slow(_: bytes) -> bytes:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return http(b"[]")

    async with served(slow, Limits(timeout=5, in_flight=3)) as (transport, _):
        await asyncio.gather(*(transport.send(READ, None) for _ in range(12)))
    assert most == 3

    async def stuck(_: bytes) -> None:
        await asyncio.sleep(5)

    async with served(stuck, Limits(timeout=0.2, in_flight=1)) as (transport, seen):
        holder = asyncio.create_task(transport.send(WRITE, None))
        await asyncio.sleep(0.05)
        holder_first = asyncio.create_task(transport.send(WRITE, None))
        outcomes = await asyncio.gather(holder, holder_first, return_exceptions=True)
        assert len(seen) <= 2
    assert isinstance(outcomes[0], e.OutcomeUnknown)
    assert isinstance(outcomes[1], e.PoolTimeout | e.OutcomeUnknown)


async def test_cancelling_gives_the_turn_back_and_surfaces() -> None:
    async def stuck(_: bytes) -> None:
        await asyncio.sleep(5)

    async with served(stuck, Limits(timeout=5, in_flight=1)) as (transport, _):
        for _ in range(3):
            task = asyncio.create_task(transport.send(WRITE, None))
            await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert transport._turns._value == 1


async def test_after_closing_nothing_is_sent() -> None:
    transport = Transport("http://127.0.0.1:1")
    await transport.aclose()
    with pytest.raises(e.PoolClosed):
        await transport.send(READ, None)


async def test_no_secret_shows_in_a_call_or_reply() -> None:
    assert "s3cret" not in repr(Call(Verb.UPDATE, "t", params=(("a", "eq.s3cret"),), body={"a": "s3cret"}))
