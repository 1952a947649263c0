"""Whatever a backend sends, its call ends with a status, and nobody else notices."""

from __future__ import annotations

import asyncio
import gc
import math
import sys
import time
from asyncio.subprocess import PIPE
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import grpc.aio
import uvloop
import yaml

from routemoa.errors import AnswerTimedOutError, GenerationFailedError
from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import model_pb2, router_service_pb2, router_service_pb2_grpc
from services.router.backends.client import open_wire_client
from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.http.exchange import Exchange
from tests.integration.hostile.__main__ import MODES
from tests.integration.hostile.modes import RIGHT
from tests.integration.service_process import logged, started
from tests.pace import pace
from tests.wire.attempt import QUESTION, pool_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.router.backends.client import WireClient

SLOW = {
    "slow_head",
    "silent",
    "silent_after_head",
    "silent_after_text",
    "never_ends_slowly",
    "comment_trickle",
}
"""Modes that end with the caller's time."""
ANSWERED = {
    *("right", "some_hints", "many_cookies", "bad_content_type", "no_content_type", "http_1_0"),
    *("identity", "trailers", "text_in_chunks_of_one_byte", "large_chunk_size", "byte_by_byte"),
    *("second_response", "more_after_the_end", "bytes_after_the_end"),
    *("usage_not_a_number", "usage_infinite", "usage_negative", "usage_twice", "usage_zero"),
    *("usage_texts", "usage_booleans", "usage_details"),
}
"""Modes whose answer is whole in spite of everything."""
MAX_TURN_S = 0.1
"""CPU time between two turns of a task that is always ready; some milliseconds are usual."""
MAX_WAIT_S = 0.1
"""Longest wait of another caller, at the 99th percentile; on a busy machine, five times the wait for
a router that nothing is done to."""
MAX_GROWTH_MIB = 50


@asynccontextmanager
async def hostile_backend() -> AsyncIterator[str]:
    """Runs the malicious backend as a process of its own; yields the URL of its modes."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.hostile"), stdout=PIPE, stderr=PIPE
    )
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.communicate()


async def attempt(client: WireClient, url: str) -> str:
    """Returns the status of one attempt, or its text."""
    model = pool_model(url, max_reply_tokens=2048)
    (base_url,) = model.replicas.base_urls
    exchange = Exchange(model=model, base_url=base_url, messages=QUESTION)
    try:
        async with (
            asyncio.timeout(1 if url.split("/")[3] in SLOW else 20),
            aclosing(client.stream(exchange)) as texts,
        ):
            async for _ in texts:
                pass
    except AttemptFailedError as error:
        return error.status.name
    except TimeoutError:
        return "TIMEOUT"
    return exchange.text


async def watch_turns(turns_s: list[float]) -> None:
    """Measures the CPU time that all other tasks take between two turns of this one."""
    while True:
        before_s = time.thread_time()
        await asyncio.sleep(0)
        turns_s.append(time.thread_time() - before_s)


async def run_every_mode() -> tuple[dict[str, str], dict[str, float]]:
    """Returns how each mode ended, and the longest turn of the event loop meanwhile."""
    ends: dict[str, str] = {}
    longest_s: dict[str, float] = {}
    turns_s: list[float] = []
    watch = asyncio.create_task(watch_turns(turns_s))
    try:
        async with hostile_backend() as backend, open_wire_client() as client:
            await attempt(client, f"{backend}/right/v1")
            for mode in MODES.keys() - SLOW:
                turns_s.clear()
                ends[mode] = await attempt(client, f"{backend}/{mode}/v1")
                longest_s[mode] = max(turns_s)
            slow = [attempt(client, f"{backend}/{mode}/v1") for mode in SLOW]
            ends |= zip(SLOW, await asyncio.gather(*slow), strict=True)
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
    return ends, longest_s


def test_no_mode_holds_the_event_loop_or_ends_without_a_status() -> None:
    gc.collect()
    gc.disable()  # a collection of the tests' own objects would count as a long turn
    try:
        ends, longest_s = uvloop.run(run_every_mode())
    finally:
        gc.enable()
    assert {mode: s for mode, s in longest_s.items() if s > MAX_TURN_S} == {}
    assert {mode: ends[mode] for mode in ANSWERED if ends[mode] != RIGHT} == {}
    assert {mode: ends[mode] for mode in SLOW if ends[mode] != "TIMEOUT"} == {}


def pool_file(folder: Path, backend: str) -> Path:
    """Writes a pool with one model per mode."""
    prices = dict.fromkeys(
        ("prompt_price_usd_per_million_tokens", "completion_price_usd_per_million_tokens"), 1
    )
    models = [
        {"id": mode, "url": f"{backend}/{mode}/v1", "context_window_tokens": 32768, **prices}
        for mode in MODES
    ]
    path = folder / "pool.yaml"
    path.write_text(yaml.safe_dump({"models": models}))
    return path


async def ask(stub: router_service_pb2_grpc.RouterServiceStub, mode: str) -> str:
    """Returns the answer, or the name of the error and the statuses of the calls."""
    question = model_pb2.Message(role=model_pb2.ROLE_USER, content="How many legs has a spider?")
    policy = router_service_pb2.RoutingPolicy(model_ids=[mode], strategy="single")
    request = router_service_pb2.StreamAnswerRequest(
        messages=[question], policy=policy, full_result=True
    )
    answer = ""
    try:
        async for event in stub.StreamAnswer(request, timeout=2 if mode in SLOW else 20):
            answer = event.result.answer.text or answer
    except grpc.aio.AioRpcError as error:
        named = from_rpc_error(error)
        if isinstance(named, GenerationFailedError):
            return named.metadata["statuses"]
        return type(named).__name__
    return answer


async def watch_callers(
    stub: router_service_pb2_grpc.RouterServiceStub, waits_s: list[float]
) -> None:
    """Measures how long another caller waits for a small answer."""
    while True:
        started_s = time.monotonic()
        await stub.ListModels(router_service_pb2.ListModelsRequest(page_size=1), timeout=60)
        waits_s.append(time.monotonic() - started_s)
        await asyncio.sleep(0.01)


def percentile_99(values: list[float]) -> float:
    return sorted(values)[math.ceil(0.99 * len(values)) - 1]


def memory_mib(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) >> 10 for line in lines if line.startswith(f"{field}:"))


@asynccontextmanager
async def router(
    pool: Path,
) -> AsyncIterator[tuple[int, router_service_pb2_grpc.RouterServiceStub]]:
    """Runs a router; yields its process id and a client of it."""
    async with started("router", POOL_FILE=str(pool)) as process:
        address = str((await logged(process, "listening"))["address"])
        async with grpc.aio.insecure_channel(address) as channel:
            yield process.pid, router_service_pb2_grpc.RouterServiceStub(channel)


async def test_no_mode_hurts_another_caller_or_the_router(tmp_path: Path) -> None:
    waits_s: list[float] = []
    control_s: list[float] = []
    ends: dict[str, str] = {}
    async with hostile_backend() as backend:
        pool = pool_file(tmp_path, backend)
        async with router(pool) as (pid, stub), router(pool) as (_, quiet_router):
            ends["right"] = await ask(stub, "right")
            watches = [
                asyncio.create_task(watch_callers(stub, waits_s)),
                asyncio.create_task(watch_callers(quiet_router, control_s)),
            ]
            before_mib = memory_mib(pid, "VmRSS")
            for mode in MODES.keys() - SLOW:
                ends[mode] = await ask(stub, mode)
            slow_ends = await asyncio.gather(*(ask(stub, mode) for mode in SLOW))
            slow = dict(zip(SLOW, slow_ends, strict=True))
            growth_mib = memory_mib(pid, "VmHWM") - before_mib
            for watch in watches:
                watch.cancel()
            assert await ask(stub, "right") == RIGHT
    assert percentile_99(waits_s) <= max(MAX_WAIT_S * pace(), 5 * percentile_99(control_s))
    assert growth_mib < MAX_GROWTH_MIB
    assert {mode: ends[mode] for mode in ANSWERED if ends[mode] != RIGHT} == {}
    assert {mode: end for mode, end in ends.items() if end.endswith("Error")} == {}
    late = {AnswerTimedOutError.__name__, "TransportError"}
    # What a slow model has written by the deadline is the answer.
    writing = {"silent_after_text", "never_ends_slowly"}
    assert {slow[mode] for mode in SLOW - writing} <= late
    written = {RIGHT[:length] for length in range(1, len(RIGHT) + 1)}
    assert {slow[mode] for mode in writing} <= late | written
