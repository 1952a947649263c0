"""Serves the files in `page/` from memory, with a policy that lets them load nothing from elsewhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

INDEX = "index.html"
PREFIX = "/console/"
"""The files are served below it; the index at `/`."""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
    )
)

_TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}
_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cache-control", b"no-cache"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFile:
    """One file of the page."""

    content: bytes
    content_type: bytes
    etag: bytes


@cache
def page_files() -> Mapping[str, PageFile]:
    """Returns the files of the page by name, read once."""
    folder = Path(__file__).parent / "page"
    return {path.name: _read(path) for path in sorted(folder.iterdir()) if path.suffix in _TYPES}


class PageEndpoint:
    """The ASGI endpoint of `/` and `/console/<file>`."""

    def __init__(self) -> None:
        self._files = page_files()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        del receive
        path: str = scope["path"]
        file = self._files.get(INDEX if path == "/" else path.removeprefix(PREFIX))
        if file is None:
            await _send(send, 404, b"There is no such page.\n", (b"content-type", b"text/plain"))
        elif file.etag in _etags(scope):
            await _send(send, 304, b"", (b"etag", file.etag))
        else:
            headers = ((b"content-type", file.content_type), (b"etag", file.etag))
            body = b"" if scope["method"] == "HEAD" else file.content
            await _send(send, 200, body, *headers, length=len(file.content))


def _read(path: Path) -> PageFile:
    content = path.read_bytes()
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'.encode()
    return PageFile(content=content, content_type=_TYPES[path.suffix], etag=etag)


def _etags(scope: Scope) -> set[bytes]:
    named: list[bytes] = [v for name, v in scope["headers"] if name == b"if-none-match"]
    return {each.strip().removeprefix(b"W/") for value in named for each in value.split(b",")}


async def _send(
    send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes], length: int | None = None
) -> None:
    size = str(len(body) if length is None else length).encode()
    sized = () if status == 304 else ((b"content-length", size),)
    start = {"type": "http.response.start", "status": status}
    await send({**start, "headers": [*_HEADERS, *headers, *sized]})
    await send({"type": "http.response.body", "body": body})
