"""Measures what each model of a large pool costs the router: `python -m tests.bench.bench_models`.

With `--base CHECKOUT`, the router of another commit runs beside this one, and they take turns call by
call block. The scorer is one that costs nothing, in this process; the figures are the processor time
of the router's process alone.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import grpc.aio
import numpy as np
import uvloop

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from routemoa.v1.router_service_pb2_grpc import RouterServiceStub
from routemoa.v1.scorer_service_pb2 import RankModelsRequest, RankModelsResponse
from scorer.runtime.team_rule import TeamRule
from services.scorer.outcome import ScoredQuery, Timing
from services.scorer.ranking import Ranking
from services.scorer.responses import fill_ranking
from services.simulator import running_simulator
from tests.bench.many_models import model_ids, running_scorer, write_pool
from tests.bench.page_head import page_head
from tests.bench.processes import module, tree_cpu_s
from tests.bench.session_turns import share_on_own_replica
from tests.scripted_answers import ScriptedAnswers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.scorer.scoring import Scoring

COUNTS = (3, 200, 1000)
THIS = "this commit"
_CLASSES = 24
"""Response classes of the scorer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """A router that is measured."""

    code: str
    model_count: int
    pid: int
    stub: RouterServiceStub
    route_cpu_ms: list[float] = field(default_factory=list)
    answer_cpu_ms: list[float] = field(default_factory=list)
    response_bytes: list[int] = field(default_factory=list)


def _messages(number: int) -> list[model_pb2.Message]:
    return [model_pb2.Message(role=model_pb2.ROLE_USER, content=f"What is {number} times 7?")]


async def _route(router: Router, number: int) -> None:
    response = await router.stub.RouteQuery(pb.RouteQueryRequest(messages=_messages(number)))
    assert response.selected_model_ids
    router.response_bytes.append(response.ByteSize())


async def _answer(router: Router, number: int) -> None:
    request = pb.StreamAnswerRequest(messages=_messages(number))
    async for event in router.stub.StreamAnswer(request, timeout=60):
        is_whole = event.HasField("result")
    assert is_whole


async def _cpu_ms(
    router: Router, call: Callable[[Router, int], Awaitable[None]], numbers: range
) -> float:
    before_s = tree_cpu_s(router.pid)
    for number in numbers:
        await call(router, number)
    return (tree_cpu_s(router.pid) - before_s) * 1000 / len(numbers)


async def _started(
    stack: AsyncExitStack, codes: dict[str, Path], folder: Path, backend_url: str
) -> list[Router]:
    routers = []
    for count in COUNTS:
        ids = model_ids(count)
        scorer = await stack.enter_async_context(running_scorer(ids))
        pool = folder / f"pool-{count}.yaml"
        write_pool(pool, ids, backend_url)
        for code, checkout in codes.items():
            environment = {
                "PYTHONPATH": f"{checkout}:{checkout / 'clients' / 'python'}",
                "ROUTEMOA_ROUTER_LISTEN_ADDRESS": "127.0.0.1:0",
                "ROUTEMOA_ROUTER_POOL_FILE": str(pool),
                "ROUTEMOA_ROUTER_SCORER_ADDRESS": scorer,
            }
            pid, address = await stack.enter_async_context(
                module("services.router", environment=environment, folder=checkout)
            )
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))
            stub = RouterServiceStub(channel)
            routers.append(Router(code=code, model_count=count, pid=pid, stub=stub))
    return routers


def _row(router: Router) -> str:
    route, answer = map(statistics.median, (router.route_cpu_ms, router.answer_cpu_ms))
    size = statistics.median(router.response_bytes)
    return f"| {router.model_count:,} | {router.code} | {route:.2f} | {answer:.2f} | {size:.0f} |\n"


def _after_inference_ms(count: int, calls: int = 200) -> float:
    """Returns the median processor time that a scorer spends on one ranking after its model has run."""
    draw, ids = np.random.default_rng(1), model_ids(count)
    weights = draw.random(_CLASSES, dtype=np.float32)
    outcome = ScoredQuery(
        scores=draw.random(count, dtype=np.float32),
        class_weights=weights / weights.sum(),
        completion_tokens=None,
        uncertainty=0.2,
        truncated=False,
        timing=Timing(queue_s=0.0, tokenization_s=0.0, inference_s=0.0),
    )
    success = draw.random((_CLASSES, count), dtype=np.float32)
    ranking = Ranking(ids, success, [_CLASSES], TeamRule.COVERING)
    scoring = cast(
        "Scoring", SimpleNamespace(ranking=ranking, runtime=SimpleNamespace(version="v"))
    )
    request = RankModelsRequest(query="q", model_ids=ids, team_size=3)
    spent_ms = []
    for _ in range(calls):
        started_s = time.process_time()
        response = RankModelsResponse()
        fill_ranking(response, request, outcome, scoring)
        response.SerializeToString()
        spent_ms.append((time.process_time() - started_s) * 1000)
    return statistics.median(spent_ms)


def _parts() -> str:
    """Returns the tables of what needs no router."""
    lines = ["| models | scorer after its model has run, CPU-ms |", "|---:|---:|"]
    lines += [f"| {count:,} | {_after_inference_ms(count):.2f} |" for count in COUNTS]
    lines += ["", "| replicas | calls in flight | turns on the replica of the turn before, % |"]
    lines += ["|---:|---:|---:|"]
    for replicas in (8, 32):
        for in_flight in (4, 8, 16, 64):
            share = share_on_own_replica(replica_count=replicas, in_flight=in_flight)
            lines.append(f"| {replicas} | {in_flight} | {100 * share:.1f} |")
    return "\n" + "\n".join(lines) + "\n"


async def main(arguments: argparse.Namespace) -> str:
    """Runs the rounds and returns the report."""
    codes = {} if arguments.base is None else {"base commit": arguments.base}
    codes[THIS] = Path.cwd()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        answers = ScriptedAnswers(dict.fromkeys(model_ids(max(COUNTS)), "42"))
        backend = await stack.enter_async_context(running_simulator(answers))
        routers = await _started(stack, codes, folder, backend.url)
        numbers = itertools.count()
        for warm in (True, *[False] * arguments.rounds):
            for router in routers:
                first = next(numbers) * arguments.calls
                span = range(first, first + arguments.calls)
                route, answer = [await _cpu_ms(router, call, span) for call in (_route, _answer)]
                if not warm:
                    router.route_cpu_ms.append(route)
                    router.answer_cpu_ms.append(answer)
    head = page_head(
        "Many models: what each model of a pool costs the router",
        "How much processor time does a decision take in a large pool?",
        f"""Command: `python -m tests.bench.bench_models{" --base CHECKOUT" if arguments.base else ""}`.
        Setting: {platform.machine()}, {os.cpu_count()} cores; medians of {arguments.rounds}
        interleaved rounds of {arguments.calls} calls, one at a time; load average
        {os.getloadavg()[1]:.1f}.""",
    )
    columns = (
        "| models | router | RouteQuery, CPU-ms | StreamAnswer, CPU-ms | RouteQuery, bytes |\n"
    )
    return head + columns + "|---:|---|---:|---:|---:|\n" + "".join(map(_row, routers)) + _parts()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, help="checkout of a commit to compare with")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=60, help="calls per measurement")
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    options = parser.parse_args()
    report = uvloop.run(main(options))
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report)
