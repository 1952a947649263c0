"""What a call can carry, against a real vLLM with random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.router.types.messages import Message, Role
from services.router.types.options import GenerationOptions
from tests.wire import forced_forms
from tests.wire.attempt import attempt
from tests.wire.forced_forms import NAMED, REQUIRED
from tests.wire.vllm.vllm_model import BINARIES, tiny

if TYPE_CHECKING:
    from pathlib import Path

    from services.router.types.options import ToolChoice

pytestmark = [
    pytest.mark.skipif(BINARIES is None, reason="ROUTEMOA_VLLM is not set: see make test-vllm"),
    pytest.mark.timeout(600),
]
CALL_TOKENS = 160


@pytest.mark.parametrize("choice", [NAMED, REQUIRED], ids=["named", "required"])
async def test_a_call_that_is_forced_arrives_whole(
    vllm: tuple[str, Path], choice: ToolChoice
) -> None:
    model = tiny(vllm, max_reply_tokens=CALL_TOKENS)
    call = await forced_forms.check_forced_call(model, choice)
    await forced_forms.check_result_is_taken(tiny(vllm), call)


async def test_tools_that_need_not_be_called_are_accepted(vllm: tuple[str, Path]) -> None:
    await forced_forms.check_free_choice(tiny(vllm))


async def test_an_answer_keeps_to_its_schema(vllm: tuple[str, Path]) -> None:
    await forced_forms.check_schema(tiny(vllm, max_reply_tokens=CALL_TOKENS))


async def test_log_probabilities_come_with_the_tokens(vllm: tuple[str, Path]) -> None:
    await forced_forms.check_log_probabilities(tiny(vllm))


async def test_a_seed_repeats_an_answer(vllm: tuple[str, Path]) -> None:
    answers = [
        (await attempt(tiny(vllm), options=GenerationOptions(seed=seed))).shown
        for seed in (7, 7, 8)
    ]
    assert answers[0] == answers[1] != answers[2]


async def test_a_prompt_is_not_cached_for_another_tenant(vllm: tuple[str, Path]) -> None:
    long = (Message(role=Role.USER, content="An insect has six legs. " * 50),)
    cached = []
    for salt in ("one", "one", "another"):
        usage = (await attempt(tiny(vllm), messages=long, cache_salt=salt)).exchange.usage
        assert usage is not None
        cached.append(usage.cached_prompt_tokens)
    assert cached[0] == cached[2] == 0 < cached[1]
