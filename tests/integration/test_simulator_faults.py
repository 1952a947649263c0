"""The simulated backend over real sockets: how it fails, and whether it notices who leaves."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from services.simulator import CallOutcome, FaultKind, Pacing, running_simulator
from tests.integration.simulator_client import (
    MODEL,
    TEXT,
    content_of,
    open_session,
    read_events,
    request_body,
    scripted_simulator,
)
from tests.scripted_answers import ScriptedAnswers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.simulator import Simulator


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with scripted_simulator() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as session:
        yield session


async def read_into(received: bytearray, response: aiohttp.ClientResponse) -> None:
    async for part in response.content.iter_any():
        received += part


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (FaultKind.ERROR_500, 500, "server_error"),
        (FaultKind.ERROR_429, 429, "rate_limit_exceeded"),
    ],
)
async def test_an_error_fault_answers_its_status(
    simulator: Simulator, http: aiohttp.ClientSession, fault: FaultKind, status: int, code: str
) -> None:
    simulator.set_fault(MODEL, fault)
    async with http.post(f"{simulator.url}/chat/completions", json=request_body()) as response:
        assert response.status == status
        assert (await response.json())["error"]["code"] == code
        assert ("Retry-After" in response.headers) == (status == 429)
    assert simulator.calls[0].outcome is CallOutcome.FAULTED


@pytest.mark.parametrize("stream", [True, False])
async def test_a_refused_call_gets_no_reply(
    simulator: Simulator, http: aiohttp.ClientSession, stream: bool
) -> None:
    simulator.set_fault(MODEL, FaultKind.REFUSE)
    url = f"{simulator.url}/chat/completions"
    with pytest.raises(aiohttp.ClientConnectionError):
        await http.post(url, json=request_body(stream=stream))
    await simulator.wait_for_outcome(MODEL, CallOutcome.FAULTED)


async def test_a_reply_that_dies_midstream_breaks_the_connection_after_some_text(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    simulator.set_fault(MODEL, FaultKind.DIE_MIDSTREAM)
    received = bytearray()
    async with http.post(f"{simulator.url}/chat/completions", json=request_body()) as response:
        with pytest.raises(aiohttp.ClientError):
            await read_into(received, response)
    assert b"[DONE]" not in received
    assert b"France" in received
    await simulator.wait_for_outcome(MODEL, CallOutcome.FAULTED)


async def test_an_error_in_the_stream_follows_some_text_and_ends_it(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    simulator.set_fault(MODEL, FaultKind.ERROR_IN_STREAM)
    async with http.post(f"{simulator.url}/chat/completions", json=request_body()) as response:
        assert response.status == 200
        events = await read_events(response)
    text = content_of(events)
    assert text
    assert TEXT.startswith(text)
    assert events[-1]["error"]["code"] == "server_error"


async def test_a_malformed_stream_holds_no_json(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    simulator.set_fault(MODEL, FaultKind.MALFORMED_SSE)
    async with http.post(f"{simulator.url}/chat/completions", json=request_body()) as response:
        assert response.status == 200
        with pytest.raises(json.JSONDecodeError):
            await read_events(response)


async def test_an_empty_reply_is_whole_and_says_nothing(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    simulator.set_fault(MODEL, FaultKind.EMPTY)
    async with http.post(f"{simulator.url}/chat/completions", json=request_body()) as response:
        events = await read_events(response)
    assert content_of(events) == ""
    assert events[-3]["choices"][0]["finish_reason"] == "stop"
    assert events[-1] == "[DONE]"


async def test_a_slow_start_delays_only_the_first_token(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    loop = asyncio.get_running_loop()
    simulator.set_fault(MODEL, FaultKind.SLOW_START)
    start_s = loop.time()
    async with http.post(f"{simulator.url}/chat/completions", json=request_body()) as response:
        events = await read_events(response)
    assert loop.time() - start_s >= 0.3
    assert content_of(events) == TEXT


@pytest.mark.parametrize("fault", [FaultKind.HANG, FaultKind.STALL])
async def test_a_caller_that_leaves_a_silent_model_is_noticed(
    simulator: Simulator, fault: FaultKind
) -> None:
    simulator.set_fault(MODEL, fault)

    async def ask() -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{simulator.url}/chat/completions", json=request_body()) as response,
        ):
            await response.read()

    asking = asyncio.create_task(ask())
    await simulator.wait_for_outcome(MODEL, CallOutcome.RUNNING)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    call = await simulator.wait_for_outcome(MODEL, CallOutcome.CANCELLED)
    assert call.ended_s is not None
    assert call.ended_s >= call.started_s


async def test_a_caller_that_leaves_while_tokens_come_is_noticed(
    http: aiohttp.ClientSession,
) -> None:
    pacing = Pacing(tokens_per_second=20)
    source = ScriptedAnswers({MODEL: "word " * 1000})
    async with running_simulator(source, pacing=pacing) as simulator:
        async with http.post(f"{simulator.url}/chat/completions", json=request_body()) as response:
            await response.content.readline()
        await simulator.wait_for_outcome(MODEL, CallOutcome.CANCELLED)


async def test_faults_and_calls_are_controlled_over_http(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    completions = f"{simulator.url}/chat/completions"
    fault = f"{simulator.origin}/faults/{MODEL}"
    calls = f"{simulator.origin}/calls"
    async with http.put(fault, json={"kind": "error_500"}) as response:
        assert response.status == 200
    async with http.post(completions, json=request_body()) as response:
        assert response.status == 500
    async with http.delete(fault) as response:
        assert response.status == 204
    async with http.post(completions, json=request_body()) as response:
        assert response.status == 200
        await response.read()
    async with http.get(calls) as response:
        recorded = await response.json()
    assert [(c["model"], c["purpose"], c["outcome"]) for c in recorded] == [
        (MODEL, "plain", "faulted"),
        (MODEL, "plain", "completed"),
    ]
    async with http.delete(calls) as response:
        assert response.status == 204
    assert simulator.calls == ()


@pytest.mark.parametrize(
    ("model", "body", "status"),
    [
        (MODEL, {"kind": "explode"}, 400),
        (MODEL, {}, 400),
        (MODEL, [], 400),
        ("maker/absent", {"kind": "hang"}, 404),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(
    simulator: Simulator, http: aiohttp.ClientSession, model: str, body: Any, status: int
) -> None:
    async with http.put(f"{simulator.origin}/faults/{model}", json=body) as response:
        assert response.status == status
        assert (await response.json())["error"]["message"]


def test_a_fault_of_an_unknown_model_cannot_be_set_in_process() -> None:
    async def run() -> None:
        async with running_simulator(ScriptedAnswers({})) as simulator:
            simulator.set_fault("maker/absent", FaultKind.HANG)

    with pytest.raises(ValueError, match="maker/absent"):
        asyncio.run(run())
