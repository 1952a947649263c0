"""Where traces go in tests: OpenTelemetry's own collector, or a small receiver of its protocol."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp.web
import grpc.aio
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc

from tests.ports import free_port
from tests.tracing.spans import WAIT_S, Received

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

COLLECTOR = Path(__file__).parents[2] / ".tools/bin/otelcol"
"""Built by `make .tools/bin/otelcol`."""


class _Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, received: Received) -> None:
        self._received = received

    async def Export(
        self, request: pb.ExportTraceServiceRequest, context: Any
    ) -> pb.ExportTraceServiceResponse:
        del context
        self._received.add(request)
        return pb.ExportTraceServiceResponse()


@asynccontextmanager
async def running_receiver() -> AsyncIterator[tuple[str, Received]]:
    """Runs a receiver of OTLP over gRPC that is part of the tests; yields its endpoint."""
    received = Received()
    server = grpc.aio.server()
    add = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    add(_Receiver(received), server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"http://127.0.0.1:{port}", received
    finally:
        await server.stop(None)


@asynccontextmanager
async def running_collector(folder: Path) -> AsyncIterator[tuple[str, Received]]:
    """Runs OpenTelemetry's collector, which sends on what it gets; yields its endpoint.

    Args:
        folder: A folder for its configuration and its log.
    """
    received, port = Received(), free_port()
    async with _forwarded(received) as url:
        config, log = folder / "collector.yaml", folder / "collector.log"
        config.write_text(json.dumps(_config(port, url)))
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                str(COLLECTOR), "--config", str(config), stdout=output, stderr=output
            )
        try:
            await _listens(port, process, log)
            yield f"http://127.0.0.1:{port}", received
        finally:
            if process.returncode is None:
                process.terminate()  # it sends what it has
            async with asyncio.timeout(WAIT_S):
                await process.wait()


@asynccontextmanager
async def _forwarded(received: Received) -> AsyncIterator[str]:
    """Runs an HTTP server that takes what the collector sends on."""

    async def take(request: aiohttp.web.Request) -> aiohttp.web.Response:
        received.add(pb.ExportTraceServiceRequest.FromString(await request.read()))
        return aiohttp.web.Response(content_type="application/x-protobuf")

    app = aiohttp.web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/traces", take)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await aiohttp.web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def _config(port: int, url: str) -> dict[str, Any]:
    batch = {"flush_timeout": "200ms"}
    return {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {
            "otlphttp": {"endpoint": url, "compression": "none", "sending_queue": {"batch": batch}}
        },
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlphttp"]}},
        },
    }


async def _listens(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            if process.returncode is not None:
                raise AssertionError(log)
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return
