"""A relay that stands for a stable name: it leads new connections to a port that changes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, closing, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class StableName:
    """Where the name leads now. Connections that are open stay where they are."""

    def __init__(self, target: int) -> None:
        self.target = target
        """The port that new connections go to."""
        self.port = 0
        """The port of the relay."""
        self.reply: bytes | None = None
        """What calls of a script get instead of reaching the server."""
        self.loses_replies = False
        """Whether whatever the server says is lost."""
        self.open: dict[int, int] = {}
        """The number of open connections by their target."""
        self.count = 0
        """The number of connections so far."""

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection."""
        target = self.target
        self.count += 1
        self.open[target] = self.open.get(target, 0) + 1
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", target)
            with closing(forth):
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._ask(reader, writer, forth))
                    group.create_task(self._answer(back, writer))
        except OSError:
            pass  # nothing listens there
        finally:
            writer.close()
            self.open[target] -= 1

    async def _ask(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        forth: asyncio.StreamWriter,
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                if self.reply is not None and b"EVALSHA" in data:
                    writer.write(self.reply)
                else:
                    forth.write(data)
        forth.close()

    async def _answer(self, back: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await back.read(65_536):
                if not self.loses_replies:
                    writer.write(data)
        writer.close()


@asynccontextmanager
async def stable_name(target: int) -> AsyncIterator[StableName]:
    """Runs a relay until the block ends."""
    name = StableName(target)
    tasks: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(name.relay(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    name.port = server.sockets[0].getsockname()[1]
    try:
        yield name
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
