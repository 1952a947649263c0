"""Clients that go away, wait, come in crowds or from web pages; and a gateway that drains."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

from services.gateway.http.server import CONNECTIONS_PER_CALL
from tests.gateway.conftest import QUESTION
from tests.gateway.scripted_router import ScriptedRouter, delta, result, routing, silence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from routemoa.v1 import router_service_pb2 as pb
    from tests.gateway.conftest import Front, StartFront

BODY = {"model": "routemoa", "messages": [QUESTION]}


async def counting(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
    """Sends pieces for as long as somebody reads them."""
    yield routing()
    while True:
        await asyncio.sleep(0.01)
        yield delta("again ")


async def cancelled_after_s(front: Front, *, stream: bool) -> float:
    """Returns the time from a client's end to the end of the router's call."""
    front.router.cancelled.clear()
    host, _, port = front.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    data = json.dumps(BODY | {"stream": stream}).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
    async with asyncio.timeout(10):
        if stream:
            await reader.readuntil(b"again")
        while not front.router.requests:  # noqa: ASYNC110  # the router is another server
            await asyncio.sleep(0.01)
        gone_s = time.perf_counter()
        writer.transport.abort()
        await front.router.cancelled.wait()
    return front.router.cancelled_s - gone_s


async def test_a_client_that_goes_away_cancels_its_call_at_once(start_front: StartFront) -> None:
    streamed = await start_front(ScriptedRouter(counting))
    assert await cancelled_after_s(streamed, stream=True) < 1
    silent = await start_front(ScriptedRouter(silence))
    assert await cancelled_after_s(silent, stream=False) < 1


async def test_a_quiet_stream_gets_comments(start_front: StartFront) -> None:
    answer = asyncio.Event()

    async def slow(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        yield routing()
        await answer.wait()
        yield delta("Eight")
        yield result("Eight")

    front = await start_front(ScriptedRouter(slow), keep_alive_interval_s=0.05)
    url = f"{front.url}/v1/chat/completions"
    async with front.session.post(url, json=BODY | {"stream": True}) as response:
        lines = [await response.content.readline() for _ in range(7)]
        answer.set()
        rest = await response.text()
    assert lines.count(b": keep-alive\n") >= 2
    assert "Eight" in rest
    assert rest.endswith("data: [DONE]\n\n")


async def test_a_busy_stream_gets_no_comments(start_front: StartFront) -> None:
    async def busy(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        yield routing()
        for _ in range(20):
            await asyncio.sleep(0.01)
            yield delta("again ")
        yield result("again " * 20)

    front = await start_front(ScriptedRouter(busy), keep_alive_interval_s=30)
    assert "keep-alive" not in (await front.chat(stream=True)).text


async def test_more_requests_than_the_limit_are_refused_at_once(start_front: StartFront) -> None:
    front = await start_front(ScriptedRouter(silence), max_concurrent_calls=2)
    waiting = [asyncio.create_task(front.chat()) for _ in range(2)]
    async with asyncio.timeout(10):
        while len(front.router.requests) < 2:  # noqa: ASYNC110  # the router is another server
            await asyncio.sleep(0.01)
    reply = await front.chat()
    assert (reply.status, reply.error["code"]) == (503, "overloaded")
    assert reply.headers["retry-after-ms"] == "250"
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    front.router.script = ScriptedRouter().script
    async with asyncio.timeout(10):
        while (await front.chat()).status != 200:  # noqa: ASYNC110  # the server notices soon
            await asyncio.sleep(0.01)


async def test_pages_of_allowed_origins_may_call_and_read_the_headers(
    start_front: StartFront,
) -> None:
    front = await start_front(cors_origins="https://chat.example, https://other.example")
    asked = {
        "origin": "https://chat.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    url = f"{front.url}/v1/chat/completions"
    async with front.session.options(url, headers=asked) as response:
        assert response.status == 200
        assert response.headers["access-control-allow-origin"] == "https://chat.example"
        assert "authorization" in response.headers["access-control-allow-headers"]
    reply = await front.chat(headers={"origin": "https://chat.example"})
    assert reply.headers["access-control-allow-origin"] == "https://chat.example"
    assert "x-routemoa-cost-usd" in reply.headers["access-control-expose-headers"]
    async with front.session.options(url, headers=asked | {"origin": "https://x"}) as response:
        assert "access-control-allow-origin" not in response.headers


async def test_no_page_elsewhere_may_call_unless_it_is_allowed(front: Front) -> None:
    asked = {"origin": "https://x", "access-control-request-method": "POST"}
    async with front.session.options(f"{front.url}/v1/chat/completions", headers=asked) as response:
        assert response.status == 405
        assert "access-control-allow-origin" not in response.headers


async def test_replies_are_not_kept_or_guessed_at(front: Front) -> None:
    for reply in (await front.chat(), await front.chat(stream=True), await front.chat(n=2)):
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-content-type-options"] == "nosniff"


async def test_a_gateway_whose_router_serves_is_ready(front: Front) -> None:
    assert (await front.get("/healthz")).json == {"status": "ok"}
    assert (await front.get("/readyz")).status == 200


async def test_idle_connections_take_no_more_than_their_room_and_the_gateway_stays_alive(
    start_front: StartFront,
) -> None:
    front = await start_front(max_concurrent_calls=1)
    host, _, port = front.address.rpartition(":")
    idle = [await asyncio.open_connection(host, int(port)) for _ in range(CONNECTIONS_PER_CALL)]
    assert (await front.get("/v1/models")).status == 503
    # Else Kubernetes would restart it, and cut every stream.
    assert (await front.get("/healthz")).status == 200
    assert (await front.get("/readyz")).status == 503
    for _, writer in idle:
        writer.transport.abort()
    async with asyncio.timeout(10):
        while (await front.get("/readyz")).status != 200:  # noqa: ASYNC110  # the server's own time
            await asyncio.sleep(0.01)
