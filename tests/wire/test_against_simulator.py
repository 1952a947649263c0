"""The dialect of most backends and the simulator understand each other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from services.router.types.ledger import FinishReason
from services.router.types.messages import Media, MediaKind, Message, Role
from services.router.types.options import GenerationOptions, JsonFormat, ReasoningEffort, Tool
from services.simulator import AbleAnswers, FaultKind, running_simulator
from services.simulator.simulated import SimulatedAnswers
from tests.wire.attempt import Attempted, attempt, pool_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.simulator import Simulator

MODEL = "gpt-4o-mini-2024-07-18"
ASKED = Message(role=Role.USER, content="How is the weather in Paris and Rome?")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool(name="get_weather", parameters_json=json.dumps(SCHEMA))


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    source = AbleAnswers(SimulatedAnswers())
    async with running_simulator(source, prefix_cache_tokens=10_000) as running:
        yield running


async def ask(simulator: Simulator, *messages: Message, **options: object) -> Attempted:
    model = pool_model(simulator.url, backend_model=MODEL)
    attempted = await attempt(
        model,
        messages=messages,
        options=GenerationOptions(**options),  # type: ignore[arg-type]
    )
    assert attempted.failure is None
    return attempted


async def test_a_tool_is_called_and_its_result_is_answered(simulator: Simulator) -> None:
    asked = await ask(simulator, ASKED, tools=(WEATHER,))
    calls = asked.others.tool_calls
    assert [call.arguments_json for call in calls] == ['{"city": "Paris"}', '{"city": "Rome"}']
    assert asked.exchange.finish_reason is FinishReason.TOOL_CALLS
    results = [
        Message(role=Role.TOOL, content=f"{number} degrees", tool_call_id=call.id)
        for number, call in enumerate(calls)
    ]
    turn = Message(role=Role.ASSISTANT, tool_calls=calls)
    answered = await ask(simulator, ASKED, turn, *results, tools=(WEATHER,))
    assert answered.shown == "The tool says: 1 degrees"
    usage = answered.exchange.usage
    assert usage is not None
    assert 0 < usage.cached_prompt_tokens < usage.prompt_tokens


async def test_json_images_stop_reasoning_and_log_probabilities(simulator: Simulator) -> None:
    form = JsonFormat(schema_json=json.dumps(SCHEMA))
    assert json.loads((await ask(simulator, ASKED, json_format=form)).shown).keys() == {"city"}
    image = Media(kind=MediaKind.IMAGE, data=b"x", media_type="image/png")
    seen = await ask(simulator, Message(role=Role.USER, content="Hm?", parts=("Hm?", image)))
    assert "image data:image/png" in seen.shown
    cut = await ask(
        simulator,
        ASKED,
        stop_sequences=("model",),
        reasoning_effort=ReasoningEffort.LOW,
        include_reasoning=True,
        top_log_probabilities=2,
        max_output_tokens=200,
    )
    assert cut.shown.endswith("no ")
    assert "low effort" in cut.others.reasoning
    tokens = cut.others.log_probabilities
    assert "".join(token.token for token in tokens) == cut.shown
    assert len(tokens[0].alternatives) == 2


async def test_refusals_and_half_calls_are_read_as_such(simulator: Simulator) -> None:
    simulator.set_fault(MODEL, FaultKind.REFUSAL)
    refused = await ask(simulator, ASKED)
    assert refused.others.refusal.startswith("[simulated refusal")
    assert refused.shown == ""
    assert refused.exchange.finish_reason is FinishReason.REFUSAL
    simulator.set_fault(MODEL, FaultKind.HALF_JSON)
    half = await ask(simulator, ASKED, tools=(WEATHER,))
    assert [call.arguments_json for call in half.others.tool_calls] == ['{"city":', '{"city":']
