"""The dialect of vLLM against a real one; `make test-vllm` installs it and runs these."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from services.router.backends.client import open_wire_client
from services.router.backends.http.exchange import Exchange
from services.router.check.probe import check_pool
from services.router.pool.pool import Pool
from services.router.types.ledger import CallStatus
from services.router.types.messages import Message, Role
from tests.wire.attempt import QUESTION, attempt
from tests.wire.vllm.tiny_model import CONTEXT_WINDOW_TOKENS
from tests.wire.vllm.vllm_model import BINARIES, tiny

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif(BINARIES is None, reason="ROUTEMOA_VLLM is not set: see make test-vllm"),
    pytest.mark.timeout(600),
]
USER, ASSISTANT, END = "<|user|>", "<|assistant|>", "<|end|>"


async def test_a_reply_is_streamed_and_its_tokens_are_counted(vllm: tuple[str, Path]) -> None:
    model = tiny(vllm)
    attempted = await attempt(model)
    assert attempted.failure is None
    assert attempted.exchange.text
    usage = attempted.exchange.usage
    assert usage is not None
    assert 0 < usage.completion_tokens <= model.max_reply_tokens
    # What the pool's tokenizer counts is what the server reads: each mark of a turn is one token.
    assert usage.prompt_tokens == model.count_tokens(f"{USER}{QUESTION[0].content}{END}{ASSISTANT}")


async def test_the_start_of_an_answer_is_gone_on_with_and_not_begun_anew(
    vllm: tuple[str, Path],
) -> None:
    model = tiny(vllm)
    partial = "A spider has"
    attempted = await attempt(model, partial=partial)
    assert attempted.failure is None
    usage = attempted.exchange.usage
    assert usage is not None
    prompt = f"{USER}{QUESTION[0].content}{END}{ASSISTANT}{partial}"  # no end after the answer
    assert usage.prompt_tokens == model.count_tokens(prompt)
    assert usage.completion_tokens <= model.max_reply_tokens - model.count_tokens(partial)


async def test_a_prompt_that_was_read_before_comes_from_the_cache(vllm: tuple[str, Path]) -> None:
    long = (Message(role=Role.USER, content="A spider has eight legs. " * 50),)
    cached = []
    for _ in range(2):
        usage = (await attempt(tiny(vllm), messages=long)).exchange.usage
        assert usage is not None
        cached.append(usage.cached_prompt_tokens / usage.prompt_tokens)
    assert cached[0] == 0
    assert 0.5 < cached[1] < 1


@pytest.mark.parametrize(
    ("settings", "http_status"),
    [({"backend_model": "another"}, 404), ({"max_reply_tokens": 10_000}, 400)],
)
async def test_what_it_refuses_is_the_callers_fault(
    vllm: tuple[str, Path], settings: dict[str, Any], http_status: int
) -> None:
    failure = (await attempt(tiny(vllm, **settings))).failure
    assert failure is not None
    assert failure.status is CallStatus.REJECTED
    assert failure.http_status == http_status


async def test_a_prompt_that_does_not_fit_is_refused(vllm: tuple[str, Path]) -> None:
    long = (Message(role=Role.USER, content="legs " * CONTEXT_WINDOW_TOKENS),)
    failure = (await attempt(tiny(vllm), messages=long)).failure
    assert failure is not None
    assert failure.status is CallStatus.REJECTED


async def test_an_attempt_that_is_given_up_stops_the_engines_work(vllm: tuple[str, Path]) -> None:
    model = tiny(vllm, max_reply_tokens=450)
    (base_url,) = model.replicas.base_urls
    exchange = Exchange(model=model, base_url=base_url, messages=QUESTION)
    async with open_wire_client() as client:
        async with aclosing(client.stream(exchange)) as texts:
            await anext(texts)
            assert await running(vllm[0]) == 1
        async with asyncio.timeout(10):
            while await running(vllm[0]):  # noqa: ASYNC110  # it is another process
                await asyncio.sleep(0.05)


async def running(origin: str) -> int:
    """Returns how many requests the engine works on."""
    async with aiohttp.ClientSession() as session, session.get(f"{origin}/metrics") as response:
        found = re.search(
            r"^vllm:num_requests_running\{.*\} (\S+)$", await response.text(), re.MULTILINE
        )
    assert found is not None
    return round(float(found[1]))


async def test_the_check_of_a_pool_knows_its_model_and_its_context_window(
    vllm: tuple[str, Path],
) -> None:
    good, long = tiny(vllm), tiny(vllm, id="long", context_window_tokens=4096)
    reports = await check_pool(Pool(models=(good, long)), timeout_s=30)
    assert [report.model_known for report in reports] == [True, True]
    assert reports[0].problems == ()
    assert reports[1].problems == ("context_window_tokens is 4096, but the server's is 512",)
