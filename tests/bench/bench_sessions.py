"""Measures what a kept model saves in long conversations: `python -m tests.bench.bench_sessions`.

Loops of 20 turns run through a router over two models of like quality, each with two replicas that
cache prompts. The first model has the lower list price, the second the lower price of cached tokens.
The router's own choice is compared with a client that stays with the model of the first turn, and with
one that takes either model by chance in each turn.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import random
import sys
import tempfile
import zlib
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc.aio
import yaml

from routemoa.v1 import generation_pb2, model_pb2, scorer_service_pb2
from routemoa.v1 import router_service_pb2 as pb
from routemoa.v1.router_service_pb2_grpc import RouterServiceStub
from services.rpc.server import running_server
from services.scorer.config import ScorerServiceConfig
from tests.bench.prefix_cache import running_replica
from tests.bench.processes import module
from tests.conftest import LOOPBACK
from tests.integration.conftest import ScriptedScorer, scripted_scorer_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TURNS = 20
TEXT = "the old man said that his dog had not seen any of these long roads before and it was a"
TOOL = generation_pb2.Tool(name="search", description="Searches.")
SYSTEM_WORDS, RESULT_WORDS = 5_000, 100
SCORE, SCORE_NOISE = 0.8, 0.04
REPLICAS = 2
PRICES = {"list-cheap": (1.0, 0.5), "cache-cheap": (1.25, 0.125)}
"""Dollars per million tokens of a prompt: not cached, and cached."""
COMPLETION_PRICE = 4.0
ROUTER, NEVER, ALWAYS = "router's choice", "never switched", "either one in each turn"
WAYS = (ROUTER, NEVER, ALWAYS)
HEAD = """\
# Conversations that keep their model

What does a kept model save in long conversations?

Command: `python -m tests.bench.bench_sessions{options}`. Setting: {machine}. {count} conversations of
{turns} turns per row: a system text of {system:,} tokens that all of them share, {result} tokens of
new text per turn, replies of {reply} tokens. Two models of like quality (scores of {score} ± {noise} by
query), two replicas each, with simulated prefix caches. The rows take turns.

A slow machine hedges some calls: the second attempt reads the prompt on a replica without it.

| way | prompt tokens cached, % | dollars per conversation | switches per conversation | hedged calls |
|---|---:|---:|---:|---:|"""


@dataclass(slots=True)
class Totals:
    """The totals of all conversations of one way."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    switches: int = 0
    answers: int = 0
    extra_attempts: int = 0

    def add(self, result: pb.GenerateAnswerResponse) -> None:
        """Adds an answer."""
        self.answers += 1
        self.cost_usd += result.cost_usd
        for entry in result.usage:
            self.extra_attempts += entry.attempt_kind != pb.ATTEMPT_KIND_FIRST
            self.prompt_tokens += entry.prompt_token_count
            self.cached_tokens += entry.cached_prompt_token_count

    def line(self, way: str, conversations: int) -> str:
        """Returns the line of the table."""
        cached = 100 * self.cached_tokens / self.prompt_tokens
        return (
            f"| {way} | {cached:.1f} | {self.cost_usd / conversations:.4f} "
            f"| {self.switches / conversations:.2f} | {self.extra_attempts} of {self.answers} |"
        )


class NoisyScorer(ScriptedScorer):
    """Scores models of like quality: each query differs a little."""

    async def RankModels(self, request: Any, context: Any) -> Any:
        return scorer_service_pb2.RankModelsResponse(
            model_scores=[
                model_pb2.ModelScore(model_id=model, score=score(model, request.query))
                for model in PRICES
                if not request.model_ids or model in request.model_ids
            ],
            scorer_version="noisy",
        )


def score(model: str, query: str) -> float:
    """Returns the score of a model for a query."""
    chance = random.Random(zlib.crc32(f"{model} {query}".encode()))
    return min(1.0, max(0.0, chance.gauss(SCORE, SCORE_NOISE)))


def words(seed: str, count: int) -> str:
    """Returns a text of so many words."""
    chance, known = random.Random(seed), TEXT.split()
    return " ".join(chance.choice(known) for _ in range(count))


@asynccontextmanager
async def running_router(*, as_chat: bool) -> AsyncIterator[RouterServiceStub]:
    """Runs the router, its scorer and the replicas."""
    async with AsyncExitStack() as stack:
        models = []
        for model, (prompt, cached) in PRICES.items():
            urls = [await stack.enter_async_context(running_replica()) for _ in range(REPLICAS)]
            models.append(
                {
                    "id": model,
                    "endpoints": urls,
                    "prompt_price_usd_per_million_tokens": prompt,
                    "cached_prompt_price_usd_per_million_tokens": cached,
                    "completion_price_usd_per_million_tokens": COMPLETION_PRICE,
                    "context_window_tokens": 200_000,
                    "expected_reply_tokens": 30,
                    **({} if as_chat else {"capabilities": ["tools"]}),
                }
            )
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pool = folder / "pool.yaml"
        pool.write_text(yaml.safe_dump({"models": models}))
        config = ScorerServiceConfig(listen_address=LOOPBACK)
        app = await stack.enter_async_context(scripted_scorer_app(NoisyScorer({})))
        scorer = await stack.enter_async_context(running_server(config, app))
        environment = {
            "ROUTEMOA_ROUTER_LISTEN_ADDRESS": LOOPBACK,
            "ROUTEMOA_ROUTER_POOL_FILE": str(pool),
            "ROUTEMOA_ROUTER_DEPENDENCY_TIMEOUT_S": "30",
            "ROUTEMOA_ROUTER_SCORER_ADDRESS": scorer,
        }
        started = module("services.router", environment=environment)
        _, address = await stack.enter_async_context(started)
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))
        yield RouterServiceStub(channel)


async def converse(
    stub: RouterServiceStub, way: str, number: int, totals: Totals, *, as_chat: bool
) -> None:
    """Runs one conversation."""
    system = words(way, SYSTEM_WORDS)
    messages = [
        model_pb2.Message(role=model_pb2.ROLE_SYSTEM, content=system),
        model_pb2.Message(role=model_pb2.ROLE_USER, content=words(f"task {number}", 50)),
    ]
    chance, model = random.Random(number), ""
    for turn in range(TURNS):
        policy = pb.RoutingPolicy(strategy="single")
        if way == NEVER and model:
            policy.model_ids.append(model)
        if way == ALWAYS:
            policy.model_ids.append(max(PRICES, key=lambda _: chance.random()))
        request = pb.GenerateAnswerRequest(messages=messages, policy=policy)
        if not as_chat:
            request.options.tools.append(TOOL)
        result = await stub.GenerateAnswer(request, timeout=60)
        totals.add(result)
        totals.switches += bool(model) and model != result.answer.model_id
        model = result.answer.model_id
        messages += next_messages(result.answer.text, number, turn, as_chat=as_chat)


def next_messages(reply: str, number: int, turn: int, *, as_chat: bool) -> list[model_pb2.Message]:
    """Returns the reply and what follows it: the result of a tool, or a message of the user."""
    found = words(f"result {number} {turn}", RESULT_WORDS)
    said = model_pb2.Message(role=model_pb2.ROLE_ASSISTANT, content=reply)
    if as_chat:
        return [said, model_pb2.Message(role=model_pb2.ROLE_USER, content=found)]
    call = model_pb2.ToolCall(tool_call_id=f"call-{turn}", name="search", arguments_json="{}")
    said.tool_calls.append(call)
    result = model_pb2.Message(
        role=model_pb2.ROLE_TOOL, content=found, tool_call_id=call.tool_call_id
    )
    return [said, result]


async def measure(conversations: int, *, as_chat: bool) -> None:
    """Prints the page."""
    totals = {way: Totals() for way in WAYS}
    async with running_router(as_chat=as_chat) as stub:
        for number in range(-2, conversations):
            if number == 0:  # the caches hold the system texts, as they do in service
                totals = {way: Totals() for way in WAYS}
            for way in WAYS:
                await converse(stub, way, number, totals[way], as_chat=as_chat)
    head = HEAD.format(
        options=" --chat" if as_chat else "",
        machine=f"{os.cpu_count()} × {platform.machine()}",
        count=conversations,
        turns=TURNS,
        system=SYSTEM_WORDS,
        result=RESULT_WORDS,
        reply=30,
        score=SCORE,
        noise=SCORE_NOISE,
    )
    lines = [totals[way].line(way, conversations) for way in WAYS]
    sys.stdout.write("\n".join([head, *lines, ""]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=20)
    parser.add_argument("--chat", action="store_true", help="messages of the user, no tools")
    options = parser.parse_args()
    asyncio.run(measure(options.conversations, as_chat=options.chat))
