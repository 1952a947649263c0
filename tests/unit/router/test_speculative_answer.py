"""Speculative answers: when one is worth it, its text, and its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY

from services.router.backends.call_failure import CallFailedError
from services.router.backends.http.usage import Usage
from services.router.engine.speculative_answer import SpeculativeAnswer, worth_speculating
from services.router.routing.events import Answer
from services.router.types.ledger import AttemptKind, CallStatus, Ledger
from tests.unit.router.mixture import FREE
from tests.unit.router.scripted import ScriptedGenerator, Step, model_call
from tests.virtual_time import virtually

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from services.router.backends.call import ModelCall
    from services.router.routing.events import Resumed
    from services.router.types.pieces import Piece


@pytest.mark.parametrize(
    ("texts", "is_worth_it"),
    [
        (["4", "5"], True),
        (["4", "4"], False),  # a majority: nothing to merge
        (["4", "Once upon a time"], False),  # nothing that a late one could decide
        (["Once upon a time", "It was a dark night"], False),
        (["4", "4", "5"], True),
    ],
)
def test_a_speculative_answer_is_worth_it_if_final_answers_differ(
    texts: list[str], is_worth_it: bool
) -> None:
    answers = [Answer(model_id=f"m{number}", text=text) for number, text in enumerate(texts)]
    assert worth_speculating(answers, FREE) is is_worth_it


def speculative(*script: Step) -> SpeculativeAnswer:
    """Returns a speculative answer that is written by a script."""
    call = model_call("a")
    return SpeculativeAnswer(call, frozenset("bc"), ScriptedGenerator({"a": script}).stream)


async def streamed(answer: SpeculativeAnswer) -> list[Piece | Resumed]:
    return [piece async for piece in answer.stream(answer.call)]


@pytest.mark.parametrize("read_after_s", [0.0, 1.5, 9.0])
@virtually
async def test_the_text_written_before_anybody_reads_comes_first(read_after_s: float) -> None:
    answer = speculative((1.0, "Ei"), (1.0, "ght"), (1.0, "."))
    assert not answer.has_begun
    assert answer.read_ids == {"b", "c"}
    await asyncio.sleep(read_after_s)
    assert answer.has_begun == (read_after_s > 1)
    assert await streamed(answer) == ["Ei", "ght", "."]
    assert asyncio.get_running_loop().time() == pytest.approx(1_000 + max(3.0, read_after_s))


@virtually
async def test_a_failure_is_raised_to_the_reader_after_the_text_before_it() -> None:
    answer = speculative((1.0, "Ei"), (1.0, CallStatus.INTERRUPTED))
    pieces = answer.stream(answer.call)
    assert await anext(pieces) == "Ei"
    with pytest.raises(CallFailedError, match="INTERRUPTED"):
        await anext(pieces)


def dropped() -> float:
    return REGISTRY.get_sample_value("routemoa_router_drafts_total", {"end": "dropped"}) or 0.0


@pytest.mark.parametrize("script", [[(1.0, "Ei"), (60.0, "ght.")], [(1.0, "Eight.")]])
@virtually
async def test_a_speculative_answer_that_is_dropped_is_stopped_booked_and_counted(
    script: Sequence[Step],
) -> None:
    answer, ledger, before = speculative(*script), Ledger(), dropped()
    await asyncio.sleep(2.0)
    await answer.drop(ledger)
    assert [entry.status for entry in ledger.entries] == [CallStatus.CANCELLED]
    assert asyncio.get_running_loop().time() == pytest.approx(1_002)
    assert dropped() == before + 1
    assert answer.call.text == script[0][1]
    await asyncio.sleep(100.0)
    assert answer.call.text == script[0][1]


@virtually
async def test_a_speculative_answer_is_booked_only_after_its_call_has_stopped() -> None:
    async def stream(call: ModelCall) -> AsyncGenerator[str, None]:
        attempt = await call.attempt("http://localhost", AttemptKind.FIRST)
        try:
            await asyncio.sleep(60.0)
            yield ""
        finally:
            attempt.exchange.reported = Usage(prompt_tokens=7, completion_tokens=3)

    answer, ledger = SpeculativeAnswer(model_call("a"), frozenset(), stream), Ledger()
    await asyncio.sleep(1.0)
    await answer.drop(ledger)
    assert [entry.completion_tokens for entry in ledger.entries] == [3]


@virtually
async def test_a_reader_that_goes_away_stops_the_call() -> None:
    answer = speculative((1.0, "Ei"), (2.0, "ght."))
    pieces = answer.stream(answer.call)
    assert await anext(pieces) == "Ei"
    await pieces.aclose()
    await asyncio.sleep(100.0)
    assert answer.call.text == "Ei"
