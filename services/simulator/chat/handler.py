"""POST /v1/chat/completions: a request body -> a reply of the source, or an active fault."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import ValidationError

from services.simulator.abilities.broken import broken
from services.simulator.call import AnswerSource, Call, NoAnswerError
from services.simulator.call_log import CallOutcome, CallProgress
from services.simulator.chat.completion import Completion, complete, log_probabilities
from services.simulator.chat.request import RequestBody
from services.simulator.fault import FaultKind
from services.simulator.stream import (
    DONE,
    EventWriter,
    Pacing,
    encode_event,
    write_events,
)

if TYPE_CHECKING:
    from services.simulator.state import SimulatorState

# Longer than any caller waits.
_MAX_SILENCE_S = 3600.0
_RETRY_AFTER_S = 1
# Time for written data to leave this process before the connection is aborted.
_FLUSH_S = 0.02


_INSTEAD_OF_A_REPLY = {
    FaultKind.REFUSE,
    FaultKind.HANG,
    FaultKind.ERROR_429,
    FaultKind.ERROR_500,
}
_HALFWAY = {
    FaultKind.STALL: FaultKind.HANG,
    FaultKind.DIE_MIDSTREAM: FaultKind.REFUSE,
    FaultKind.ERROR_IN_STREAM: FaultKind.ERROR_500,
}
"""Faults that break a stream off -> the same fault for a caller without a stream."""


class CompletionHandler:
    """Answers chat completions from the simulator's source."""

    def __init__(self, state: SimulatorState) -> None:
        self._state = state
        self._numbers = itertools.count(1)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers one request, streamed or whole."""
        try:
            body = RequestBody.model_validate_json(await request.read())
        except ValidationError as error:
            problems = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            return error_response(400, "invalid_request_error", "; ".join(problems))
        if body.model not in self._state.models:
            return error_response(404, "model_not_found", f"no model {body.model!r} here")
        if body.stream and body.n > 1:
            return error_response(400, "invalid_request_error", "n: one choice in a stream")
        call, partial = body.call()
        cache = self._state.prefix_cache
        with self._state.log.logged(call) as progress:
            exchange = _Exchange(
                request=request,
                body=body,
                call=call,
                pacing=self._state.pacing,
                fault=self._state.fault(call.model),
                progress=progress,
                number=next(self._numbers),
                partial=partial,
                cached_share=0.0 if cache is None else cache.read(call.model, body.prompt),
            )
            return await exchange.answer(self._state.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exchange:
    """One request with its fault, pace and progress."""

    request: web.Request
    body: RequestBody
    call: Call
    pacing: Pacing
    fault: FaultKind | None
    progress: CallProgress
    number: int
    partial: str
    """The start of the reply, which the caller already has."""
    cached_share: float
    """The share of the prompt that was in the server's cache."""

    async def answer(self, source: AnswerSource) -> web.StreamResponse:
        if self.fault in _INSTEAD_OF_A_REPLY:
            return await self._fail(self.fault)
        try:
            reply = broken(source.reply(self.call), self.call, self.fault)
        except NoAnswerError as error:
            self.progress.outcome = CallOutcome.REJECTED
            return error_response(404, "no_recorded_answer", str(error))
        completion = complete(
            self.body,
            self.call,
            reply,
            partial=self.partial,
            cached_share=self.cached_share,
        )
        if self.fault is FaultKind.FILTERED:
            self.progress.outcome = CallOutcome.FAULTED
            half = completion.pieces[: len(completion.pieces) // 2]
            completion = replace(completion, pieces=half, finish_reason="content_filter")
        writer = EventWriter(
            completion_id=f"chatcmpl-simulated-{self.number}",
            created=int(time.time()),
            model=self.call.model,
        )
        if self.body.stream:
            return await self._stream(writer, completion)
        return await self._send_whole(writer, completion)

    async def _stream(self, writer: EventWriter, completion: Completion) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await response.prepare(self.request)
        self.progress.prompt_tokens = completion.prompt_tokens
        await asyncio.sleep(self._first_token_delay_s())
        breaks = self.fault in _HALFWAY
        events = self._events(writer, completion)
        if breaks:
            events = events[: len(events) // 2]
        # Only tokens are paced: the role is sent with the first token, the end with the last.
        events[:1] = [b"".join([writer.opening(), *events[:1]])]
        if self.fault is FaultKind.MALFORMED_SSE:
            self.progress.outcome = CallOutcome.FAULTED
            events = [b"data: {not json\n\n"]
        if not breaks:
            events[-1] += writer.closing(completion.finish_reason)
            if self.body.stream_options.include_usage:
                events[-1] += writer.usage(completion.usage)
            events[-1] += DONE
        await write_events(
            response, events, self.pacing.tokens_per_second, self.progress.set_written
        )
        if breaks:
            await self._break_off(response)
        return response

    def _events(self, writer: EventWriter, completion: Completion) -> list[bytes]:
        """Returns the event of each token."""
        if completion.refuses:
            return writer.deltas(completion.deltas)
        if self.body.logprobs:
            likely = log_probabilities(completion.pieces, self.body.top_logprobs)
            texts = writer.likely_pieces(completion.pieces, likely)
        else:
            texts = writer.pieces(completion.pieces)
        others = writer.deltas(completion.deltas)
        first = len(completion.reasoning)
        return [*others[:first], *texts, *others[first:]]

    async def _send_whole(self, writer: EventWriter, completion: Completion) -> web.Response:
        await asyncio.sleep(self._first_token_delay_s())
        if self.fault in _HALFWAY:
            return await self._fail(_HALFWAY[self.fault])
        if self.fault is FaultKind.MALFORMED_SSE:
            self.progress.outcome = CallOutcome.FAULTED
            return web.Response(text="{not json", content_type="application/json")
        choice: dict[str, object] = {
            "message": completion.message,
            "finish_reason": completion.finish_reason,
        }
        if self.body.logprobs:
            likely = log_probabilities(completion.pieces, self.body.top_logprobs)
            choice["logprobs"] = {"content": likely}
        return web.json_response(writer.whole(choice, self.body.n, completion.usage))

    async def _fail(self, fault: FaultKind) -> web.Response:
        if fault is FaultKind.HANG:
            await asyncio.sleep(_MAX_SILENCE_S)
        self.progress.outcome = CallOutcome.FAULTED
        if fault is FaultKind.ERROR_429:
            response = error_response(429, "rate_limit_exceeded", "simulated rate limit")
            response.headers["Retry-After"] = str(_RETRY_AFTER_S)
            return response
        if fault is FaultKind.REFUSE:
            self._abort()
        return error_response(500, "server_error", "simulated failure")

    async def _break_off(self, response: web.StreamResponse) -> None:
        if self.fault is FaultKind.STALL:
            await asyncio.sleep(_MAX_SILENCE_S)
        self.progress.outcome = CallOutcome.FAULTED
        if self.fault is FaultKind.ERROR_IN_STREAM:
            await response.write(encode_event(_error_object("server_error", "simulated failure")))
            return
        await asyncio.sleep(_FLUSH_S)
        self._abort()

    def _abort(self) -> None:
        if self.request.transport is not None:
            self.request.transport.abort()

    def _first_token_delay_s(self) -> float:
        every = self.pacing.slow_every
        slow = self.fault is FaultKind.SLOW_START or (every and self.number % every == 0)
        return self.pacing.slow_start_s if slow else self.pacing.time_to_first_token_s


def error_response(status: int, code: str, message: str) -> web.Response:
    """Returns an error in OpenAI's form."""
    return web.json_response(_error_object(code, message), status=status)


def _error_object(code: str, message: str) -> dict[str, object]:
    return {"error": {"message": message, "type": code, "code": code}}
