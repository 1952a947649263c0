"""Several answers -> one, written by the aggregator as it streams.

The aggregator is left out where it has nothing to do (one answer, or all the same) or no room (money,
calls, time). If it fails, the next best model tries once; after that the best answer stands as it is.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from services.router import prompts
from services.router.calls import ModelCall
from services.router.context import fit_references, labelled
from services.router.dependencies import count_fallback
from services.router.events import Delta, Dependency, Fallback, Reset, Resumed, Substitute
from services.router.final import write_final
from services.router.ledger import CallPurpose
from services.router.protocol import new_nonce
from services.router.ranking import agree
from services.router.reservations import reserve

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from services.router.generation import Generator
    from services.router.pool import PoolModel
    from services.router.run import Run

_MAX_ATTEMPTS = 2
_FIRST_TEXT_SHARE = 0.5
"""Share of the time left in which an aggregator must begin, so that another can still try."""


async def aggregate(
    run: Run, generator: Generator, aggregators: Sequence[PoolModel], *, min_stage_s: float
) -> AsyncGenerator[Delta | Reset | Resumed, None]:
    """Yields the final answer of a run that has answers, and sets `run.final`."""
    if len(run.answers) > 1 and not agree([answer.text for answer in run.answers]):
        status = ""
        for model in aggregators[:_MAX_ATTEMPTS]:
            lack = run.lack(model, min_stage_s)
            if lack is not None:
                status = lack.name
                continue
            first_text = run.deadline.share(_FIRST_TEXT_SHARE)
            call = _call(run, model)
            _, lack = await reserve(run, [call])
            if lack is not None:
                status = lack.name
                continue
            async with aclosing(write_final(run, call, generator, first_text=first_text)) as events:
                async for event in events:
                    yield event
            if run.final is not None:
                return
            status = run.ledger.entries[-1].status.name
        fallback = Fallback(
            dependency=Dependency.AGGREGATOR, status=status, substitute=Substitute.BEST_ANSWER
        )
        run.fallbacks.append(fallback)
        count_fallback(fallback)
    best = run.answers[0]
    run.note_delta()
    yield Delta(text=best.text)
    run.final = best


def _call(run: Run, model: PoolModel) -> ModelCall:
    answers = [(answer.model_id, answer.text) for answer in run.answers]
    references = labelled(fit_references(model, run.conversation, answers))
    return ModelCall(
        model=model,
        session=run.conversation.session,
        messages=prompts.aggregator(run.conversation, references, new_nonce()),
        purpose=CallPurpose.AGGREGATION,
        layer_number=len(run.reports),
    )
