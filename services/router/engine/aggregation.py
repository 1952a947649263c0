"""Several answers -> one, written by the aggregator as it streams.

The aggregator is left out where it has nothing to do (one answer, or all the same) or no room (money,
calls, time). If it fails, or is silent for longer than is usual, the next best model tries once; after
that the best answer stands as it is.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.dependencies.dependencies import count_fallback
from services.router.engine.final import write_final
from services.router.engine.proposals import aggregation_call
from services.router.engine.reservations import reserve
from services.router.engine.speculative_answer import take_draft
from services.router.routing.events import Delta, Dependency, Fallback, Reset, Resumed, Substitute
from services.router.routing.ranking import agree
from services.router.types.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from services.router.backends.call import ModelCall
    from services.router.backends.generator import Generator, Stream
    from services.router.engine.run import Run
    from services.router.pool.pool import PoolModel

_MAX_ATTEMPTS = 2
_FIRST_TEXT_SHARE = 0.5
"""Share of the time left in which an aggregator must begin, so that another can still try."""


async def aggregate(
    run: Run, generator: Generator, aggregators: Sequence[PoolModel], *, min_stage_s: float
) -> AsyncGenerator[Delta | Reset | Resumed, None]:
    """Yields the final answer of a run that has answers, and sets `run.final`."""
    if len(run.answers) > 1 and not agree([answer.text for answer in run.answers]):
        writers = _Writers(run, generator, aggregators[:_MAX_ATTEMPTS], min_stage_s)
        while (writer := await writers.next()) is not None:
            async with aclosing(
                write_final(run, writer.call, writer.stream, first_text=writer.first_text)
            ) as events:
                async for event in events:
                    yield event
            if run.final is not None:
                return
            writers.status = run.ledger.entries[-1].status.name
        fallback = Fallback(
            dependency=Dependency.AGGREGATOR,
            status=writers.status,
            substitute=Substitute.BEST_ANSWER,
        )
        run.fallbacks.append(fallback)
        count_fallback(fallback)
    best = run.answers[0]
    run.note_delta()
    yield Delta(text=best.text)
    run.final = best


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    """A call for which room is reserved, what runs it, and when it must have begun."""

    call: ModelCall
    stream: Stream
    first_text: Deadline


class _Writers:
    """Who is asked to merge, one after the other: a draft, then models for which there is room."""

    def __init__(
        self, run: Run, generator: Generator, models: Sequence[PoolModel], min_stage_s: float
    ) -> None:
        self.status = ""
        """Why the last one did not bring an answer."""
        self._run = run
        self._generator = generator
        self._models = list(models)
        self._min_stage_s = min_stage_s

    async def next(self) -> _Writer | None:
        """Returns who writes now; None if nobody is left."""
        run = self._run
        if (draft := await take_draft(run)) is not None:
            self._models = [model for model in self._models if model is not draft.call.model]
            return self._writer(draft.call, draft.stream)
        while self._models:
            model = self._models.pop(0)
            lack = run.lack(model, self._min_stage_s)
            if lack is None:
                call = aggregation_call(run, model, run.answers, layer_number=len(run.reports))
                _, lack = await reserve(run, [call])
                if lack is None:
                    return self._writer(call, self._generator.stream)
            self.status = lack.name
        return None

    def _writer(self, call: ModelCall, stream: Stream) -> _Writer:
        first_text = self._run.deadline.share(_FIRST_TEXT_SHARE)
        usual_s = self._generator.usual_silence_s(call.model.id)
        # While another can take over, nobody need be waited for longer than is usual.
        if self._models and usual_s is not None and usual_s < first_text.remaining_s():
            first_text = Deadline.after(usual_s)
        return _Writer(call=call, stream=stream, first_text=first_text)
