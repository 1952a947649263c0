"""What a call can carry, against a real llama.cpp and small real models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.router.types.options import GenerationOptions
from tests.wire import forced_forms
from tests.wire.attempt import attempt
from tests.wire.models.test_llamacpp import model_of

if TYPE_CHECKING:
    from tests.wire.models.conftest import System

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]
CALL_TOKENS = 96


async def test_a_model_whose_template_has_no_tools_writes_text_whatever_is_asked(
    system: System,
) -> None:
    model = model_of(system.instruct[0])
    options = GenerationOptions(tools=(forced_forms.COUNT,), tool_choice=forced_forms.REQUIRED)
    attempted = await attempt(model, options=options)
    assert attempted.failure is None
    assert attempted.others.tool_calls == ()
    assert attempted.shown


async def test_tools_that_need_not_be_called_are_accepted(system: System) -> None:
    await forced_forms.check_free_choice(model_of(system.instruct[0]))


async def test_an_answer_keeps_to_its_schema(system: System) -> None:
    for server in system.servers:
        await forced_forms.check_schema(model_of(server, max_reply_tokens=CALL_TOKENS))


async def test_log_probabilities_come_with_the_tokens(system: System) -> None:
    await forced_forms.check_log_probabilities(model_of(system.instruct[0]))
