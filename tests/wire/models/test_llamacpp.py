"""The dialect of llama.cpp against a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.local.real_pool import CONTEXT_TOKENS
from services.router.check.probe import check_pool
from services.router.pool.pool import Pool
from services.router.types.ledger import CallStatus
from services.router.types.messages import Message, Role
from tests.wire.attempt import attempt, pool_model

if TYPE_CHECKING:
    from services.local.real_pool import Served
    from services.router.pool.model import PoolModel
    from tests.wire.models.conftest import System

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]


def model_of(server: Served, **settings: Any) -> PoolModel:
    return pool_model(
        server.url, "llama.cpp", **{"max_reply_tokens": 24, "temperature": 0, **settings}
    )


async def test_a_reply_is_streamed_and_its_tokens_are_counted(system: System) -> None:
    for server in system.servers:
        attempted = await attempt(model_of(server))
        assert attempted.failure is None
        assert attempted.shown == attempted.exchange.text != ""
        usage = attempted.exchange.usage
        assert usage is not None
        assert usage.prompt_tokens > 0
        assert 0 < usage.completion_tokens <= 24


async def test_a_prompt_that_was_read_before_comes_from_the_cache(system: System) -> None:
    long = (Message(role=Role.USER, content="A spider has eight legs. " * 20),)
    cached = 0.0
    for _ in range(2):
        usage = (
            await attempt(model_of(system.servers[-1], max_reply_tokens=1), messages=long)
        ).exchange.usage
        assert usage is not None
        cached = usage.cached_prompt_tokens / usage.prompt_tokens
    assert cached > 0.5


async def test_the_start_of_an_answer_is_continued(system: System) -> None:
    """The instruct model's next words make a sentence with the start: it is not begun anew."""
    partial = "A spider has"
    attempted = await attempt(model_of(system.instruct[0]), partial=partial)
    assert attempted.failure is None
    assert attempted.shown
    assert not attempted.shown.lstrip().startswith("A spider has")


async def test_a_prompt_that_does_not_fit_is_refused(system: System) -> None:
    long = (Message(role=Role.USER, content="legs " * (CONTEXT_TOKENS + 100)),)
    failure = (await attempt(model_of(system.servers[-1]), messages=long)).failure
    assert failure is not None
    assert failure.status is CallStatus.REJECTED


async def test_the_check_of_a_pool_knows_the_context_window(system: System) -> None:
    good = model_of(system.servers[-1])
    long = model_of(system.servers[-1], id="long", context_window_tokens=2 * CONTEXT_TOKENS)
    reports = await check_pool(Pool(models=(good, long)), timeout_s=60)
    assert reports[0].problems == ()
    assert len(reports[1].problems) == 1
    assert str(CONTEXT_TOKENS) in reports[1].problems[0]
