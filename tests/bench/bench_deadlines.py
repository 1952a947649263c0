"""Measures how soon work ends: `python -m tests.bench.bench_deadlines`.

The router is a process of its own; models, scorer and judge are in this one, so that one clock sees
both ends. In each phase something hangs: then either the caller goes away, and the time until
whatever hangs is cancelled counts, or the caller waits, and the time of the answer against the caller's
deadline counts.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from routemoa.errors import TransportError
from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import router_service_pb2 as pb
from routemoa.v1.router_service_pb2_grpc import RouterServiceStub
from services.judge.app import judge_app
from services.judge.config import JudgeServiceConfig
from services.rpc.server import running_server
from services.scorer.config import ScorerServiceConfig
from services.simulator import Call, CallOutcome, FaultKind, Purpose, Simulator, running_simulator
from tests.bench.processes import module
from tests.conftest import LOOPBACK
from tests.integration.conftest import ScriptedScorer, scripted_scorer_app, write_pool
from tests.integration.hanging import (
    Hanging,
    HangingJudge,
    HangingScorer,
    hanging_judge_app,
    hanging_scorer_app,
)
from tests.scripted_answers import ScriptedAnswers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

SCORES = {"a": 0.7, "b": 0.65, "c": 0.6, "d": 0.2, "merger": 0.0}
HEAD = """\
# When work ends: deadlines and callers that go away

How soon do all upstream calls end when a caller goes away, and does every answer come before its
deadline?

Command: `python -m tests.bench.bench_deadlines`. Setting: {machine}, load average {load}, {count}
answers per row. The router has its own process; models, scorer and judge run in the client's. In
each row, the dependency or model that the phase names hangs in the middle.

- *Cancelled*: time from the caller's `cancel()` until the last upstream call has seen it.
- *Answered*: when the caller has its answer or error, relative to its deadline of {deadline_ms:.0f} ms.
  Negative is before the deadline. The router's margin is 30 ms.
- *Late*: answers after the deadline, and calls that the client itself gave up.

| phase | cancelled p50 ms | p99 ms | max ms | answered p50 ms | last ms | late | answers |
|---|---|---|---|---|---|---|---|
"""


def speaker(call: Call) -> str:
    """Says much enough to stall in its middle."""
    text = f"{call.model} says eight " + "indeed " * 40
    return text if call.purpose is Purpose.AGGREGATION else call.assessed(text, self_score=0.6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """What hangs, and what is asked so that a run is in the phase then."""

    models: Sequence[str] = ()
    dependency: str = ""
    policy: Mapping[str, Any] = field(default_factory=dict)


PHASES = {
    "scorer": Phase(dependency="scorer"),
    "layer of three": Phase(models="abc"),
    "judge": Phase(dependency="judge"),
    "aggregation": Phase(models=["merger"]),
    "pass-through": Phase(models="a", policy={"strategy": "single"}),
    "moa, layer of four": Phase(
        models="abcd", policy={"strategy": "moa", "model_ids": list("abcd")}
    ),
    "smoa, verdict": Phase(
        models=["merger"], policy={"strategy": "smoa", "model_ids": ["a", "b", "merger"]}
    ),
    "cascade": Phase(models="a", policy={"strategy": "cascade"}),
    "the only model": Phase(models="a", policy={"model_ids": ["a"]}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A router whose scorer or judge may hang, and what stands behind it."""

    stub: RouterServiceStub
    simulator: Simulator
    dependency: Hanging | None

    def call(self, phase: Phase, timeout_s: float) -> Any:
        """Asks for an answer."""
        request = pb.StreamAnswerRequest(
            messages=[{"role": 2, "content": "Legs?"}],  # type: ignore[list-item]
            policy=pb.RoutingPolicy(max_layer_count=1, **phase.policy),
        )
        return self.stub.StreamAnswer(request, timeout=timeout_s)

    async def cancelled_ms(self, phase: Phase) -> float:
        """Goes away in the phase; returns how long whatever hung then went on."""
        self.simulator.clear_calls()
        call = self.call(phase, 30)
        watching = asyncio.create_task(_drain(call))
        hanging = set(phase.models)
        if self.dependency is not None:
            await self.dependency.called.wait()
        await self.simulator.wait_for_calls(
            lambda calls: {c.model for c in calls if c.outcome is CallOutcome.RUNNING} == hanging
        )
        left_s = time.monotonic()
        call.cancel()
        await watching
        records = await self.simulator.wait_for_calls(
            lambda calls: all(c.outcome is not CallOutcome.RUNNING for c in calls)
        )
        ended_s = [r.ended_s or 0.0 for r in records if r.model in hanging]
        if self.dependency is not None:
            await self.dependency.cancelled.wait()
            ended_s.append(self.dependency.cancelled_s)
            self.dependency.called.clear()
            self.dependency.cancelled.clear()
        return 1000 * (max(ended_s) - left_s)

    async def answered_ms(self, phase: Phase, deadline_s: float) -> tuple[float, str]:
        """Waits for the answer; returns when it came, against the deadline, and what it was."""
        started_s = time.monotonic()
        outcome = await _drain(self.call(phase, deadline_s))
        return 1000 * (time.monotonic() - started_s - deadline_s), outcome


async def _drain(call: Any) -> str:
    try:
        async for event in call:
            if event.HasField("result"):
                return "answer"
    except grpc.aio.AioRpcError as error:
        said = from_rpc_error(error)
        # The client gives up at its deadline by itself; the server's own errors have a reason.
        return "given up" if isinstance(said, TransportError) else said.reason
    except asyncio.CancelledError:
        return "cancelled"
    return "nothing"


@asynccontextmanager
async def running_bench(phase: Phase) -> AsyncIterator[Bench]:
    """Starts everything for a phase."""
    async with AsyncExitStack() as stack:
        start = stack.enter_async_context
        simulator = await start(running_simulator(ScriptedAnswers(dict.fromkeys(SCORES, speaker))))
        scorer, judge = HangingScorer(), HangingJudge()
        scorer_app = scripted_scorer_app(ScriptedScorer(SCORES))
        if phase.dependency == "scorer":
            scorer_app = hanging_scorer_app(scorer)
        judge_config = JudgeServiceConfig(listen_address=LOOPBACK)
        app = hanging_judge_app(judge) if phase.dependency == "judge" else judge_app(judge_config)
        scorer_config = ScorerServiceConfig(listen_address=LOOPBACK)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pool = write_pool(folder, simulator.url, dict.fromkeys(SCORES, speaker), {}, "merger")
        environment = {
            "ROUTEMOA_ROUTER_LISTEN_ADDRESS": LOOPBACK,
            "ROUTEMOA_ROUTER_POOL_FILE": str(pool),
            "ROUTEMOA_ROUTER_DEPENDENCY_TIMEOUT_S": "60",
            "ROUTEMOA_ROUTER_SCORER_ADDRESS": await start(
                running_server(scorer_config, await start(scorer_app))
            ),
            "ROUTEMOA_ROUTER_JUDGE_ADDRESS": await start(
                running_server(judge_config, await start(app))
            ),
        }
        _, address = await start(module("tests.bench.eager_router", environment=environment))
        channel = await start(grpc.aio.insecure_channel(address))
        for model in phase.models:
            simulator.set_fault(model, FaultKind.STALL)
        dependency = {"scorer": scorer, "judge": judge}.get(phase.dependency)
        yield Bench(stub=RouterServiceStub(channel), simulator=simulator, dependency=dependency)


async def row(name: str, phase: Phase, count: int, deadline_s: float) -> str:
    """Measures a phase and returns its line of the table."""
    async with running_bench(phase) as bench:
        await bench.cancelled_ms(phase)  # opens connections
        cancelled = sorted([await bench.cancelled_ms(phase) for _ in range(count)])
        answered = [await bench.answered_ms(phase, deadline_s) for _ in range(count)]
    times = [ms for ms, _ in answered]
    outcomes = Counter(outcome for _, outcome in answered)
    late = sum(ms > 0 for ms in times)
    p99 = cancelled[min(count - 1, round(0.99 * count))]
    return (
        f"| {name} | {statistics.median(cancelled):.1f} | {p99:.1f} | {cancelled[-1]:.1f} "
        f"| {statistics.median(times):+.0f} | {max(times):+.0f} | {late} "
        f"| {', '.join(f'{number} {what}' for what, number in outcomes.most_common())} |"
    )


async def main() -> None:
    """Measures every phase."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50, help="answers per row")
    parser.add_argument("--deadline-ms", type=float, default=500)
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    rows = [
        await row(name, phase, options.count, options.deadline_ms / 1000)
        for name, phase in PHASES.items()
    ]
    head = HEAD.format(
        machine=f"{os.cpu_count()} shared cores",
        count=options.count,
        load=f"{os.getloadavg()[0]:.1f}",
        deadline_ms=options.deadline_ms,
    )
    table = head + "\n".join(rows) + "\n"
    sys.stdout.write(table)
    if options.markdown:
        options.markdown.write_text(table)


if __name__ == "__main__":
    asyncio.run(main())
