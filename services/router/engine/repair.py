"""One more try of a model whose answer was not valid, if nobody gave a valid one.

The model reads its reply and what is wrong with it. Further models by rank were asked before, so this
is for small pools, where a broken reply would otherwise be the end.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from services.router.engine.final_answer import SILENCE_SHARE, Writer, write_final
from services.router.engine.proposals import model_call
from services.router.engine.reservations import reserve
from services.router.prompts import prompts
from services.router.prompts.context_window import room_tokens
from services.router.prompts.reference_text import reference_text
from services.router.routing.selection import blocking_limit
from services.router.types.tokens import shorten

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from services.router.backends.call import ModelCall
    from services.router.backends.generator import Generator
    from services.router.engine.run import InvalidAnswer, Run
    from services.router.routing.events import Delta, Reset, Resumed


async def repair(
    run: Run, generator: Generator, *, min_stage_s: float
) -> AsyncGenerator[Delta | Reset | Resumed, None]:
    """Yields a new answer of the best model that gave an invalid one; sets `run.final` if it is valid.

    Yields nothing if no answer was invalid, or if there is no room for a call.
    """
    if not run.invalid or run.deadline.remaining_s() < min_stage_s:
        return
    best = max(run.invalid, key=lambda each: run.score(each.answer.model_id))
    call = _call(run, best)
    call.deadline, call.patient = run.deadline, True
    if blocking_limit(run.left, call.worst) is not None:
        return
    _, limit = await reserve(run, [call])
    if limit is not None:
        return
    writer = Writer(
        call=call, stream=generator.stream, first_text=run.deadline.share(SILENCE_SHARE)
    )
    async with aclosing(write_final(run, writer, next_writer=_nobody)) as events:
        async for event in events:
            yield event


def _call(run: Run, invalid: InvalidAnswer) -> ModelCall:
    model = run.pool.by_id[invalid.answer.model_id]
    room = room_tokens(model, run.conversation)
    reply = shorten(reference_text(invalid.answer), max(0, room), model.count_tokens)
    messages = (
        prompts.repair(run.conversation, reply, invalid.problems)
        if reply
        else prompts.plain(run.conversation)
    )
    return model_call(run, model, messages)


async def _nobody() -> None:
    """No other call starts beside a repair."""
