"""Recorded answers in the place of the models: what a simulator would send, without a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.backends.call_failure import CallFailedError
from services.router.backends.http.usage import Usage
from services.router.types.ledger import AttemptKind, CallStatus, FinishReason
from services.simulator.call import Message, NoAnswerError, read_call
from services.simulator.recorded import RecordedAnswers, load_recorded_queries
from services.simulator.stream import estimate_tokens, split_pieces

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from services.evaluation.answers.recorded_pool import RecordedPool
    from services.router.backends.call import ModelCall
    from services.router.types.pieces import Piece


class ReplayedModels:
    """Runs calls by recorded answers, at once; see `Generator`."""

    def __init__(self, pool: RecordedPool) -> None:
        self._answers = RecordedAnswers(
            load_recorded_queries(pool.records_file, pool.responses_file)
        )

    def unreachable(self, model_ids: Iterable[str]) -> frozenset[str]:  # as in the protocol
        """Returns none of the models."""
        return frozenset()

    def usual_silence_s(self, model_id: str) -> float | None:
        """Returns that nothing is known of a model's times."""
        return None

    async def stream(self, call: ModelCall) -> AsyncGenerator[Piece, None]:
        """Yields the recorded answer, and reports its tokens and cost.

        Raises:
            CallFailedError: This model's answer is not recorded.
        """
        attempt = await call.attempt(_NOWHERE, AttemptKind.FIRST)
        exchange = attempt.exchange
        messages = [Message(role=str(m.role), content=m.content) for m in call.messages]
        try:
            reply = self._answers.reply(read_call(call.model.id, messages))
        except NoAnswerError as error:
            attempt.end(CallStatus.REJECTED)
            raise CallFailedError(CallStatus.REJECTED) from error
        exchange.sent = True
        read = sum(estimate_tokens(message.content) for message in messages)
        exchange.reported = Usage(
            prompt_tokens=max(1, read + reply.extra_prompt_tokens),
            completion_tokens=max(1, len(split_pieces(reply.text))),
            cost_usd=reply.cost_usd,
        )
        exchange.finish_reason = FinishReason.STOP
        if not reply.text.strip():
            attempt.end(CallStatus.EMPTY)
            raise CallFailedError(CallStatus.EMPTY)
        exchange.add(reply.text)
        call.add(reply.text)
        yield reply.text
        attempt.end(CallStatus.OK)


_NOWHERE = "http://127.0.0.1:9/v1"
