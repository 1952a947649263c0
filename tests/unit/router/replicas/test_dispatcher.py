"""A call to the replicas of a model, whatever its attempts raise."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from services.router.backends.call_failure import CallFailedError
from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.replicas.config import ReplicaSettings
from services.router.backends.replicas.dispatcher import ReplicaGenerator
from services.router.backends.replicas.replica_set import ReplicaSet
from services.router.routing.events import Resumed
from services.router.types.ledger import AttemptKind, CallStatus, Ledger
from services.router.types.messages import ToolCall
from services.router.types.options import GenerationOptions, JsonFormat
from services.router.types.pieces import (
    LogProbabilitiesPiece,
    ReasoningPiece,
    RefusalPiece,
    TokenLogProbability,
    ToolCallPiece,
)
from tests.unit.router.scripted import model_call

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from services.router.backends.call import ModelCall
    from services.router.backends.http.exchange import Exchange
    from services.router.types.pieces import Piece

URLS = ("http://one/v1", "http://two/v1")


async def failed(call: ModelCall, error: Exception, *, text: str = "") -> ReplicaSet:
    """Runs a call whose attempts raise an error, and returns its replicas."""

    async def send(_exchange: Exchange) -> AsyncGenerator[str, None]:
        if text:
            yield text
        raise error

    replicas = ReplicaSet("m", ReplicaSettings(), draw=random.Random(7))
    replicas.update(URLS)
    generator = ReplicaGenerator(send, {call.model.id: replicas})
    with pytest.raises(CallFailedError) as caught:
        async for _ in generator.stream(call):
            pass
    assert caught.value.status is call.attempts[-1].status
    return replicas


@pytest.mark.parametrize("text", ["", "half"])
@pytest.mark.parametrize("error", [RuntimeError("x"), UnicodeError("x"), AssertionError("x")])
async def test_an_exception_of_an_attempt_is_its_status_and_leaves_nothing_in_flight(
    unexpected_failures: list[str], error: Exception, text: str
) -> None:
    call = model_call("m")
    replicas = await failed(call, error, text=text)
    assert [attempt.status for attempt in call.attempts] == [CallStatus.MALFORMED]
    assert [replica.in_flight for replica in replicas.replicas] == [0, 0]
    assert unexpected_failures == [repr(error)]
    unexpected_failures.clear()


@pytest.mark.parametrize(("status", "attempts"), [("RATE_LIMITED", 2), ("REJECTED", 1)])
async def test_a_rate_limit_is_tried_at_another_replica_and_a_refusal_is_not(
    status: str, attempts: int
) -> None:
    call = model_call("m")
    await failed(call, AttemptFailedError(CallStatus[status]))
    assert len(call.attempts) == attempts


class Script:
    """Sends the pieces of each attempt in turn; an exception among them breaks it off."""

    def __init__(self, *attempts: list[Piece | Exception]) -> None:
        self._attempts = list(attempts)
        self.exchanges: list[Exchange] = []

    async def send(self, exchange: Exchange) -> AsyncGenerator[Piece, None]:
        self.exchanges.append(exchange)
        for step in self._attempts.pop(0):
            if isinstance(step, Exception):
                raise step
            yield step


BROKEN = AttemptFailedError(CallStatus.INTERRUPTED)
CALL = ToolCallPiece(call_index=0, id="call_1", name="f", arguments_json='{"a"')
JSON = JsonFormat()


async def run(script: Script, call: ModelCall) -> tuple[list[object], CallFailedError | None]:
    """Returns what a call yields, and its failure."""
    replicas = ReplicaSet("m", ReplicaSettings(), draw=random.Random(7))
    replicas.update(URLS)
    seen: list[object] = []
    try:
        async for piece in ReplicaGenerator(script.send, {"m": replicas}).stream(call):
            seen.append(piece)  # noqa: PERF401  # what came before a failure counts too
    except CallFailedError as error:
        return seen, error
    return seen, None


async def test_a_call_collects_what_comes_beside_its_text() -> None:
    token = TokenLogProbability(token="Yes", log_probability=-0.5)
    pieces: list[Piece | Exception] = [
        ReasoningPiece(text="Hm."),
        "Yes",
        LogProbabilitiesPiece(tokens=(token,)),
        CALL,
        ToolCallPiece(call_index=1, id="call_2", name="g"),
        ToolCallPiece(call_index=0, arguments_json=":1}"),
        RefusalPiece(text="No"),
        RefusalPiece(text="."),
    ]
    call = model_call("m")
    seen, failure = await run(Script(pieces), call)
    assert failure is None
    assert seen == pieces
    assert (call.text, call.reasoning, call.refusal) == ("Yes", "Hm.", "No.")
    assert call.log_probabilities == (token,)
    assert call.tool_calls == (
        ToolCall(id="call_1", name="f", arguments_json='{"a":1}'),
        ToolCall(id="call_2", name="g", arguments_json=""),
    )
    assert call.has_begun


@pytest.mark.parametrize("piece", [CALL, RefusalPiece(text="I can"), "after text"])
async def test_a_reply_that_broke_off_within_a_call_or_a_refusal_is_not_continued(
    piece: Piece,
) -> None:
    begun = ["Some text. ", CALL] if isinstance(piece, str) else [piece]
    call = model_call("m")
    seen, failure = await run(Script([*begun, BROKEN], ["never"]), call)
    assert failure is not None
    assert failure.status is CallStatus.INTERRUPTED
    assert seen == begun
    assert len(call.attempts) == 1


async def test_text_is_continued_without_the_json_format_and_with_what_is_left_of_the_limit() -> (
    None
):
    text = "One two three four five. "
    script = Script([text, BROKEN], [text[-12:], "Six.", CALL])
    call = model_call("m")
    call.options = GenerationOptions(json_format=JSON, max_output_tokens=100)
    seen, failure = await run(script, call)
    assert failure is None
    assert seen == [text, Resumed(model_id="m", status=CallStatus.INTERRUPTED), "Six.", CALL]
    first, second = (exchange.options for exchange in script.exchanges)
    assert first == call.options
    assert second.json_format is None
    assert second.max_output_tokens is not None
    assert 80 < second.max_output_tokens < 100


async def test_after_reasoning_alone_the_whole_request_is_made_again() -> None:
    script = Script([ReasoningPiece(text="Hm. "), BROKEN], [ReasoningPiece(text="So: "), "Yes."])
    call = model_call("m")
    call.options = GenerationOptions(json_format=JSON, include_reasoning=True)
    _, failure = await run(script, call)
    assert failure is None
    assert call.text == "Yes."
    first, second = script.exchanges
    assert second.messages == first.messages
    assert second.options == first.options


async def test_an_attempt_that_fails_before_its_first_piece_is_tried_again() -> None:
    call = model_call("m")
    seen, failure = await run(Script([BROKEN], [CALL]), call)
    assert failure is None
    assert seen == [CALL]


async def test_a_call_to_a_tool_is_billed_by_its_characters_where_no_usage_comes() -> None:
    call = model_call("m")
    long = ToolCallPiece(call_index=0, id="call_1", name="f", arguments_json="word " * 100)
    exchange = (await call.attempt(URLS[0], AttemptKind.FIRST)).exchange
    exchange.sent = True
    exchange.add(long)
    (entry,) = call.book(Ledger(), CallStatus.OK)
    assert entry.estimated
    assert 50 < entry.completion_tokens < 500
    assert entry.time_to_first_token_s is not None


async def test_the_ledger_has_the_start_of_every_attempt() -> None:
    call = model_call("m")
    ledger = Ledger(started_s=time.monotonic() - 5)
    for kind, after_s in ((AttemptKind.FIRST, 1.5), (AttemptKind.HEDGE, 2.5)):
        attempt = await call.attempt(URLS[0], kind)
        attempt.started_s = ledger.started_s + after_s
    entries = call.book(ledger, CallStatus.OK)
    assert [entry.time_to_start_s for entry in entries] == pytest.approx([1.5, 2.5])
