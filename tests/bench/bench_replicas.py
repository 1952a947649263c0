"""Measures what callers notice of bad replicas: `python -m tests.bench.bench_replicas`.

Two replicas and the router run as processes. One replica is killed under load and comes back; one call
in ninety takes two seconds to begin, with hedging off and on by turns; both replicas fail every call.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import grpc.aio
import uvloop
import yaml

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from routemoa.v1.router_service_pb2_grpc import RouterServiceStub
from tests.bench.processes import module
from tests.integration.replica_process import MODEL, PACED, QUERY, TEXT, ReplicaProcess, replica

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

STREAMS = 32
KILL_AFTER_S, RESTART_AFTER_S, END_AFTER_S = 3.0, 9.0, 14.0
HEDGED_CALLS, HEDGED_CALLERS, SLOW_EVERY = 1800, 8, 90
OUTAGE_CALLS = 500
REQUEST = pb.StreamAnswerRequest(
    messages=[model_pb2.Message(role=model_pb2.ROLE_USER, content=QUERY)],
    policy=pb.RoutingPolicy(max_layer_count=1, max_layer_model_count=1),
)

HEAD = """\
# Failing and slow replicas

What do callers notice when a replica dies, is slow, or fails every call?

Command: `python -m tests.bench.bench_replicas`. Setting: {machine}, shared by client, router and
two simulated replicas with 50-token answers; {rounds} rounds, load average {load:.1f} at the end.
"""
KILL_HEAD = """
## One of two replicas is killed under 32 streams, and returns six seconds later

Paced backend: 50 ms to the first token, 10 ms per token. Closed loop for 14 s, `SIGKILL` at 3 s. An
answer is *complete* if its text equals that of an uninterrupted answer. The peers of
[router.md](router.md) cut all streams on the killed replica.

| round | answers | complete | failed | resumed | retried | longest silence within a stream, ms |
|---|---|---|---|---|---|---|"""
HEDGE_HEAD = """
## One call in 90 takes two seconds to begin

Backend without pauses, {callers} callers, {calls} calls per round, hedging off and on in turns. Times
are from the request to the end of the stream.

| hedging | p50 ms | p99 ms | p99.9 ms | extra upstream calls |
|---|---|---|---|---|"""
OUTAGE_HEAD = """
## Both replicas fail

{calls} calls, 16 at a time, and no other model. The retry budget bounds the load on the replicas.

| failure | upstream calls per incoming call | time until the caller has the error, p50 ms |
|---|---|---|"""


@dataclass(slots=True)
class Seen:
    """What callers saw."""

    times_ms: list[float] = field(default_factory=list)
    silences_s: list[float] = field(default_factory=list)
    whole: int = 0
    failed: int = 0
    kinds: Counter[int] = field(default_factory=Counter)

    @property
    def attempts(self) -> int:
        """Upstream calls of the answers that came."""
        return sum(self.kinds.values())


@asynccontextmanager
async def router(
    folder: Path, replicas: list[ReplicaProcess], **settings: object
) -> AsyncIterator[RouterServiceStub]:
    """Runs a router over one model with these replicas."""
    model = {
        "id": MODEL,
        "backend": "vllm",
        "endpoints": [running.url for running in replicas],
        "prompt_price_usd_per_million_tokens": 1,
        "completion_price_usd_per_million_tokens": 1,
        "context_window_tokens": 8192,
    }
    path = folder / "pool.yaml"
    path.write_text(yaml.safe_dump({"models": [model]}))
    environment = {"LISTEN_ADDRESS": "127.0.0.1:0", "POOL_FILE": str(path), "LOG_LEVEL": "info"}
    environment |= {name.upper(): str(value) for name, value in settings.items()}
    variables = {f"ROUTEMOA_ROUTER_{name}": value for name, value in environment.items()}
    async with (
        module("services.router", environment=variables) as (_, address),
        grpc.aio.insecure_channel(address) as channel,
    ):
        yield RouterServiceStub(channel)


async def ask(stub: RouterServiceStub, seen: Seen) -> None:
    """Streams one answer."""
    started_s = last_s = time.perf_counter()
    text, silence_s = "", 0.0
    try:
        async for event in stub.StreamAnswer(REQUEST, timeout=30):
            if event.HasField("delta"):
                now_s = time.perf_counter()
                silence_s = max(silence_s, now_s - last_s) if text else 0.0
                last_s = now_s
                text += event.delta.text
            elif event.HasField("reset"):
                text = ""
            seen.kinds.update(entry.attempt_kind for entry in event.result.usage)
    except grpc.aio.AioRpcError:
        seen.failed += 1
    seen.times_ms.append((time.perf_counter() - started_s) * 1000)
    seen.silences_s.append(silence_s)
    seen.whole += text == TEXT


async def load(stub: RouterServiceStub, callers: int, goes_on: Callable[[Seen], bool]) -> Seen:
    """Has callers ask for as long as it goes on."""
    seen, started = Seen(), 0

    async def repeat() -> None:
        nonlocal started
        while goes_on(seen) and started < 1_000_000:
            started += 1
            await ask(stub, seen)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(repeat())
    return seen


async def kill(folder: Path) -> Seen:
    """Kills one of two replicas under load, and starts it again."""
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(replica(folder, *PACED)) for _ in range(2)]
        stub = await stack.enter_async_context(router(folder, [one, other]))
        await ask(stub, Seen())
        started_s = time.monotonic()
        loading = asyncio.create_task(
            load(stub, STREAMS, lambda _: time.monotonic() < started_s + END_AFTER_S)
        )
        await asyncio.sleep(KILL_AFTER_S)
        one.kill()
        await asyncio.sleep(RESTART_AFTER_S - KILL_AFTER_S)
        await one.restart()
        return await loading


async def hedge(folder: Path, share: float) -> Seen:
    """Calls replicas of which one call in so many is slow to begin."""
    slow = ("--slow-every", str(SLOW_EVERY))
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(replica(folder, *slow)) for _ in range(2)]
        stub = await stack.enter_async_context(router(folder, replicas, replica_hedge_share=share))
        left = iter(range(HEDGED_CALLS - HEDGED_CALLERS))
        return await load(
            stub, HEDGED_CALLERS, lambda seen: not seen.times_ms or next(left, None) is not None
        )


async def outage(folder: Path) -> tuple[float, Seen]:
    """Calls replicas that fail every call; returns the calls that they saw per call that came."""
    async with AsyncExitStack() as stack:
        broken = ("--fault", f"{MODEL}=error_500")
        replicas = [await stack.enter_async_context(replica(folder, *broken)) for _ in range(2)]
        stub = await stack.enter_async_context(router(folder, replicas))
        left = iter(range(OUTAGE_CALLS))
        seen = await load(stub, 16, lambda _: next(left, None) is not None)
        upstream = sum([len(await running.calls()) for running in replicas])
        return upstream / len(seen.times_ms), seen


def kill_row(number: int, seen: Seen) -> str:
    """Returns a round as a table row."""
    return (
        f"| {number} | {len(seen.times_ms)} | {seen.whole} | {seen.failed} "
        f"| {seen.kinds[pb.ATTEMPT_KIND_RESUME]} | {seen.kinds[pb.ATTEMPT_KIND_RETRY]} "
        f"| {max(seen.silences_s) * 1000:.0f} |"
    )


def hedge_row(name: str, rounds: list[Seen]) -> str:
    """Returns the medians of the rounds as a table row."""

    def median(cut: int) -> float:
        return statistics.median(statistics.quantiles(s.times_ms, n=1000)[cut] for s in rounds)

    extra = statistics.median(seen.attempts / len(seen.times_ms) - 1 for seen in rounds)
    return f"| {name} | {median(499):.1f} | {median(989):.0f} | {median(998):.0f} | {extra:.1%} |"


async def main(rounds: int) -> str:
    """Runs everything and returns the report."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kills = [kill_row(n + 1, await kill(folder)) for n in range(rounds)]
        off, on = [], []
        for _ in range(rounds):
            off.append(await hedge(folder, 0.0))
            on.append(await hedge(folder, 0.05))
        outages = [await outage(folder) for _ in range(rounds)]
    head = HEAD.format(
        machine=f"{platform.machine()}, {os.cpu_count()} cores",
        rounds=rounds,
        load=os.getloadavg()[0],
    )
    told_ms = statistics.median(statistics.median(seen.times_ms) for _, seen in outages)
    worst = max(share for share, _ in outages)
    lines = [
        head + KILL_HEAD,
        *kills,
        HEDGE_HEAD.format(callers=HEDGED_CALLERS, calls=HEDGED_CALLS),
        hedge_row("off", off),
        hedge_row("on", on),
        OUTAGE_HEAD.format(calls=OUTAGE_CALLS),
        f"| every call is answered 500 (worst round) | {worst:.2f} | {told_ms:.0f} |",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    options = parser.parse_args()
    report = uvloop.run(main(options.rounds))
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report)
