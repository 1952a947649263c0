"""The simulated backend over real sockets: what it streams, and at what pace."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from services.simulator import (
    AbleAnswers,
    CallOutcome,
    FaultKind,
    Pacing,
    Purpose,
    Reply,
    running_simulator,
)
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

    import aiohttp

    from services.simulator import Simulator


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with scripted_simulator() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as session:
        yield session


async def test_a_streamed_reply_has_role_text_finish_usage_and_done(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    async with http.post(f"{simulator.url}/chat/completions", json=request_body()) as response:
        assert response.status == 200
        assert response.headers["x-routemoa-simulated"] == "true"
        assert response.content_type == "text/event-stream"
        events = await read_events(response)

    assert content_of(events) == TEXT
    assert events[0]["choices"][0]["delta"]["role"] == "assistant"
    assert {event["system_fingerprint"] for event in events[:-1]} == {"simulated"}
    assert events[-3]["choices"][0]["finish_reason"] == "stop"
    assert events[-2]["choices"] == []
    usage = events[-2]["usage"]
    assert usage["cost"] == 0.002
    assert usage["completion_tokens"] == len(events) - 4
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert events[-1] == "[DONE]"


async def test_usage_is_sent_only_when_asked_for(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    body = request_body(stream_options={})
    async with http.post(f"{simulator.url}/chat/completions", json=body) as response:
        events = await read_events(response)
    assert not any("usage" in event for event in events[:-1])


async def test_a_whole_reply_holds_the_same_text_and_usage(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    body = request_body(stream=False)
    async with http.post(f"{simulator.url}/chat/completions", json=body) as response:
        reply = await response.json()
    assert reply["object"] == "chat.completion"
    assert reply["choices"][0]["message"] == {"role": "assistant", "content": TEXT}
    assert reply["usage"]["cost"] == 0.002


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
async def test_a_token_limit_cuts_the_reply_and_says_so(
    simulator: Simulator, http: aiohttp.ClientSession, limit: str
) -> None:
    body = request_body() | {limit: 3}
    async with http.post(f"{simulator.url}/chat/completions", json=body) as response:
        events = await read_events(response)
    assert TEXT.startswith(content_of(events))
    assert events[-3]["choices"][0]["finish_reason"] == "length"
    assert events[-2]["usage"]["completion_tokens"] == 3


async def test_the_assessment_line_is_sent_to_a_proposer_only(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    system = {"role": "system", "content": 'End with @@assessment 0a1b2c3d {"self_score": ...}.'}
    user = {"role": "user", "content": "Where?"}
    texts = []
    for messages in ([system, user], [user]):
        body = request_body("assessing", messages=messages)
        async with http.post(f"{simulator.url}/chat/completions", json=body) as response:
            texts.append(content_of(await read_events(response)))
    assert texts == [
        'Paris\n@@assessment 0a1b2c3d {"self_score": 0.9, "grades": {"R1": 0.25}}',
        "Paris",
    ]
    assert [call.purpose for call in simulator.calls] == [Purpose.PROPOSAL, Purpose.PLAIN]


async def test_tokens_come_at_the_pace_asked_for(http: aiohttp.ClientSession) -> None:
    loop = asyncio.get_running_loop()
    source = ScriptedAnswers({MODEL: "word " * 20})
    pacing = Pacing(time_to_first_token_s=0.1, tokens_per_second=100)
    async with running_simulator(source, pacing=pacing) as simulator:
        start_s = loop.time()
        async with http.post(f"{simulator.url}/chat/completions", json=request_body()) as response:
            await response.content.readline()
            first_s = loop.time() - start_s
            events = await read_events(response)
        total_s = loop.time() - start_s
    # The first of 21 tokens is due at once, and each of the others 10 ms after the one before.
    assert first_s >= 0.1
    assert total_s >= 0.1 + 20 / 100
    assert events[-1] == "[DONE]"


async def test_models_and_health_are_listed(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{simulator.url}/models") as response:
        models = await response.json()
    assert [model["id"] for model in models["data"]] == ["assessing", "ignorant", MODEL]
    async with http.get(f"{simulator.origin}/health") as response:
        assert (await response.json()) == {"status": "ok"}


async def test_a_model_or_query_without_an_answer_is_not_found(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    codes = []
    for model in ("maker/absent", "ignorant"):
        body = request_body(model)
        async with http.post(f"{simulator.url}/chat/completions", json=body) as response:
            assert response.status == 404
            codes.append((await response.json())["error"]["code"])
    assert codes == ["model_not_found", "no_recorded_answer"]
    assert [call.outcome for call in simulator.calls] == [CallOutcome.REJECTED]


async def test_every_problem_of_a_bad_request_is_named(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    body = {"model": 7, "messages": [], "max_tokens": 0}
    async with http.post(f"{simulator.url}/chat/completions", json=body) as response:
        assert response.status == 400
        message = (await response.json())["error"]["message"]
    assert all(field in message for field in ("model:", "messages:", "max_tokens:"))
    async with http.post(f"{simulator.url}/chat/completions", data=b"{") as response:
        assert response.status == 400


WEATHER_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
CITIES = "How is the weather in Paris and Rome?"


def deltas(events: list[Any]) -> list[dict[str, Any]]:
    return [event["choices"][0]["delta"] for event in events[:-1] if event["choices"]]


def joined_calls(events: list[Any]) -> list[tuple[str, str, str]]:
    """Returns id, name and arguments of each call in a stream."""
    calls: dict[int, list[str]] = {}
    for delta in deltas(events):
        for fragment in delta.get("tool_calls", ()):
            call = calls.setdefault(fragment["index"], ["", "", ""])
            call[0] += fragment.get("id", "")
            call[1] += fragment["function"].get("name", "")
            call[2] += fragment["function"].get("arguments", "")
    return [(id_, name, arguments) for id_, name, arguments in calls.values()]


async def test_tools_are_called_in_fragments_or_whole(http: aiohttp.ClientSession) -> None:
    body: dict[str, Any] = {
        "messages": [{"role": "user", "content": CITIES}],
        "tools": [WEATHER_TOOL],
    }
    async with running_simulator(AbleAnswers(ScriptedAnswers({MODEL: TEXT}))) as simulator:
        url = f"{simulator.url}/chat/completions"
        async with http.post(url, json=request_body(**body)) as response:
            events = await read_events(response)
        async with http.post(url, json=request_body(stream=False, **body)) as response:
            (choice,) = (await response.json())["choices"]
    calls = joined_calls(events)
    assert [(name, arguments) for _, name, arguments in calls] == [
        ("get_weather", '{"city": "Paris"}'),
        ("get_weather", '{"city": "Rome"}'),
    ]
    assert events[-3]["choices"][0]["finish_reason"] == choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert [call["id"] for call in choice["message"]["tool_calls"]] == [id_ for id_, *_ in calls]
    assert len({id_ for id_, *_ in calls}) == 2


async def test_stop_sequences_parts_and_log_probabilities_are_understood(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    content = [{"type": "text", "text": "Where?"}, image]
    body = request_body(
        messages=[{"role": "user", "content": content}],
        stop=["zzz", " Paris"],
        logprobs=True,
        top_logprobs=2,
    )
    async with http.post(f"{simulator.url}/chat/completions", json=body) as response:
        events = await read_events(response)
    assert content_of(events) == TEXT.partition(" Paris")[0]
    assert events[-3]["choices"][0]["finish_reason"] == "stop"
    likely = events[1]["choices"][0]["logprobs"]["content"][0]
    assert likely["token"] == events[1]["choices"][0]["delta"]["content"]
    assert likely["logprob"] <= 0
    assert len(likely["top_logprobs"]) == 2


async def test_refusals_and_reasoning_come_in_their_fields(http: aiohttp.ClientSession) -> None:
    replies = {
        MODEL: Reply(text="Yes.", reasoning="Hm."),
        "no": Reply(text="", refusal="I won't."),
    }
    async with running_simulator(ScriptedAnswers(replies)) as simulator:
        url = f"{simulator.url}/chat/completions"
        seen = []
        for model in replies:
            async with http.post(url, json=request_body(model)) as response:
                seen.append(await read_events(response))
    thought, refused = seen
    assert "".join(d.get("reasoning_content", "") for d in deltas(thought)) == "Hm."
    assert content_of(thought) == "Yes."
    assert thought[-2]["usage"]["completion_tokens_details"] == {"reasoning_tokens": 1}
    assert "".join(d.get("refusal", "") for d in deltas(refused)) == "I won't."
    assert content_of(refused) == ""


async def test_tokens_of_a_prompt_that_was_read_before_count_as_cached(
    http: aiohttp.ClientSession,
) -> None:
    source = ScriptedAnswers({MODEL: TEXT})
    body = request_body(messages=[{"role": "user", "content": "word " * 200}])
    counts = []
    async with running_simulator(source, prefix_cache_tokens=10_000) as simulator:
        for _ in range(2):
            async with http.post(f"{simulator.url}/chat/completions", json=body) as response:
                usage = (await read_events(response))[-2]["usage"]
            details = usage.get("prompt_tokens_details", {"cached_tokens": 0})
            counts.append((details["cached_tokens"], usage["prompt_tokens"]))
    (first, tokens), (second, _) = counts
    assert first == 0
    assert tokens * 0.9 < second <= tokens


async def test_a_fault_hits_the_share_of_calls_that_was_asked_for(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    simulator.set_fault(MODEL, FaultKind.ERROR_500, share=0.3)
    statuses = []
    for _ in range(100):
        body = request_body(stream=False)
        async with http.post(f"{simulator.url}/chat/completions", json=body) as response:
            statuses.append(response.status)
    assert 15 <= statuses.count(500) <= 45
    with pytest.raises(ValueError, match="share"):
        simulator.set_fault(MODEL, FaultKind.ERROR_500, share=1.5)
