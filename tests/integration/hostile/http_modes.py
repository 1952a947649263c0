"""Malicious replies below the events: heads, framing, compression, connections."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.integration.hostile.modes import (
    CHUNKED,
    END,
    HEAD,
    OPEN,
    WHOLE,
    bomb,
    chunk,
    delta,
    drip,
    flood,
    raw,
    reset,
    silent,
    sized,
    trickle,
)

if TYPE_CHECKING:
    from tests.integration.hostile.modes import Mode

_STATUS = b"HTTP/1.1 %b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_LIMITED = _STATUS.replace(b"Content", b"Retry-After: %b\r\nContent", 1)
_LONG_EXTENSION = b";" + b"x" * 4000

HEADS: dict[str, Mode] = {
    "continue_flood": flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "early_hints_flood": flood(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "long_hints_flood": flood(
        b"", b"HTTP/1.1 103 Early Hints\r\n" + b"X-A: %b\r\n" % (b"a" * 4000) * 20 + b"\r\n"
    ),
    "some_hints": raw(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3, sized(WHOLE)),
    "slow_hints": trickle(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "header_flood": flood(b"HTTP/1.1 200 OK\r\n", b"X-A: %b\r\n" % (b"a" * 200)),
    "short_header_flood": flood(b"HTTP/1.1 200 OK\r\n", b"A:\r\n"),
    "endless_header": flood(b"HTTP/1.1 200 OK\r\nX-A: ", b"a" * 1000),
    "endless_header_name": flood(b"HTTP/1.1 200 OK\r\n", b"a" * 1000),
    "endless_reason": flood(b"HTTP/1.1 200 ", b"a" * 1000),
    "endless_status_line": flood(b"HTTP/1.1 2", b"0" * 1000),
    "empty_lines": flood(b"", b"\r\n"),
    "many_cookies": raw(sized(WHOLE, b"Set-Cookie: sid=evil; Domain=127.0.0.1\r\n" * 50)),
    "slow_head": drip(b"", HEAD + b"X-A: a\r\n" * 50),
    "silent": silent(),
    "silent_after_head": silent(OPEN),
    "silent_after_text": silent(OPEN + delta("4")),
    "upgrade": raw(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        WHOLE,
    ),
    "upgrade_flood": flood(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", WHOLE
    ),
    "redirect": raw(
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /stolen/v1/chat/completions\r\n"
        b"Content-Length: 0\r\nConnection: close\r\n\r\n"
    ),
    "redirect_to_metadata": raw(
        b"HTTP/1.1 308 Permanent Redirect\r\nLocation: http://169.254.169.254/latest/meta-data\r\n"
        b"Content-Length: 0\r\nConnection: close\r\n\r\n"
    ),
    "see_other": raw(
        b"HTTP/1.1 303 See Other\r\nLocation: file:///etc/passwd\r\n"
        b"Content-Length: 0\r\nConnection: close\r\n\r\n"
    ),
    "status_999": raw(_STATUS % b"999 x"),
    "status_000": raw(_STATUS % b"000 x"),
    "status_99999": raw(_STATUS % b"99999 x"),
    "status_204": raw(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"),
    "status_304": raw(b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"),
    "proxy_authentication": raw(_STATUS % b"407 Proxy Authentication Required"),
    "nul_in_head": raw(b"HTTP/1.1 200 O\0K\r\nX: a\0b\r\n\r\n", WHOLE),
    "html": raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>no</html>"),
    "bad_content_type": raw(b"HTTP/1.1 200 OK\r\nContent-Type: \xff\xfe;;;/\r\n\r\n", WHOLE),
    "no_content_type": raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", WHOLE),
    "http_1_0": raw(b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", WHOLE),
    "http_0_9": raw(WHOLE),
    "http_2": raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"),
    "http_2_settings": raw(b"\0\0\0\4\0\0\0\0\0" * 100),
    "http_9_9": raw(b"HTTP/9.9 200 OK\r\n\r\n", WHOLE),
    "tls_alert": raw(b"\x15\x03\x03\x00\x02\x02\x28"),
    "smtp": raw(b"220 mail.example ESMTP\r\n"),
    "random_bytes": raw(random.Random(1).randbytes(4096)),
}
RETRY_AFTER: dict[str, Mode] = {
    f"retry_after_{number}": raw(_LIMITED % (b"429 Too Many Requests", value))
    for number, value in enumerate(
        [
            b"-1",
            b"9" * 500,
            b"  ",
            b"0 0 0 0 0 0",
            b"1e308",
            b"nan",
            b"\xff\xfe",
            b"Wed, 99 Foo 99999 99:99:99 GMT",
            b"Mon, 01 Jan 0000 00:00:00 +9999",
            b"Thu, 01 Jan 1970 00:00:00 +999999999999999999999",
        ]
    )
}
BODIES: dict[str, Mode] = {
    "gzip_bomb_of_comments": bomb(b"gzip", b"text/event-stream", b": " + b"a" * 9998 + b"\n"),
    "gzip_bomb_of_one_line": bomb(b"gzip", b"text/event-stream", b"a" * 10_000),
    "gzip_bomb_of_json": bomb(b"gzip", b"application/json", b" " * 10_000),
    "deflate_bomb": bomb(b"deflate", b"text/event-stream", b": \n" * 3_000),
    "gzip_in_name_only": raw(sized(WHOLE, b"Content-Encoding: gzip\r\n")),
    "unknown_encoding": raw(sized(WHOLE, b"Content-Encoding: x-unknown\r\n")),
    "zstd": raw(sized(WHOLE, b"Content-Encoding: zstd\r\n")),
    "two_encodings": raw(sized(WHOLE, b"Content-Encoding: gzip, gzip\r\n")),
    "identity": raw(sized(WHOLE, b"Content-Encoding: identity\r\n")),
    "trailers": raw(CHUNKED, chunk(WHOLE), b"0\r\nX-T: a\r\nSet-Cookie: a=b\r\n\r\n"),
    "trailer_flood": flood(CHUNKED + chunk(delta("42")) + b"0\r\n", b"X-A: %b\r\n" % (b"a" * 200)),
    "endless_trailer": flood(CHUNKED + chunk(delta("42")) + b"0\r\nX-A: ", b"a" * 1000),
    "chunks_of_one_byte": flood(CHUNKED, b"1\r\n:\r\n", 4),
    "text_in_chunks_of_one_byte": raw(CHUNKED, *(chunk(bytes([b])) for b in WHOLE), chunk(b"")),
    "chunk_extensions": flood(CHUNKED, chunk(b":", _LONG_EXTENSION), 16),
    "endless_chunk_extension": flood(CHUNKED + b"1;", b"x" * 1000),
    "endless_chunk_size": flood(CHUNKED, b"0" * 1000),
    "negative_chunk": raw(CHUNKED, b"-5\r\nabc\r\n"),
    "huge_chunk_size": raw(CHUNKED, b"f" * 20, b"\r\nabc\r\n"),
    "large_chunk_size": raw(CHUNKED, b"f" * 15, b"\r\n", WHOLE),
    "cut_chunk": raw(CHUNKED, b"ff\r\nabc"),
    "no_last_chunk": raw(CHUNKED, chunk(delta("4"))),
    "length_too_short": raw(sized(WHOLE, claimed=len(WHOLE) // 2)),
    "length_too_long": raw(sized(delta("4"), claimed=10_000)),
    "length_negative": raw(sized(WHOLE, claimed=-5)),
    "length_huge": raw(sized(WHOLE, claimed=10**23)),
    "two_lengths": raw(sized(WHOLE, b"Content-Length: 5\r\n")),
    "length_and_chunks": raw(sized(WHOLE, b"Transfer-Encoding: chunked\r\n")),
    "second_response": raw(HEAD, b"Content-Length: %d\r\n\r\n" % len(WHOLE), WHOLE, OPEN, WHOLE),
    "response_flood": flood(b"", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "more_after_the_end": flood(OPEN + WHOLE, delta("MORE")),
    "bytes_after_the_end": raw(OPEN, WHOLE, b"\xff" * 100_000),
    "reset_at_once": reset(b""),
    "reset_after_head": reset(OPEN),
    "reset_after_text": reset(OPEN + delta("4")),
    "closed_at_once": raw(),
    "closed_after_head": raw(OPEN),
    "byte_by_byte": drip(OPEN, WHOLE[: -len(END)], 0.0005),
    "never_ends_slowly": drip(OPEN, WHOLE),
}
