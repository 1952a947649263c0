"""POST /v1/chat/completions: a request body -> a reply of the source, or an active fault."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from services.simulator.call import AnswerSource, Call, Message, NoAnswerError, Reply, read_call
from services.simulator.call_log import CallOutcome, CallProgress
from services.simulator.fault import FaultKind
from services.simulator.stream import (
    DONE,
    EventWriter,
    Pacing,
    encode_event,
    estimate_tokens,
    split_pieces,
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


class _MessageBody(BaseModel):
    role: str
    content: str


class _StreamOptions(BaseModel):
    include_usage: bool = False


class _RequestBody(BaseModel):
    """The part of OpenAI's request that changes the reply; the rest is ignored."""

    model: str
    messages: list[_MessageBody] = Field(min_length=1)
    stream: bool = False
    stream_options: _StreamOptions = _StreamOptions()
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    """OpenAI's newer name of the limit."""
    continue_final_message: bool = False
    """vLLM's: the last message is the start of the reply, which continues it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Completion:
    """A reply cut to the allowed tokens, ready to be sent."""

    pieces: list[str]
    finish_reason: str
    prompt_tokens: int
    usage: dict[str, object]


class CompletionHandler:
    """Answers chat completions from the simulator's source."""

    def __init__(self, state: SimulatorState) -> None:
        self._state = state
        self._numbers = itertools.count(1)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers one request, streamed or whole."""
        try:
            body = _RequestBody.model_validate_json(await request.read())
        except ValidationError as error:
            problems = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            return error_response(400, "invalid_request_error", "; ".join(problems))
        if body.model not in self._state.models:
            return error_response(404, "model_not_found", f"no model {body.model!r} here")
        messages = [Message(role=m.role, content=m.content) for m in body.messages]
        partial = messages.pop().content if body.continue_final_message else ""
        call = read_call(body.model, messages)
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
            )
            return await exchange.answer(self._state.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exchange:
    """One request with its fault, pace and progress."""

    request: web.Request
    body: _RequestBody
    call: Call
    pacing: Pacing
    fault: FaultKind | None
    progress: CallProgress
    number: int
    partial: str
    """The start of the reply, which the caller already has."""

    async def answer(self, source: AnswerSource) -> web.StreamResponse:
        if self.fault in _INSTEAD_OF_A_REPLY:
            return await self._fail(self.fault)
        try:
            reply = Reply(text="") if self.fault is FaultKind.EMPTY else source.reply(self.call)
        except NoAnswerError as error:
            self.progress.outcome = CallOutcome.REJECTED
            return error_response(404, "no_recorded_answer", str(error))
        limit = self.body.max_completion_tokens or self.body.max_tokens
        completion = _complete(self.call, reply, self.partial, limit)
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

    async def _stream(self, writer: EventWriter, completion: _Completion) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await response.prepare(self.request)
        self.progress.prompt_tokens = completion.prompt_tokens
        await asyncio.sleep(self._first_token_delay_s())
        breaks = self.fault in _HALFWAY
        half = len(completion.pieces) // 2
        events = writer.pieces(completion.pieces[: half if breaks else None])
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

    async def _send_whole(self, writer: EventWriter, completion: _Completion) -> web.Response:
        await asyncio.sleep(self._first_token_delay_s())
        if self.fault in _HALFWAY:
            return await self._fail(_HALFWAY[self.fault])
        if self.fault is FaultKind.MALFORMED_SSE:
            self.progress.outcome = CallOutcome.FAULTED
            return web.Response(text="{not json", content_type="application/json")
        text = "".join(completion.pieces)
        return web.json_response(writer.whole(text, completion.finish_reason, completion.usage))

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


def _complete(call: Call, reply: Reply, partial: str, max_tokens: int | None) -> _Completion:
    pieces = split_pieces(reply.text.removeprefix(partial))
    cut = max_tokens is not None and len(pieces) > max_tokens
    pieces = pieces[:max_tokens]
    prompt_tokens = sum(estimate_tokens(message.content) for message in call.messages)
    prompt_tokens += estimate_tokens(partial) + reply.extra_prompt_tokens
    usage: dict[str, object] = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": len(pieces),
        "total_tokens": prompt_tokens + len(pieces),
    }
    if reply.cost_usd is not None:
        usage["cost"] = reply.cost_usd
    return _Completion(
        pieces=pieces,
        finish_reason="length" if cut else "stop",
        prompt_tokens=prompt_tokens,
        usage=usage,
    )
