"""Services as operators meet them: processes with an environment, logs, signals and exit statuses."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from typing import TYPE_CHECKING

import grpc.aio
import onnxruntime as ort
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from routemoa.v1.scorer_service_pb2 import (
    GetScorerInfoRequest,
    RankModelsRequest,
    StreamRankModelsRequest,
    StreamRankModelsResponse,
)
from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
from tests.integration.service_process import logged, refusal, started

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Connect

    Stream = grpc.aio.StreamStreamCall[StreamRankModelsRequest, StreamRankModelsResponse]

POOL = (
    "models: [{id: a, url: 'http://127.0.0.1:1/v1', prompt_price_usd_per_million_tokens: 1, "
    "completion_price_usd_per_million_tokens: 1, context_window_tokens: 8000}]"
)
TIMEOUT_S = 60
CUDA_IS_COMPILED_IN = "CUDAExecutionProvider" in ort.get_available_providers()
without_cuda = pytest.mark.skipif(CUDA_IS_COMPILED_IN, reason="this ONNX Runtime knows CUDA")


async def read_index(stream: Stream) -> int:
    response = await stream.read()
    assert isinstance(response, StreamRankModelsResponse)
    return response.request_index


async def test_a_scorer_told_to_stop_finishes_the_stream_in_flight_and_exits_cleanly(
    connect: Connect,
) -> None:
    item = StreamRankModelsRequest(request=RankModelsRequest(query="Who wrote Faust?"))
    settings = {"DRAIN_DELAY_S": "0.3", "INTRA_OP_THREADS": "1", "LOG_LEVEL": "debug"}
    async with started("scorer", **settings) as process:
        channel = connect(str((await logged(process, "listening"))["address"]))
        health = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest())  # type: ignore[attr-defined]  # its stubs name no method
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        stream = ScorerServiceStub(channel).StreamRankModels(timeout=TIMEOUT_S)
        await stream.write(item)
        assert await read_index(stream) == 0
        process.send_signal(signal.SIGTERM)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
        await stream.write(item)
        assert await read_index(stream) == 1
        await stream.done_writing()
        assert await stream.read() is grpc.aio.EOF
        access = await logged(process, "call")
        assert access["code"] == "OK"
        assert "Faust" not in json.dumps(access)
        await logged(process, "stopped")
        assert await asyncio.wait_for(process.wait(), TIMEOUT_S) == 0


async def test_a_bad_environment_is_refused_with_every_problem_and_status_2() -> None:
    status, text = await refusal(
        "scorer", PROVIDER="abacus", MAX_BATCH_TOKENS="0", MAX_BATCH_TOKEN="9", LOG_LEVEL="loud"
    )
    assert status == 2
    for name in ("PROVIDER", "MAX_BATCH_TOKENS", "MAX_BATCH_TOKEN", "LOG_LEVEL"):
        assert f"ROUTEMOA_SCORER_{name}: " in text
    assert "Traceback" not in text


async def test_a_bad_artifact_is_refused_with_every_problem(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"format_version": 2, "tier": "base", "name": ""}')
    status, text = await refusal("scorer", ARTIFACT=str(tmp_path))
    assert status == 1
    assert f"Cannot start: {tmp_path} is not a usable artifact" in text
    assert "model.onnx is missing" in text
    assert "tokenizer.json is missing" in text
    assert "Traceback" not in text


@pytest.mark.parametrize("service", ["judge", "router"])
async def test_an_address_that_cannot_be_bound_is_refused_without_a_traceback(
    tmp_path: Path, service: str
) -> None:
    settings = {"LISTEN_ADDRESS": "203.0.113.1:50053"}
    if service == "router":  # whose tasks run already when it begins to listen
        (tmp_path / "pool.yaml").write_text(POOL)
        settings["POOL_FILE"] = str(tmp_path / "pool.yaml")
    status, text = await refusal(service, **settings)
    assert status == 1
    assert "Cannot start: cannot listen on 203.0.113.1:50053" in text
    assert "Traceback" not in text


async def test_a_metrics_port_that_is_taken_is_refused_without_a_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, text = await refusal("judge", METRICS_PORT=str(port))
    assert status == 1
    assert f"Cannot start: cannot serve metrics on port {port}" in text
    assert "Traceback" not in text


async def test_a_bad_pool_file_is_refused_with_the_line_of_every_problem(tmp_path: Path) -> None:
    pool = tmp_path / "pool.yaml"
    pool.write_text("models:\n  - id: a\n    url: nowhere\n    colour: red\naggregator: 7\n")
    status, text = await refusal("router", POOL_FILE=str(pool))
    assert status == 2
    for place in ("line 3: models.0.url", "line 4: models.0.colour", "line 5: aggregator"):
        assert f"{pool}: {place}: " in text
    assert "Traceback" not in text


@without_cuda
async def test_cuda_that_is_not_available_is_refused() -> None:
    status, text = await refusal("scorer", PROVIDER="cuda")
    assert status == 1
    assert "cuda was asked for" in text
    assert "Traceback" not in text


@without_cuda
async def test_cuda_that_is_not_available_falls_back_only_if_allowed_and_is_logged(
    connect: Connect,
) -> None:
    async with started("scorer", PROVIDER="cuda", ALLOW_PROVIDER_FALLBACK="true") as process:
        warning = await logged(process, "provider_fallback")
        assert (warning["requested"], warning["used"]) == ("cuda", "cpu")
        channel = connect(str((await logged(process, "listening"))["address"]))
        info = await ScorerServiceStub(channel).GetScorerInfo(
            GetScorerInfoRequest(), timeout=TIMEOUT_S
        )
        assert info.execution_provider == "cpu"


async def test_a_process_whose_log_no_test_reads_is_not_stopped_by_it() -> None:
    much = "import sys; sys.stderr.write('x' * (1 << 22))"
    async with started("gateway", arguments=("-c", much)) as process, asyncio.timeout(TIMEOUT_S):
        assert await process.wait() == 0
