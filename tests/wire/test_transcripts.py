"""Every transcript through the client, however its bytes are cut."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from services.router.pool.backend import Backend
from services.router.types.ledger import FinishReason
from tests.wire.attempt import attempt, pool_model
from tests.wire.playback import Response, playing
from tests.wire.transcript import End, Transcript, all_transcripts

if TYPE_CHECKING:
    from services.router.backends.collected import CollectedReply
    from tests.wire.transcript import Head

NEW_ID = re.compile("call_[0-9a-f]{8}")
TRANSCRIPTS = all_transcripts()


@pytest.mark.parametrize("piece_bytes", [1, 7, 1 << 16])
@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda t: f"{t.backend}:{t.name}")
async def test_a_transcript_is_read(transcript: Transcript, piece_bytes: int) -> None:
    head = transcript.head
    response = Response(
        body=transcript.body,
        http_status=head.http_status,
        headers=head.headers,
        end=head.end,
        piece_bytes=piece_bytes,
    )
    async with playing(response) as backend:
        model = pool_model(backend.url, transcript.backend, **head.model)
        attempted = await attempt(model, partial=head.partial, options=head.options)
    exchange, failure = attempted.exchange, attempted.failure
    assert (failure.status if failure else None) is transcript.status
    assert attempted.shown == exchange.text
    if head.end is End.RESET:  # what the network had not handed over yet is lost
        assert head.text.startswith(exchange.text)
        return
    assert exchange.text == head.text
    assert_others(attempted.others, head)
    assert exchange.reasoning_characters == head.reasoning_characters
    if head.usage is None:
        assert exchange.usage is None
    else:
        assert exchange.usage is not None
        for name, count in head.usage.model_dump().items():
            assert getattr(exchange.usage, name) == count, name
    assert (failure.retry_after_s if failure else None) == head.retry_after_s
    if head.finish_reason is not None:
        assert exchange.finish_reason is FinishReason[head.finish_reason]
    if head.backend_message is not None:
        assert exchange.backend_message == head.backend_message


def assert_others(others: CollectedReply, head: Head) -> None:
    calls = others.tool_calls
    assert [(call.name, call.arguments_json) for call in calls] == [
        (call["name"], call["arguments"]) for call in head.tool_calls
    ]
    for call, expected in zip(calls, head.tool_calls, strict=True):
        assert call.id == expected["id"] or (
            expected["id"] == "new" and NEW_ID.fullmatch(call.id) is not None
        )
    assert len({call.id for call in calls}) == len(calls)
    assert others.refusal == head.refusal
    assert others.reasoning == head.reasoning
    assert [
        [each.token, each.log_probability]
        + [value for other in each.alternatives for value in (other.token, other.log_probability)]
        for each in others.log_probabilities
    ] == head.log_probabilities


def test_every_backend_has_transcripts_of_replies_and_of_failures() -> None:
    for backend in Backend:
        statuses = {t.head.status == "OK" for t in TRANSCRIPTS if t.backend is backend}
        assert statuses == {True, False}, backend
