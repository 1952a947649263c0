"""A speculative answer: the final answer, started while late models may still change it.

Once a quorum has answered and its answers differ, the layer still waits for a majority. The aggregator
starts at once, but nobody reads its text until the layer ends. If a majority comes up, the speculative
answer is cancelled; otherwise its text is ahead by that time.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from services.router.engine.metrics import DRAFTS
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from services.router.backends.call import ModelCall, Stream
    from services.router.routing.answer_form import AnswerForm
    from services.router.routing.events import Answer, Resumed
    from services.router.types.ledger import Ledger
    from services.router.types.pieces import Piece


class SpeculativeAnswer:
    """A call that runs before its text is read. Its owner streams it to the end, or drops it.

    Args:
        call: The aggregator's call, with its room reserved.
        read_ids: Models whose answers it merges.
        stream: Runs the call.
    """

    def __init__(self, call: ModelCall, read_ids: frozenset[str], stream: Stream) -> None:
        self.call = call
        self.read_ids = read_ids
        self._pieces: asyncio.Queue[Piece | Resumed | Exception | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._write(stream))

    @property
    def has_begun(self) -> bool:
        """True if any piece has been written."""
        return self.call.has_begun

    async def stream(self, call: ModelCall) -> AsyncGenerator[Piece | Resumed, None]:
        """Yields the raw reply of its call, the text so far first; see `Generator.stream`."""
        assert call is self.call  # noqa: S101  # it has no other
        try:
            while (piece := await self._pieces.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            await self._stop()

    async def drop(self, ledger: Ledger) -> None:
        """Stops the call and books what it used."""
        await self._stop()
        self.call.book(ledger, CallStatus.CANCELLED)
        DRAFTS.labels("dropped").inc()

    async def _stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _write(self, stream: Stream) -> None:
        end: Exception | None = None
        try:
            async with aclosing(stream(self.call)) as pieces:
                async for piece in pieces:
                    self._pieces.put_nowait(piece)
        except Exception as error:  # noqa: BLE001  # raised to whoever streams it
            end = error
        self._pieces.put_nowait(end)


def worth_speculating(answers: Sequence[Answer], form: AnswerForm) -> bool:
    """Returns whether the answers differ in their final values, so that a late one can decide.

    If no final value can be extracted from the texts, wait: all of them must be merged. Calls to
    tools are voted on, not merged.
    """
    if any(answer.tool_calls for answer in answers):
        return False
    return all(key is not None for key in form.keys(answers)) and not form.agree(answers)
