"""Samples of one model differ, and calls that would all bring the same are made once."""

from __future__ import annotations

from typing import Any

import pytest

from services.router.backends.dialects.chat_options import sampling
from services.router.backends.http.exchange import Exchange
from services.router.types.options import GenerationOptions
from tests.unit.router.mixture import ask, in_turn


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, [{"temperature": 0.7}] * 3),
        ({"temperature": 0.2}, [{"temperature": 0.2}] * 3),
        ({"seed": 7}, [{"temperature": 0.7, "seed": seed} for seed in (7, 8, 9)]),
        ({"seed": 2**63 - 1}, [{"temperature": 0.7, "seed": seed} for seed in (2**63 - 1, 0, 1)]),
        ({"temperature": 0.0}, [{"temperature": 0.0}]),
        ({"temperature": 0.0, "seed": 7}, [{"temperature": 0.0, "seed": 7}]),
    ],
)
async def test_each_sample_has_a_temperature_and_a_seed_with_which_it_can_differ(
    given: dict[str, Any], sent: list[dict[str, Any]]
) -> None:
    speakers = {"a": in_turn(["Ants."], ["Bees."], ["Crabs."], ["Merged."]), "b": in_turn(["B."])}
    told = await ask("self-moa", GenerationOptions(**given), speakers, max_layer_model_count=3)
    samples = [call for call in told.made if call.purpose.name == "ANSWER"]
    assert [
        sampling(Exchange(model=c.model, base_url="", messages=c.messages, options=c.options))
        for c in samples
    ] == sent
    assert {call.model.id for call in told.made} == {"a"}
    assert told.answer.text == ("Merged." if len(sent) > 1 else "Ants.")
