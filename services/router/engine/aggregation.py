"""Merges several answers into one, which the aggregator streams.

No aggregator runs if there is one answer, if all agree, or if there is no room (money, calls, time).
Calls to tools are never merged: the likeliest choice wins, or the aggregator chooses one of them. If
the aggregator fails, the next best model tries once; if it is silent for longer than usual, that model
starts beside it. If neither brings an answer in time, the best complete answer so far is given.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from services.router.dependencies.remote import report_fallback
from services.router.engine.final_answer import SILENCE_SHARE, Writer, write_final
from services.router.engine.metrics import DRAFTS
from services.router.engine.planner import blocking_limit
from services.router.engine.proposals import aggregation_call
from services.router.engine.reservations import reserve
from services.router.engine.speculative_answer import SpeculativeAnswer
from services.router.routing.candidates import StopReason
from services.router.routing.events import Delta, Dependency, Fallback, Reset, Resumed, Substitute
from services.router.routing.tool_votes import NO_TOOL, is_close
from services.router.types.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from services.router.backends.call import ModelCall, Stream
    from services.router.backends.generator import Generator
    from services.router.engine.run import Run
    from services.router.pool.model import PoolModel
    from services.router.routing.events import Answer
    from services.router.routing.tool_votes import Choice

_MAX_ATTEMPTS = 2
_CHOICE_SHARE, _MIN_CHOICE_S = 2.0, 1.0
"""Longest wait for the aggregator's choice, as a share of the layer's time, and at least."""


async def aggregate(
    run: Run,
    generator: Generator,
    aggregators: Sequence[PoolModel],
    *,
    min_stage_s: float,
    settles_votes: bool,
) -> AsyncGenerator[Delta | Reset | Resumed, None]:
    """Yields the final answer of a run that has answers, and sets `run.final`.

    Calls to tools are voted on. If the vote is close and `settles_votes`, the aggregator chooses among
    the answers; what none of them does counts as no choice.
    """
    choices = run.form.choices(run.answers, run.score)
    asked = None
    if choices:
        await run.drop_speculative_answer()  # it merges words
        if settles_votes and is_close(choices):
            asked = frozenset(choice.key for choice in choices)
        else:
            run.answers = _voters(run, choices[0])
    if asked is not None:
        aggregators = aggregators[:1]  # the vote is at hand if it fails
    if asked is not None or _must_merge(run):
        writers = _Writers(run, generator, aggregators[:_MAX_ATTEMPTS], min_stage_s, choices=asked)
        async with aclosing(_write(run, writers)) as events:
            async for event in events:
                yield event
        if run.final is not None:
            return
    if asked is not None:
        run.answers = _voters(run, choices[0])
    complete = (answer for answer in run.answers if not answer.is_cut_off)
    best = next(complete, run.answers[0])
    run.record_first_delta()
    yield Delta.whole(best)
    run.final = best


def _must_merge(run: Run) -> bool:
    """Returns whether there are several answers in words that differ."""
    answers = run.answers
    return len(answers) > 1 and not answers[0].tool_calls and not run.form.agree(answers)


def _voters(run: Run, choice: Choice) -> tuple[Answer, ...]:
    """Returns the answers that make a choice, best first."""
    return tuple(run.answers[index] for index in choice.voters)


async def _write(run: Run, writers: _Writers) -> AsyncGenerator[Delta | Reset | Resumed, None]:
    """Yields what the writers write, and sets `run.final`; reports a fallback if all of them fail."""
    while (writer := await writers.next()) is not None:
        final = write_final(run, writer, next_writer=writers.next, deadline=writers.deadline)
        async with aclosing(final) as events:
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
    report_fallback(fallback)


class _Writers:
    """The calls that may merge the answers: the speculative answer, then models with room left."""

    def __init__(
        self,
        run: Run,
        generator: Generator,
        models: Sequence[PoolModel],
        min_stage_s: float,
        *,
        choices: frozenset[str] | None,
    ) -> None:
        self.status = StopReason.NO_MODEL.name
        """The reason why the last call brought no answer."""
        self._run = run
        self._generator = generator
        self._models = list(models)
        self._min_stage_s = min_stage_s
        # Words are merged without calls to tools.
        self._choices = frozenset({NO_TOOL}) if choices is None else choices
        self.deadline = run.deadline
        """The end of the wait for an answer."""
        if choices is not None:
            wait_s = max(_MIN_CHOICE_S, _CHOICE_SHARE * run.reports[-1].duration_s)
            self.deadline = min(Deadline.after(wait_s), run.deadline, key=lambda each: each.at_s)

    async def next(self) -> Writer | None:
        """Returns the next writer; None if there is none."""
        run = self._run
        if (speculative := await _take_speculative_answer(run)) is not None:
            self._models = [m for m in self._models if m is not speculative.call.model]
            return self._writer(speculative.call, speculative.stream)
        while self._models:
            model = self._models.pop(0)
            limit = blocking_limit(run, model, self._min_stage_s)
            if limit is None:
                call = aggregation_call(run, model, run.answers, layer_number=len(run.reports))
                _, limit = await reserve(run, [call])
                if limit is None:
                    return self._writer(call, self._generator.stream)
            self.status = limit.name
        return None

    def _writer(self, call: ModelCall, stream: Stream) -> Writer:
        call.deadline = self.deadline
        first_text = self.deadline.share(SILENCE_SHARE)
        usual_s = self._generator.usual_silence_s(call.model.id)
        # While another model can take over, no longer wait than usual is needed.
        if self._models and usual_s is not None and usual_s < first_text.remaining_s():
            first_text = Deadline.after(usual_s)
        return Writer(call=call, stream=stream, first_text=first_text, choices=self._choices)


async def _take_speculative_answer(run: Run) -> SpeculativeAnswer | None:
    """Returns the speculative answer if it may become the final one; drops it if not.

    It may if it has read the best answer, or if it has begun, since another one would come later.
    """
    speculative = run.speculative_answer
    if not isinstance(speculative, SpeculativeAnswer):
        return None
    if not speculative.has_begun and run.answers[0].model_id not in speculative.read_ids:
        await run.drop_speculative_answer()
        return None
    run.speculative_answer = None
    DRAFTS.labels("used").inc()
    return speculative
