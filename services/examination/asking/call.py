"""Asks a model one question through the router's own backends, and marks the reply."""

from __future__ import annotations

import asyncio
import hashlib
import time
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from services.examination.asking.answer import Answer, Failure, Form, Outcome
from services.examination.asking.request import messages_of, options_for
from services.examination.questions.checkers.checker import Reply, ToolCall
from services.router.backends.call import ModelCall
from services.router.backends.call_failure import status_of_exception
from services.router.backends.client import open_wire_client
from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.replicas.config import ReplicaSettings, ReplicaTuning
from services.router.backends.replicas.replicas import open_replicas
from services.router.types.ledger import CallPurpose, CallStatus, FinishReason, Ledger

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from services.examination.questions.question import Question
    from services.router.backends.client import WireClient
    from services.router.backends.http.exchange import Exchange
    from services.router.backends.replicas.dispatcher import ReplicaGenerator
    from services.router.pool.model import PoolModel
    from services.router.pool.pool import Pool
    from services.router.types.ledger import LedgerEntry
    from services.router.types.pieces import Piece

_NO_HEDGES = ReplicaSettings(hedge_share=0)
_ONE_ATTEMPT = ReplicaTuning(max_attempt_count=1)
"""The examination itself waits and tries again, so that every attempt fits its budget."""
_MAX_MARKED_TOGETHER = 2
"""Replies that are marked at a time: some are programs that run for seconds."""
_QUESTIONS_FAULT = frozenset({CallStatus.TIMEOUT, CallStatus.REJECTED})
"""Statuses of calls that would fail again: the question is left out."""


class Caller:
    """Asks the models of a pool."""

    def __init__(self, client: WireClient, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._marking = asyncio.Semaphore(_MAX_MARKED_TOGETHER)
        self._asked_wait_s: dict[int, float | None] = {}
        self.generator: ReplicaGenerator | None = None
        """Runs the calls."""

    async def send(self, exchange: Exchange) -> AsyncGenerator[Piece, None]:
        """Sends one attempt, and remembers how long the backend asks to wait after it."""
        async with aclosing(self._client.stream(exchange)) as pieces:
            try:
                async for piece in pieces:
                    yield piece
            except AttemptFailedError as error:
                self._asked_wait_s[id(exchange)] = error.retry_after_s
                raise

    async def ask(self, model: PoolModel, question: Question) -> Outcome:
        """Asks a question once, and marks the reply."""
        call = ModelCall(
            model=model,
            messages=messages_of(question),
            purpose=CallPurpose.ANSWER,
            layer_number=1,
            options=options_for(model, question),
        )
        started_s = time.monotonic()
        status = await self._run(call)
        entry = call.book(Ledger(), status)[-1]
        wait_s = self._asked_wait_s.pop(id(call.attempts[-1].exchange), None)
        if status not in {CallStatus.OK, CallStatus.EMPTY}:
            failed = Failure(
                model=model.id,
                question=question.id,
                failure=status.name,
                message=entry.backend_message,
                cost_usd=entry.cost_usd,
            )
            again = status not in _QUESTIONS_FAULT
            return Outcome(entry=failed, try_again=again, retry_after_s=wait_s)
        duration_s = time.monotonic() - started_s
        return Outcome(entry=await self._marked(model, question, call, entry, duration_s))

    async def _run(self, call: ModelCall) -> CallStatus:
        assert self.generator is not None  # noqa: S101  # `open_caller` sets it
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                aclosing(self.generator.stream(call)) as pieces,
            ):
                async for _ in pieces:
                    pass
        except TimeoutError:
            return CallStatus.TIMEOUT
        except Exception as error:  # noqa: BLE001  # the other questions are still asked
            return status_of_exception(error, call.model.id)
        return CallStatus.OK if call.is_answer else CallStatus.EMPTY

    async def _marked(
        self,
        model: PoolModel,
        question: Question,
        call: ModelCall,
        entry: LedgerEntry,
        duration_s: float,
    ) -> Answer:
        calls = tuple(ToolCall(each.name, each.arguments_json) for each in call.tool_calls)
        reply = Reply(text=call.text, tool_calls=calls)
        async with self._marking:
            verdict = await asyncio.to_thread(question.mark, reply)
        return Answer(
            model=model.id,
            question=question.id,
            kind=question.kind,
            level=question.level,
            score=verdict.score,
            form=_form(call, entry),
            cost_usd=entry.cost_usd,
            prompt_tokens=entry.prompt_tokens,
            completion_tokens=entry.completion_tokens,
            duration_s=round(duration_s, 3),
            digest=_digest(reply),
        )


@asynccontextmanager
async def open_caller(pool: Pool, *, timeout_s: float) -> AsyncIterator[Caller]:
    """Opens connections to the models of a pool.

    Args:
        pool: The pool.
        timeout_s: Time for each call.
    """
    async with open_wire_client() as client:
        caller = Caller(client, timeout_s)
        async with open_replicas(_NO_HEDGES, caller.send, _ONE_ATTEMPT) as replicas:
            caller.generator = replicas.use(pool)
            await replicas.first_look()
            yield caller


def _form(call: ModelCall, entry: LedgerEntry) -> Form:
    if call.refusal or entry.finish_reason is FinishReason.REFUSAL:
        return Form.REFUSED
    if not (call.text.strip() or call.tool_calls):
        return Form.EMPTY
    cut_off = entry.finish_reason is FinishReason.LENGTH
    return Form.CUT_OFF if cut_off else Form.WHOLE


def _digest(reply: Reply) -> str:
    """Returns a hash of a reply, however it is spaced and whatever its letter case."""
    calls = " ".join(f"{call.name} {call.arguments}" for call in reply.tool_calls)
    text = " ".join(f"{reply.text} {calls}".casefold().split())
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
