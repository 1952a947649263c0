"""The final answer, begun while late models may still overturn it.

Once a quorum has answered and its answers differ, the layer still waits for a majority. The aggregator
need not: it begins, and nobody reads it until the layer is over. If a majority comes up, it was for
nothing and is cancelled; if none does, the answer is that much further.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from services.answer_key import answer_key
from services.router.engine.metrics import DRAFTS
from services.router.engine.proposals import aggregation_call
from services.router.engine.reservations import reserve_extra
from services.router.routing.ranking import agree
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from services.router.backends.call import ModelCall
    from services.router.backends.generator import Generator
    from services.router.engine.run import Run
    from services.router.routing.events import Answer, Resumed


class Draft:
    """A call that runs before anybody reads it. What was written so far comes first.

    Whoever begins one either reads it to its end or drops it.

    Args:
        call: The aggregator's, with room reserved for it.
        reads: Whose answers it merges.
        generator: Runs it.
    """

    def __init__(self, call: ModelCall, reads: frozenset[str], generator: Generator) -> None:
        self.call = call
        self.reads = reads
        self._pieces: asyncio.Queue[str | Resumed | Exception | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._write(generator))

    @property
    def has_begun(self) -> bool:
        """Whether anything has been written."""
        return bool(self.call.text)

    async def stream(self, call: ModelCall) -> AsyncGenerator[str | Resumed, None]:
        """Yields the raw reply of its call; see `Generator.stream`."""
        assert call is self.call  # noqa: S101  # it has no other
        try:
            while (piece := await self._pieces.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            await self._stop()

    async def drop(self, run: Run) -> None:
        """Stops the call and books what it took."""
        await self._stop()
        self.call.book(run.ledger, CallStatus.CANCELLED)
        DRAFTS.labels("dropped").inc()

    async def _stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _write(self, generator: Generator) -> None:
        end: Exception | None = None
        try:
            async with aclosing(generator.stream(self.call)) as pieces:
                async for piece in pieces:
                    self._pieces.put_nowait(piece)
        except Exception as error:  # noqa: BLE001  # raised to whoever reads
            end = error
        self._pieces.put_nowait(end)


def worth_drafting(answers: Sequence[Answer]) -> bool:
    """Says whether answers differ in what they come to, so that a late one can decide between them.

    Texts of which none comes to anything are merged together: leaving a late one out would lose it.
    """
    texts = [answer.text for answer in answers]
    return all(answer_key(text) is not None for text in texts) and not agree(texts)


async def begin_draft(run: Run, answers: Sequence[Answer], generator: Generator) -> None:
    """Begins the final answer of a run from those that are there, if there is room for it.

    Args:
        run: Whose answer; it keeps the draft.
        answers: What the quorum said, best first.
        generator: Runs the call.
    """
    model = run.aggregators(answers)[0]
    if run.lack(model, 0.0) is not None:
        return
    call = aggregation_call(run, model, answers, layer_number=len(run.reports) + 1)
    call.deadline = run.deadline
    if not await reserve_extra(run, call):
        return
    run.draft = Draft(call, frozenset(answer.model_id for answer in answers), generator)


async def drop_draft(run: Run) -> None:
    """Drops the draft of a run, if there is one."""
    draft, run.draft = run.draft, None
    if draft is not None:
        await draft.drop(run)


async def take_draft(run: Run) -> Draft | None:
    """Returns the draft of a run if it may stand as the final answer; drops it if not.

    It may where no majority came up against it: where it has read the best answer, or is being written
    already, so that another one would come that much later.
    """
    draft = run.draft
    if draft is None or not (draft.has_begun or run.answers[0].model_id in draft.reads):
        await drop_draft(run)
        return None
    run.draft = None
    DRAFTS.labels("used").inc()
    return draft
