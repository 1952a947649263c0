"""Lines and sinks that the tests of decision records share."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from services.router.decision_records.sinks import Line, SinkDownError, SinkRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def line(name: str, *, size: int = 0) -> Line:
    """Returns a line of at least so many bytes."""
    return Line(
        id=name,
        time=datetime(2026, 5, 1, tzinfo=UTC),
        tenant=None,
        strategy="routemoa",
        outcome="answered",
        final_model_id="a",
        cost_usd=0.5,
        json=json.dumps({"id": name, "text": "x" * size}).encode(),
    )


class KeptSink:
    """Keeps what it is given; can be down, hang, or refuse single lines."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.down = False
        self.refused: set[str] = set()
        self.room = asyncio.Event()
        self.room.set()
        self.closed = False
        self._changed = asyncio.Condition()
        self.attempts = 0

    async def write(self, lines: Sequence[Line]) -> None:
        self.attempts += 1
        await self._announce()
        await self.room.wait()
        if self.down:
            raise SinkDownError("down")
        if self.refused & {item.id for item in lines}:
            raise SinkRefusedError("refused")
        self.ids += [item.id for item in lines]
        await self._announce()

    async def close(self) -> None:
        self.closed = True

    async def wait_until(self, condition: Callable[[KeptSink], bool]) -> None:
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(lambda: condition(self))

    async def _announce(self) -> None:
        async with self._changed:
            self._changed.notify_all()
