"""Backends that misbehave in ways no transcript of one shows."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from structlog.testing import capture_logs

from services.router.backends import client
from services.router.backends.client import open_wire_client
from services.router.backends.http.attempt_failure import AttemptFailedError, read_retry_after
from services.router.backends.http.exchange import Exchange
from services.router.types.ledger import CallStatus
from tests.wire.attempt import QUESTION, attempt, pool_model
from tests.wire.playback import Response, playing
from tests.wire.transcript import End

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def event(delta: Mapping[str, object], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return b"data: %b\n\n" % json.dumps({"choices": [choice]}).encode()


WHOLE = event({"content": "Eight."}) + event({}, "stop") + b"data: [DONE]\n\n"


async def status_of(response: Response) -> CallStatus | None:
    async with playing(response) as backend:
        failure = (await attempt(pool_model(backend.url))).failure
    return failure.status if failure else None


@pytest.mark.parametrize("delta", ["content", "reasoning"])
async def test_a_stream_that_never_ends_is_cut_off_at_its_length(delta: str) -> None:
    endless = Response(body=event({delta: "word " * 20}), repeat=True)
    async with playing(endless) as backend:
        attempted = await attempt(pool_model(backend.url, max_reply_tokens=50))
    assert attempted.failure is not None
    assert attempted.failure.status is CallStatus.MALFORMED
    assert len(attempted.exchange.text) < 100_000


SILENCE = [b": OPENROUTER PROCESSING\n\n", event({}), event({"content": ""})]


@pytest.mark.parametrize("body", SILENCE)
async def test_a_stream_that_says_nothing_for_ever_ends_with_its_callers_time(body: bytes) -> None:
    async with playing(Response(body=body, repeat=True, pause_s=0.01)) as backend:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await attempt(pool_model(backend.url))


@pytest.mark.parametrize("body", SILENCE)
async def test_a_stream_that_says_nothing_at_length_is_refused(body: bytes) -> None:
    assert await status_of(Response(body=body * 1000, repeat=True)) is CallStatus.MALFORMED


@pytest.mark.parametrize("start", [b"data: ", b": ", b""])
async def test_a_line_of_ten_megabytes_is_refused_before_it_is_kept(start: bytes) -> None:
    line = Response(body=start + b"x" * 10_000_000 + b"\n\n" + WHOLE, piece_bytes=1 << 16)
    assert await status_of(line) is CallStatus.MALFORMED


async def test_an_event_of_many_lines_is_bounded_too() -> None:
    lines = Response(body=b"data: xxxxxxxxxxxxxxx\n" * 200_000)
    assert await status_of(lines) is CallStatus.MALFORMED


@pytest.mark.parametrize("end", [End.CUT, End.HALF_CLOSED, End.RESET])
async def test_a_reply_that_was_whole_does_not_mind_how_the_connection_ends(end: End) -> None:
    async with playing(Response(body=WHOLE, end=end)) as backend:
        attempted = await attempt(pool_model(backend.url))
    if end is not End.RESET:  # a reset may overtake the reply
        assert attempted.failure is None
        assert attempted.exchange.text == "Eight."


async def test_a_server_that_is_gone_is_unreachable() -> None:
    async with playing(Response(body=WHOLE)) as backend:
        url = backend.url
    failure = (await attempt(pool_model(url))).failure
    assert failure is not None
    assert failure.status is CallStatus.UNREACHABLE


async def test_a_redirect_is_not_followed() -> None:
    moved = Response(body=b"", http_status=307, headers={"Location": "http://example.org/"})
    assert await status_of(moved) is CallStatus.REJECTED


@pytest.mark.parametrize(
    ("trusted", "status"),
    [("its own CA", None), ("another CA", "UNREACHABLE"), ("the system", "UNREACHABLE")],
)
async def test_a_backend_is_known_by_its_ca(
    tmp_path: Path, trusted: str, status: str | None
) -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    ca_file = tmp_path / "ca.pem"
    (trustme.CA() if trusted == "another CA" else authority).cert_pem.write_to_path(str(ca_file))
    settings: dict[str, Any] = {} if trusted == "the system" else {"ca_file": ca_file}
    async with playing(Response(body=WHOLE), tls=server) as backend:
        attempted = await attempt(pool_model(backend.url, **settings))
    assert (attempted.failure.status.name if attempted.failure else None) == status


async def test_a_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example").configure_cert(server)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with playing(Response(body=WHOLE), tls=server) as backend:
        attempted = await attempt(pool_model(backend.url, ca_file=tmp_path / "ca.pem"))
    assert attempted.failure is not None
    assert attempted.failure.status is CallStatus.UNREACHABLE


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"\x16\x03\x03\xff\xff" + b"\x00" * 70_000,
        b"\x80\x2e\x01\x03\x01",
        b"\x00" * 1000,
    ],
    ids=["nothing", "http", "alert", "long record", "ssl 2", "zeros"],
)
async def test_a_server_that_answers_a_tls_hello_with_anything_else_is_unreachable(
    reply: bytes,
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(reply)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        attempted = await attempt(pool_model(f"https://127.0.0.1:{port}"))
    assert attempted.failure is not None
    assert attempted.failure.status is CallStatus.UNREACHABLE


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_handshake_that_never_ends_is_given_up(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setattr(client, "_CONNECT_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        fillers = []
        if scheme == "http":  # a full queue: the kernel answers no further hello
            for _ in range(8):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
                fillers.append(filler)
        try:
            async with asyncio.timeout(60):
                attempted = await attempt(pool_model(f"{scheme}://127.0.0.1:{port}"))
        finally:
            for filler in fillers:
                filler.close()
    assert attempted.failure is not None
    assert attempted.failure.status is CallStatus.UNREACHABLE


@pytest.mark.parametrize("setting", ["ca_file", "api_key_file"])
async def test_a_file_that_goes_away_fails_the_attempt_and_nothing_else(
    tmp_path: Path, setting: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(trustme.CA().cert_pem.bytes() if setting == "ca_file" else b"sk-test\n")
    async with playing(Response(body=WHOLE)) as backend:
        settings: dict[str, Any] = {setting: path}
        model = pool_model(backend.url, **settings)
        path.unlink()
        attempted = await attempt(model)
    assert attempted.failure is not None
    assert attempted.failure.status is CallStatus.UNREACHABLE
    assert not attempted.exchange.sent


@pytest.mark.parametrize("content", [b"# production\nsk-s3cret\n", b"sk-\x00s3cret", b"", b"\xff"])
async def test_a_key_file_that_turns_bad_fails_its_calls_and_is_named_in_the_log(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "key"
    path.write_text("sk-s3cret")
    async with playing(Response(body=WHOLE)) as backend:
        model = pool_model(backend.url, api_key_file=path)
        path.write_bytes(content)
        with capture_logs() as logs:
            attempted = await attempt(model)
    assert attempted.failure is not None
    assert attempted.failure.status is CallStatus.UNREACHABLE
    assert not attempted.exchange.sent
    assert attempted.exchange.backend_message.startswith("api_key_file: ")
    (entry,) = logs
    assert (entry["event"], entry["file"]) == ("file_unusable", str(path))
    assert "s3cret" not in str(entry)


async def test_a_compressed_reply_is_refused_and_none_was_asked_for() -> None:
    headers = {"Content-Type": "text/event-stream", "Content-Encoding": "gzip"}
    async with playing(Response(body=WHOLE, headers=headers)) as backend:
        failure = (await attempt(pool_model(backend.url))).failure
        assert backend.headers["Accept-Encoding"] == "identity"
    assert failure is not None
    assert failure.status is CallStatus.MALFORMED


@pytest.mark.parametrize(
    "host", ["a..b", "a" * 64, "xn--a", "fe80::1%eth0", "[::1", "a b", "\ud800"]
)
async def test_an_address_that_no_request_can_have_is_unreachable(host: str) -> None:
    exchange = Exchange(
        model=pool_model("http://localhost/v1"), base_url=f"http://{host}", messages=QUESTION
    )
    async with open_wire_client() as wire:
        with pytest.raises(AttemptFailedError) as caught:
            await anext(wire.stream(exchange))
    assert caught.value.status is CallStatus.UNREACHABLE


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("5", 5.0),
        (" 120 ", 120.0),
        ("-5", None),
        ("1e9", None),
        ("9" * 400, 999_999_999.0),
        ("٣", None),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0),
        ("Fri, 99 Dec 1999 23:59:59 GMT", None),
    ],
)
def test_the_time_to_wait_is_read(value: str | None, seconds: float | None) -> None:
    assert read_retry_after(value) == seconds
