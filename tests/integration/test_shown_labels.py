"""Labels of a prompt never reach the user: an answer that points to one gives way to a proposal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from routemoa.v1 import router_service_pb2 as pb
from services.simulator import Purpose

if TYPE_CHECKING:
    from services.simulator import Call
    from tests.integration.conftest import StartRouter
    from tests.scripted_answers import Script

TEXTS = {"a": "It is Havana, I think.", "b": "Santiago, perhaps.", "c": "I know it: Cienfuegos."}
SCORES = {"a": 0.7, "b": 0.65, "c": 0.6}


def pointing(model: str) -> Script:
    """Returns a model that answers well alone, and points to a reference if it has any."""

    def script(call: Call) -> str:
        text = "The answer is R2." if call.references else TEXTS[model]
        return text if call.purpose is Purpose.AGGREGATION else call.assessed(text, self_score=0.5)

    return script


@pytest.mark.parametrize("strategy", ["layers", "moa"])
async def test_an_answer_that_points_to_a_reference_gives_way_to_a_proposal(
    start_router: StartRouter, strategy: str
) -> None:
    router = await start_router({model: pointing(model) for model in TEXTS}, SCORES)
    result = await router.ask("What is the capital of Cuba?", strategy=strategy, max_layer_count=2)
    assert result.answer.text in TEXTS.values()
    assert router.shown == result.answer.text
    assert not any(
        re.search(r"\bR\d", answer.text) for layer in result.layers for answer in layer.answers
    )
    assert pb.CALL_STATUS_MALFORMED in {entry.status for entry in result.usage}


async def test_a_label_that_the_user_wrote_may_be_in_the_answer(start_router: StartRouter) -> None:
    router = await start_router({model: pointing(model) for model in TEXTS}, SCORES)
    result = await router.ask("Which one is larger, R1 or R2?", max_layer_count=1)
    assert result.answer.text == "The answer is R2."


async def test_a_last_model_that_points_to_a_reference_gives_way_too(
    start_router: StartRouter,
) -> None:
    router = await start_router({model: pointing(model) for model in TEXTS}, SCORES)
    result = await router.ask(
        "What is the capital of Cuba?", max_layer_count=2, max_layer_model_count=1
    )
    assert result.answer.text in TEXTS.values()
    assert router.shown == result.answer.text
