"""A malicious backend: `POST /<mode>/...` is answered as the mode says. Prints its port."""

from __future__ import annotations

import asyncio
import sys

from tests.integration.hostile.http_modes import BODIES, HEADS, RETRY_AFTER
from tests.integration.hostile.modes import WHOLE, raw, sized
from tests.integration.hostile.text_modes import EVENTS, TEXTS, USAGE

MODES = {"right": raw(sized(WHOLE)), **HEADS, **RETRY_AFTER, **BODIES, **EVENTS, **USAGE, **TEXTS}
_HEAD_END = b"\r\n\r\n"


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = await reader.readuntil(_HEAD_END)
        lines = head.decode("latin-1").lower().split("\r\n")
        sizes = [int(line[15:]) for line in lines if line.startswith("content-length:")]
        await reader.readexactly(sum(sizes))
        mode = MODES.get(lines[0].split("/")[1])
        if mode is not None and "accept-encoding: identity" in lines:
            await mode(writer)
    except (OSError, asyncio.IncompleteReadError):
        pass  # the caller has seen enough
    finally:
        writer.close()


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
