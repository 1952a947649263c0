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
from services.router.backends.call import Attempt
from services.router.backends.client import open_wire_client
from services.router.backends.http.attempt_failure import (
    MAX_RETRY_AFTER_S,
    AttemptFailedError,
    read_retry_after,
    retry_after_s,
)
from services.router.backends.http.exchange import Exchange
from services.router.budgets.reservation import UNLIMITED
from services.router.types.ledger import AttemptKind, CallStatus, FinishReason
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


USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}'


@pytest.mark.parametrize("rest", [b"", b": alive\n\n", USAGE + b"\n\n", USAGE + b"\n"])
@pytest.mark.parametrize("blank_line", [b"\n", b""])
async def test_a_reply_is_whole_at_its_finish_reason_even_if_the_connection_stays_open(
    rest: bytes, blank_line: bytes
) -> None:
    finish = event({}, "stop").removesuffix(b"\n") + blank_line
    hanging = Response(body=event({"content": "Eight."}) + finish + rest, end=End.OPEN)
    async with playing(hanging) as backend, asyncio.timeout(20):
        attempted = await attempt(pool_model(backend.url))
    assert attempted.failure is None
    assert attempted.shown == "Eight."
    assert attempted.exchange.finish_reason is FinishReason.STOP
    assert (attempted.exchange.usage is not None) == rest.startswith(USAGE)


@pytest.mark.parametrize("reason", ["stop", "length", "tool_calls"])
async def test_a_connection_that_breaks_after_the_finish_reason_breaks_no_reply(
    reason: str,
) -> None:
    broken = Response(body=event({"content": "Eight."}) + event({}, reason), end=End.CUT)
    async with playing(broken) as backend:
        attempted = await attempt(pool_model(backend.url))
    assert attempted.failure is None  # so nothing is resumed on another replica
    assert attempted.shown == "Eight."


async def test_comments_without_end_after_the_finish_reason_hold_no_reply_up() -> None:
    whole = Response(body=event({}, "stop") + b": alive\n" * 8, repeat=True)
    async with playing(whole) as backend, asyncio.timeout(20):
        attempted = await attempt(pool_model(backend.url))
    assert attempted.failure is None


async def test_a_server_that_gives_a_finish_reason_with_every_event_is_read_to_its_end() -> None:
    body = b"".join(event({"content": f"{number} "}, "stop") for number in range(50))
    async with playing(Response(body=body, piece_bytes=50)) as backend:
        attempted = await attempt(pool_model(backend.url))
    assert attempted.failure is None
    assert attempted.shown == "".join(f"{number} " for number in range(50))


async def test_a_backend_that_writes_on_after_its_finish_reason_is_left() -> None:
    endless = Response(body=event({"content": "Eight. "}, "stop"), repeat=True)
    async with playing(endless) as backend, asyncio.timeout(20):
        attempted = await attempt(pool_model(backend.url))
    assert attempted.failure is None
    assert attempted.shown.startswith("Eight. ")


async def test_a_refusal_whose_words_never_end_is_known_by_its_status() -> None:
    words = Response(body=b'{"error":', http_status=429, end=End.OPEN)
    async with playing(words) as backend, asyncio.timeout(20):
        attempted = await attempt(pool_model(backend.url))
    assert attempted.failure is not None
    assert attempted.failure.status is CallStatus.RATE_LIMITED
    assert attempted.exchange.backend_message == '429: {"error":'


@pytest.mark.parametrize("http_status", [200, 401])
@pytest.mark.parametrize("echo", ["key {} is wrong", "{}", "Bearer {}x", "\u202e{}\n\x1b[31m"])
async def test_a_backend_that_echoes_the_key_does_not_bring_it_into_the_ledger(
    tmp_path: Path, http_status: int, echo: str
) -> None:
    key = "sk-test-not-a-key-0123456789"
    (tmp_path / "key").write_text(key)
    body = json.dumps({"error": {"message": echo.format(key)}}).encode()
    async with playing(Response(body=body, http_status=http_status)) as backend:
        model = pool_model(backend.url, api_key_file=tmp_path / "key")
        attempted = await attempt(model)
    message = attempted.exchange.backend_message
    assert "***" in message
    assert "sk-test" not in message
    assert message.isprintable()


async def test_the_words_of_a_refusal_that_is_compressed_are_not_read() -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    refusal = Response(body=b"\x1f\x8b" + b"x" * 100, http_status=400, headers=headers)
    async with playing(refusal) as backend:
        attempted = await attempt(pool_model(backend.url))
    assert attempted.failure is not None
    assert attempted.failure.status is CallStatus.REJECTED
    assert attempted.exchange.backend_message == "400"


async def test_a_filtered_answer_is_billed_for_what_was_written() -> None:
    filtered = event({"content": "First, mix the "}) + event({}, "content_filter")
    async with playing(Response(body=filtered)) as backend:
        attempted = await attempt(pool_model(backend.url))
    assert attempted.failure is not None
    exchange = attempted.exchange
    booked = Attempt(
        kind=AttemptKind.FIRST,
        exchange=exchange,
        reservation=UNLIMITED,
        worst=exchange.model.worst_case(100),
    )
    booked.end(attempted.failure.status)
    assert booked.usage.completion_tokens > 0


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
        ("0.4", 0.4),
        ("1.", 1.0),
        (".5", None),
        ("1.5.2", None),
        ("nan", None),
        ("inf", None),
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


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "0.5", "Retry-After": "7"}, 0.0005),
        ({"retry-after-ms": "soon", "Retry-After": "7"}, 7.0),
        ({"retry-after-ms": "-1"}, None),
        ({"Retry-After": "999999999"}, MAX_RETRY_AFTER_S),
        ({"retry-after-ms": "9" * 400}, MAX_RETRY_AFTER_S),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, MAX_RETRY_AFTER_S),
    ],
)
def test_the_time_to_wait_is_read_from_either_header_and_bounded(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_s(headers) == seconds
