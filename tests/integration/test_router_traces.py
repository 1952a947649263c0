"""What traces, logs, errors and metrics of a router say about one answer."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from prometheus_client import REGISTRY
from prometheus_client.openmetrics import exposition
from structlog.testing import capture_logs

from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.router.decision_records.config import RecordSettings
from services.rpc.tracing.spans import use_tracer
from services.simulator import FaultKind, Pacing
from tests.integration.decision_files import wait_for
from tests.integration.test_router_replicas import (
    EARLY_HEDGES,
    ONE_MODEL,
    fault,
    last_called_s,
    replicated,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

    from tests.integration.conftest import StartRouter

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACED = (("x-request-id", "r-1"), ("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01"))
WAIT_S = 60


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    use_tracer(provider.get_tracer("tests"))
    try:
        yield exporter
    finally:
        use_tracer(None)
        provider.shutdown()


def attempts(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    """Returns the spans of attempts, by their start."""
    found = [span for span in exporter.get_finished_spans() if span.name.startswith("chat ")]
    return sorted(found, key=lambda span: span.start_time or 0)


def attribute(span: ReadableSpan, name: str) -> Any:
    return (span.attributes or {}).get(name)


async def ended(exporter: InMemorySpanExporter, name: str) -> ReadableSpan:
    """Waits for the end of a span."""
    async with asyncio.timeout(WAIT_S):
        while True:
            for span in exporter.get_finished_spans():
                if span.name == name:
                    return span
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("kind", "attempt", "error"),
    [
        (FaultKind.ERROR_500, "RETRY", "backend_error"),
        (FaultKind.DIE_MIDSTREAM, "RESUME", "interrupted"),
    ],
)
async def test_a_further_attempt_is_linked_to_the_one_that_failed(
    start_router: StartRouter,
    exporter: InMemorySpanExporter,
    kind: FaultKind,
    attempt: str,
    error: str,
) -> None:
    async with replicated(start_router) as pool:
        fault(pool, kind, 0)
        while not pool.calls[0]:
            exporter.clear()
            await pool.router.ask(**ONE_MODEL)
        await ended(exporter, "routemoa.v1.RouterService/StreamAnswer")
    first, second = attempts(exporter)
    assert attribute(first, "error.type") == error
    assert first.status.status_code is StatusCode.ERROR
    assert attribute(second, "routemoa.attempt.kind") == attempt
    assert [link.context.span_id for link in second.links] == [first.context.span_id]
    assert second.parent is not None
    assert first.parent is not None
    assert second.parent.span_id == first.parent.span_id
    assert second.status.status_code is not StatusCode.ERROR
    assert {attribute(first, "routemoa.replica"), attribute(second, "routemoa.replica")} == {0, 1}


async def test_a_hedge_is_linked_to_the_attempt_that_is_slow(
    start_router: StartRouter, exporter: InMemorySpanExporter
) -> None:
    async with replicated(
        start_router, pacing=Pacing(slow_start_s=30), hedge_share=1.0, tuning=EARLY_HEDGES
    ) as pool:
        for _ in range(21):
            await pool.router.ask(**ONE_MODEL)
        slow = pool.replicas[0]
        while (pb.ATTEMPT_KIND_HEDGE, pb.CALL_STATUS_OK) not in pool.entries():
            slow.clear_fault("m")
            slow = max(pool.replicas, key=last_called_s)
            slow.set_fault("m", FaultKind.SLOW_START)
            exporter.clear()
            await pool.router.ask(**ONE_MODEL)
        await ended(exporter, "routemoa.v1.RouterService/StreamAnswer")
    first, hedge = attempts(exporter)
    assert attribute(hedge, "routemoa.attempt.kind") == "HEDGE"
    assert [link.context.span_id for link in hedge.links] == [first.context.span_id]
    assert attribute(first, "routemoa.attempt.status") == "CANCELLED"
    assert first.status.status_code is not StatusCode.ERROR


async def test_a_failed_call_is_logged_with_its_cause_and_no_text(
    start_router: StartRouter,
) -> None:
    async with replicated(start_router, count=1, names=("broken",)) as pool:
        pool.replicas[0].set_fault("broken", FaultKind.ERROR_500)
        with capture_logs() as lines, pytest.raises(grpc.aio.AioRpcError):
            await pool.router.ask("a secret question", **ONE_MODEL)
    (line,) = [line for line in lines if line["event"] == "model_call_failed"]
    assert (line["model_id"], line["status"]) == ("broken", "BACKEND_ERROR")
    assert (line["http_status"], line["replica"], line["attempt_kind"]) == (500, 0, "FIRST")
    assert "secret" not in repr(lines)


async def test_an_error_names_the_request_and_the_trace(
    start_router: StartRouter, exporter: InMemorySpanExporter
) -> None:
    async with replicated(start_router, count=1) as pool:
        pool.router.metadata = TRACED
        pool.replicas[0].set_fault("m", FaultKind.ERROR_500)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await pool.router.ask(**ONE_MODEL)
    metadata = from_rpc_error(raised.value).metadata
    assert (metadata["request_id"], metadata["trace_id"]) == ("r-1", TRACE)
    answer = await ended(exporter, "routemoa.v1.RouterService/StreamAnswer")
    assert answer.status.status_code is StatusCode.ERROR
    assert format(answer.context.trace_id, "032x") == TRACE


async def test_the_access_line_says_who_asked_for_what_and_what_it_cost(
    start_router: StartRouter, tmp_path: Path
) -> None:
    tenants, token = tmp_path / "tenants.yaml", "a-token-of-24-characters"
    digest = hashlib.sha256(token.encode()).hexdigest()
    tenants.write_text(f"tenants: [{{id: research, token_sha256: ['{digest}']}}]")
    records = RecordSettings(sink="files", dir=tmp_path / "records")
    router = await start_router({"m": "Eight."}, {"m": 0.5}, records=records, tenants_file=tenants)
    router.metadata = (*TRACED, ("authorization", f"Bearer {token}"))
    with capture_logs() as lines:
        result = await router.ask(**ONE_MODEL)
        async with asyncio.timeout(WAIT_S):
            while not (calls := [line for line in lines if line["event"] == "call"]):  # noqa: ASYNC110  # a log tells nobody
                await asyncio.sleep(0.01)
    (line,) = calls
    assert (line["tenant"], line["model"], line["request_id"]) == ("research", "m", "r-1")
    assert line["cost_usd"] == pytest.approx(result.cost_usd)
    assert line["decision_id"] == result.decision_id != ""
    (record,) = await wait_for(tmp_path / "records", 1)
    assert (record.id, record.request_id, record.trace_id) == (result.decision_id, "r-1", TRACE)


async def test_a_call_that_its_caller_gives_up_leaves_a_whole_trace(
    start_router: StartRouter, exporter: InMemorySpanExporter
) -> None:
    pacing = Pacing(tokens_per_second=1.0)
    router = await start_router({"m": "word " * 40}, {"m": 0.5}, pacing=pacing)
    message = model_pb2.Message(role=model_pb2.ROLE_USER, content="How many?")
    request = pb.StreamAnswerRequest(messages=[message])
    call = router.stub.StreamAnswer(request, timeout=WAIT_S, metadata=TRACED)
    async for event in call:
        if event.HasField("delta"):
            break
    call.cancel()
    answer = await ended(exporter, "routemoa.v1.RouterService/StreamAnswer")
    assert attribute(answer, "rpc.response.status_code") == "CANCELLED"
    spans = exporter.get_finished_spans()
    known = {span.context.span_id for span in spans} | {0x00F067AA0BA902B7}
    assert not [span.name for span in spans if span.parent and span.parent.span_id not in known]
    (attempt,) = attempts(exporter)
    assert attribute(attempt, "routemoa.attempt.status") == "CANCELLED"


async def test_latencies_have_the_trace_of_an_answer_as_exemplar(
    start_router: StartRouter, exporter: InMemorySpanExporter
) -> None:
    router = await start_router({"exemplary": "Eight."}, {"exemplary": 0.5})
    router.metadata = TRACED
    await router.ask(**ONE_MODEL)
    await ended(exporter, "routemoa.v1.RouterService/StreamAnswer")
    text = exposition.generate_latest(REGISTRY).decode()  # type: ignore[no-untyped-call]
    lines = [line for line in text.splitlines() if "exemplary" in line and TRACE in line]
    assert any(line.startswith("gen_ai_client_operation_duration_seconds_bucket") for line in lines)
    assert any("time_to_first_chunk_seconds_bucket" in line for line in lines)


async def test_with_tracing_off_the_callers_trace_still_reaches_the_log_and_errors(
    start_router: StartRouter,
) -> None:
    async with replicated(start_router, count=1) as pool:
        pool.router.metadata = TRACED
        pool.replicas[0].set_fault("m", FaultKind.ERROR_500)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await pool.router.ask(**ONE_MODEL)
    assert from_rpc_error(raised.value).metadata["trace_id"] == TRACE
