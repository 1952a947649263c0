"""The files of the console's page: what is in them, and how they are served."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from services.gateway.console.page_files import CONTENT_SECURITY_POLICY, PageEndpoint, page_files

PAGE = Path(__file__).parents[3] / "services/gateway/console/page"
MAX_LINES = 300
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setHTML|createContextual"
    r"|\beval\b|new Function|srcdoc|javascript:"
)
ELSEWHERE = re.compile(r"""(?:src|href|url|import|from|fetch)\W{1,3}(?:https?:)?//""")


async def get(
    path: str, *, method: str = "GET", etag: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    headers = [(b"if-none-match", etag)] if etag else []
    await PageEndpoint()({"path": path, "method": method, "headers": headers}, receive, send)
    start, body = sent
    names = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], names, body["body"]


async def test_every_response_forbids_scripts_and_sources_from_elsewhere() -> None:
    for path in ("/", "/console/console.js", "/console/none.js"):
        _, headers, _ = await get(path)
        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    for rule in ("default-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for"):
        assert rule in CONTENT_SECURITY_POLICY


async def test_every_file_has_its_type_and_is_not_sent_twice() -> None:
    for name, file in page_files().items():
        status, headers, body = await get(f"/console/{name}")
        assert (status, body) == (200, file.content)
        assert headers["content-type"].startswith(
            {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}.get(
                Path(name).suffix, "image/svg+xml"
            )
        )
        assert await get(f"/console/{name}", etag=b'W/"x", ' + file.etag) == (
            304,
            {k: v for k, v in headers.items() if k not in {"content-type", "content-length"}},
            b"",
        )
    status, headers, body = await get("/", method="HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) == len(page_files()["index.html"].content)


async def test_only_files_of_the_page_are_served() -> None:
    for path in ("/console/../page_files.py", "/console/page_files.py", "/console//etc/passwd"):
        assert (await get(path))[0] == 404
    assert len(page_files()) > 20


def test_the_page_builds_no_markup_and_loads_nothing_from_elsewhere() -> None:
    for path in PAGE.iterdir():
        text = path.read_text()
        assert len(text.splitlines()) <= MAX_LINES, path.name
        assert not MARKUP.search(text), path.name
        assert not ELSEWHERE.search(text.replace("http://www.w3.org/2000/svg", "")), path.name
    assert ELSEWHERE.search('<script src="https://cdn.test/a.js">')
    assert MARKUP.search("e.innerHTML = x")


def test_the_page_has_no_inline_script_or_style() -> None:
    text = (PAGE / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", text) == []


def test_every_module_and_style_of_the_page_is_used() -> None:
    texts = "\n".join(path.read_text() for path in PAGE.iterdir())
    for path in PAGE.iterdir():
        if path.name != "index.html":
            assert re.search(rf'["/]{re.escape(path.name)}"', texts), path.name
