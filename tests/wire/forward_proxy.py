"""An HTTP proxy as a process: `python -m tests.wire.forward_proxy TARGET_PORT [CREDENTIALS]`.

It prints its port, then one line of JSON per request. Whatever host is asked for, it connects to the
target port on loopback. With credentials (`user:password`), it refuses requests without them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from base64 import b64encode
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator

_REFUSAL = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


class RunningProxy:
    """A proxy while it runs."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.address = f"127.0.0.1:{port}"
        self.url = f"http://{self.address}"

    async def next_request(self) -> dict[str, Any]:
        """Returns the next request that it got: its line and headers."""
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            request: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return request

    async def requests_so_far(self) -> list[dict[str, Any]]:
        """Ends it and returns the requests that were not read."""
        self._process.kill()
        output, _ = await self._process.communicate()
        return [json.loads(line) for line in output.splitlines()]


@asynccontextmanager
async def running_proxy(target_port: int, credentials: str = "") -> AsyncIterator[RunningProxy]:
    """Runs a proxy until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.wire.forward_proxy", str(target_port), credentials),
        stdout=PIPE,
    )
    assert process.stdout is not None
    try:
        yield RunningProxy(process, int(await process.stdout.readline()))
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _serve(reader: StreamReader, writer: StreamWriter) -> None:
    target_port, wanted = int(sys.argv[1]), sys.argv[2]
    with suppress(OSError, asyncio.IncompleteReadError):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (h.partition(": ") for h in rest)}
        _say(json.dumps({"line": line, "headers": headers}))
        sent = headers.pop("proxy-authorization", "")
        if wanted and sent != f"Basic {b64encode(wanted.encode()).decode()}":
            writer.write(_REFUSAL)
            writer.close()
            return
        target_reader, target_writer = await asyncio.open_connection("127.0.0.1", target_port)
        method, url, version = line.split(" ")
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            path = "/" + url.split("/", 3)[3]
            lines = [f"{method} {path} {version}", *(f"{n}: {v}" for n, v in headers.items())]
            target_writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        await asyncio.gather(_copy(reader, target_writer), _copy(target_reader, writer))
    writer.close()


async def _copy(source: StreamReader, target: StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(1 << 16):
            target.write(data)
            await target.drain()
    target.close()


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    _say(str(server.sockets[0].getsockname()[1]))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
