"""Times `layers` against the published loop on one pool: `python -m tests.bench.bench_mixture`.

Both ask the same six models, with heavy-tailed times and the same answers to the same questions, ranked
by the same scorer. Rounds are interleaved: in each, every system answers the same questions.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import platform
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import grpc.aio
import uvloop

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from routemoa.v1.router_service_pb2_grpc import RouterServiceStub
from routemoa.v1.scorer_service_pb2 import RankModelsRequest
from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
from tests.bench.heavy_tail import SKILLS, final_letter, question, right_letter
from tests.bench.processes import module
from tests.bench.reference_loop import ReferenceLoop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    Ask = Callable[[str], Awaitable["Answered"]]

REFERENCE = "the published loop"
AGGREGATOR = next(iter(SKILLS))
SCORE_FLOOR, SCORE_SPAN = 0.7172, 0.1712
"""The upper branch of the published score map, onto which the scorer's probabilities are laid. So its
loop stops after one round, as 96.6 % of its published requests did: its best case."""

HEAD = """\
# Mixtures: `layers` beside the published loop

How much time, how many tokens and how many right answers, on one pool with heavy-tailed latencies?

Command: `python -m tests.bench.bench_mixture`. Setting: {machine}, shared by all processes;
{rounds} interleaved rounds of {queries} questions, {callers} at a time; load average {load} before,
{load_after} after.

Six simulated models give both systems the same answers and latencies
(`tests/bench/heavy_tail.py`). The time to the first token is log-normal around 200 ms; one call in
33 is ten times slower. An answer has about 250 tokens of 3.3 ms each. That is a third of what hosted
models take, so overhead counts threefold. `tests/bench/reference_loop.py` rebuilds the published
loop; it stops after one round. *As a share* is the ratio to the published loop, median over rounds.

| system | p50 ms | p99 ms | first text p50 ms | calls | tokens | right, % |
|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came of one question, and what it took."""

    is_right: bool
    first_text_s: float
    total_s: float
    calls: int
    tokens: int


def through_router(stub: RouterServiceStub, strategy: str) -> Ask:
    """Returns a way to ask the router."""

    async def ask(text: str) -> Answered:
        message = model_pb2.Message(role=model_pb2.ROLE_USER, content=text)
        policy = pb.RoutingPolicy(strategy=strategy)
        request = pb.StreamAnswerRequest(messages=[message], policy=policy, full_result=True)
        started_s, first_s, result = time.perf_counter(), 0.0, pb.GenerateAnswerResponse()
        async for event in stub.StreamAnswer(request, timeout=60):
            if not first_s and event.HasField("delta"):
                first_s = time.perf_counter() - started_s
            if event.HasField("result"):
                result = event.result
        return Answered(
            is_right=final_letter(result.answer.text) == right_letter(text),
            first_text_s=first_s,
            total_s=time.perf_counter() - started_s,
            calls=len(result.usage),
            tokens=sum(e.prompt_token_count + e.completion_token_count for e in result.usage),
        )

    return ask


def through_reference(
    session: aiohttp.ClientSession, url: str, scores: Mapping[str, Mapping[str, float]]
) -> Ask:
    """Returns a way to ask the published loop; ranking costs it nothing."""

    async def ask(text: str) -> Answered:
        loop = ReferenceLoop(session, url, AGGREGATOR)
        started_s = time.perf_counter()
        outcome = await loop.answer(text, scores[text])
        total_s = time.perf_counter() - started_s
        return Answered(
            is_right=final_letter(outcome.text) == right_letter(text),
            first_text_s=total_s,
            total_s=total_s,
            calls=outcome.calls,
            tokens=outcome.prompt_tokens + outcome.completion_tokens,
        )

    return ask


async def all_scores(stub: ScorerServiceStub, texts: Sequence[str]) -> dict[str, dict[str, float]]:
    """Returns each question's scores on the published scale, by model."""
    scores = {}
    for text in texts:
        response = await stub.RankModels(RankModelsRequest(query=text, model_ids=list(SKILLS)))
        scores[text] = {
            s.model_id: SCORE_FLOOR + SCORE_SPAN * s.score for s in response.model_scores
        }
    return scores


async def ask_all(ask: Ask, texts: Sequence[str], callers: int) -> list[Answered]:
    """Asks everything, so many at a time."""
    waiting = iter(texts)
    answered: list[Answered] = []

    async def repeat() -> None:
        for text in waiting:
            outcome = await ask(text)
            answered.append(outcome)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(repeat())
    return answered


def pool_file(folder: str, url: str) -> str:
    """Writes the pool; prices are alike, so that they decide nothing."""
    models = "".join(
        f"  - id: {model}\n    url: {url}\n    prompt_price_usd_per_million_tokens: 1\n"
        "    completion_price_usd_per_million_tokens: 1\n    context_window_tokens: 32768\n"
        for model in SKILLS
    )
    path = Path(folder) / "pool.yaml"
    path.write_text(f"aggregator: {AGGREGATOR}\nmodels:\n{models}", encoding="utf-8")
    return str(path)


async def measure(arguments: argparse.Namespace) -> list[dict[str, list[Answered]]]:
    """Starts everything and runs the rounds."""
    async with contextlib.AsyncExitStack() as stack:
        start = stack.enter_async_context
        _, url = await start(module("tests.bench.heavy_tail"))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        _, scorer = await start(service("scorer", {}))
        _, judge = await start(service("judge", {}))
        settings = {"POOL_FILE": pool_file(folder, url), "SCORER_ADDRESS": scorer}
        _, router = await start(service("router", settings | {"JUDGE_ADDRESS": judge}))
        stub = RouterServiceStub(await start(grpc.aio.insecure_channel(router)))
        scorer_stub = ScorerServiceStub(await start(grpc.aio.insecure_channel(scorer)))
        texts = [question(number) for number in range(arguments.rounds * arguments.queries)]
        scores = await all_scores(scorer_stub, texts)
        connector = aiohttp.TCPConnector(limit=0)
        session = await start(aiohttp.ClientSession(connector=connector))
        systems = {REFERENCE: through_reference(session, url, scores)} | {
            name: through_router(stub, name) for name in arguments.strategies
        }
        rounds = []
        for start_at in range(0, len(texts), arguments.queries):
            asked = texts[start_at : start_at + arguments.queries]
            rounds.append(
                {
                    name: await ask_all(ask, asked, arguments.callers)
                    for name, ask in systems.items()
                }
            )
        return rounds


def service(
    name: str, settings: Mapping[str, str]
) -> contextlib.AbstractAsyncContextManager[tuple[int, str]]:
    """Runs one of the services on a free port; yields its process id and address."""
    prefix = f"ROUTEMOA_{name.upper()}_"
    environment = {f"{prefix}{key}": value for key, value in settings.items()}
    environment[f"{prefix}LISTEN_ADDRESS"] = "127.0.0.1:0"
    return module(f"services.{name}", environment=environment)


def table(rounds: list[dict[str, list[Answered]]]) -> str:
    """Returns a row per system, and a row of each one's ratios to the published loop."""
    lines = []
    for name in rounds[0]:
        every = [answered for each in rounds for answered in each[name]]
        right = statistics.fmean(each.is_right for each in every)
        calls = statistics.fmean(each.calls for each in every)
        first = statistics.median(each.first_text_s for each in every)
        p50, p99, tokens = figures(every)
        lines.append(
            f"| {name} | {p50 * 1000:.0f} | {p99 * 1000:.0f} | {first * 1000:.0f} "
            f"| {calls:.2f} | {tokens:.0f} | {100 * right:.1f} |\n"
        )
        if name != REFERENCE:
            p50, p99, tokens = ratios(rounds, name)
            lines.append(f"| as a share | {p50:.2f} | {p99:.2f} | | | {tokens:.2f} | |\n")
    return "".join(lines)


def ratios(rounds: list[dict[str, list[Answered]]], name: str) -> tuple[float, float, float]:
    """Returns the medians over rounds of a system's figures over the published loop's."""
    pairs = [(figures(each[name]), figures(each[REFERENCE])) for each in rounds]
    p50, p99, tokens = (
        statistics.median(ours[column] / theirs[column] for ours, theirs in pairs)
        for column in range(3)
    )
    return p50, p99, tokens


def figures(answered: Sequence[Answered]) -> tuple[float, float, float]:
    """Returns median and 99th percentile of the time, and the mean of tokens."""
    cuts = statistics.quantiles([each.total_s for each in answered], n=100)
    return cuts[49], cuts[98], statistics.fmean(each.tokens for each in answered)


async def main(arguments: argparse.Namespace) -> str:
    """Runs everything and returns the report."""
    load = os.getloadavg()[0]
    rounds = await measure(arguments)
    head = HEAD.format(
        machine=f"{platform.machine()}, {os.cpu_count()} cores",
        rounds=arguments.rounds,
        queries=arguments.queries,
        callers=arguments.callers,
        load=f"{load:.1f}",
        load_after=f"{os.getloadavg()[0]:.1f}",
    )
    return head + table(rounds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--queries", type=int, default=200, help="per round and system")
    parser.add_argument("--callers", type=int, default=8)
    parser.add_argument("--strategies", nargs="+", default=["layers", "cascade", "single"])
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    options = parser.parse_args()
    report = uvloop.run(main(options))
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report, encoding="utf-8")
