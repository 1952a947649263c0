"""One call whose reply is the final answer: its text goes to the user as it comes."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from services.router.backends.call import CallFailedError, ModelCall
from services.router.prompts.replies import AnswerFilter
from services.router.routing.events import Answer, Delta, Reset, Resumed
from services.router.types.ledger import CallStatus, answer_tokens
from services.router.types.reusable_timeout import Waiting

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from services.router.backends.generator import Stream
    from services.router.engine.run import Run
    from services.router.types.deadline import Deadline

_SILENCE_SHARE = 0.5
"""Share of the time left that may pass between two texts, so that another model can still answer."""


async def write_final(
    run: Run, call: ModelCall, stream: Stream, *, first_text: Deadline
) -> AsyncGenerator[Delta | Reset | Resumed, None]:
    """Yields the answer in pieces and, once it is whole, sets `run.final`.

    A call that fails leaves `run.final` unset; if something of it was shown, a `Reset` voids that. The
    call is in the ledger however it ends.
    """
    call.deadline = first_text
    status = CallStatus.CANCELLED  # what stands if the caller goes away
    shown: list[str] = []
    try:
        async with aclosing(_texts(run, call, stream, first_text)) as texts:
            async for text in texts:
                if isinstance(text, Resumed):
                    yield text
                    continue
                run.note_delta()
                shown.append(text)
                yield Delta(text=text)
        status = CallStatus.OK if shown else CallStatus.EMPTY
    except CallFailedError as error:
        status = error.status
        if shown:
            yield Reset(status=status)
    finally:
        entries = call.book(run.ledger, status)
    if status is CallStatus.OK:
        prompt_tokens, completion_tokens = answer_tokens(entries)
        run.final = Answer(
            model_id=call.model.id,
            text="".join(shown),
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
        )


async def _texts(
    run: Run, call: ModelCall, stream: Stream, first_text: Deadline
) -> AsyncGenerator[str | Resumed, None]:
    answer = AnswerFilter()
    limit = first_text
    # Where nobody could take over, a writer may be silent to the end.
    silence_share = 1.0 if first_text is run.deadline else _SILENCE_SHARE
    async with aclosing(stream(call)) as pieces:
        with Waiting() as waiting:
            while (piece := await _next(pieces, waiting, limit)) is not None:
                text = piece if isinstance(piece, Resumed) else answer.feed(piece)
                if text:
                    limit = run.deadline.share(silence_share)
                    yield text
    rest = answer.finish()
    if rest:
        yield rest


async def _next(
    pieces: AsyncGenerator[str | Resumed, None], waiting: Waiting, limit: Deadline
) -> str | Resumed | None:
    try:
        return await waiting.until(limit, anext(pieces, None))
    except TimeoutError as error:
        raise CallFailedError(CallStatus.TIMEOUT) from error
