from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import INVALID_SPAN, StatusCode, TraceFlags

from services.rpc.tracing.export import TracingProblemError, exported_traces, is_on
from services.rpc.tracing.origin import current, ids
from services.rpc.tracing.propagation import call_headers, remote_span, trace_headers
from services.rpc.tracing.spans import begin_call, stage, start_span, use_tracer

if TYPE_CHECKING:
    from collections.abc import Iterator

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317"}


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


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        PARENT[:-3],
        PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        PARENT.replace("00f067aa0ba902b7", "0" * 16),
        "ff" + PARENT[2:],
        PARENT + "\r\nx-evil: 1",
        "0" * 100_000,
    ],
)
def test_a_traceparent_that_does_not_keep_to_the_standard_counts_as_absent(header: str) -> None:
    assert trace_headers(remote_span(header)) == ()


def test_a_callers_trace_is_passed_on_as_it_is() -> None:
    assert trace_headers(remote_span(PARENT, "vendor=1")) == (
        ("traceparent", PARENT),
        ("tracestate", "vendor=1"),
    )


def test_a_tracestate_that_is_too_long_is_left_out() -> None:
    assert trace_headers(remote_span(PARENT, "v=" + "1" * 600)) == (("traceparent", PARENT),)


@pytest.mark.parametrize(
    ("variables", "on"),
    [
        ({}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4317"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "true"}, False),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, True),
        ({"OTEL_TRACES_SAMPLER": "always_on"}, False),
    ],
)
def test_an_endpoint_turns_tracing_on(variables: dict[str, str], on: bool) -> None:  # a column
    assert is_on(variables) is on


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER must be otlp or none"),
        (
            ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
            "OTEL_EXPORTER_OTLP_PROTOCOL must be grpc",
        ),
    ],
)
def test_what_there_is_no_exporter_for_is_refused(variables: dict[str, str], named: str) -> None:
    with pytest.raises(TracingProblemError, match=named):
        is_on(variables)


async def test_without_the_packages_the_operator_reads_which_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.grpc.trace_exporter", None)
    with pytest.raises(TracingProblemError, match=r"routemoa\[otel\]"):
        async with exported_traces("test"):
            pass


@pytest.mark.parametrize("service", ["gateway", "judge", "router", "scorer"])
def test_a_service_without_traces_does_not_load_the_sdk(service: str) -> None:
    # The client of Redis loads the SDK of metrics where it is installed.
    code = (
        f"import sys, services.{service}.app, services.rpc.server\n"
        "print([m for m in sys.modules if m.startswith(('opentelemetry.sdk.trace', "
        "'opentelemetry.exporter'))])"
    )
    done = subprocess.run(  # noqa: S603  # our own interpreter and code
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_with_tracing_off_no_span_is_made_and_the_callers_is_the_parent_of_calls() -> None:
    origin = begin_call("call", "r-1", traceparent=PARENT)
    with stage("stage") as span:
        assert span is origin.span
        assert start_span("inner", span) is span
        headers = dict(call_headers(current().request_id, span))
    assert headers == {"x-request-id": "r-1", "traceparent": PARENT}
    assert begin_call("call", "r-2").span is INVALID_SPAN
    assert dict(call_headers(current().request_id, current().span)) == {"x-request-id": "r-2"}


async def test_stages_nest_and_tasks_go_under_the_stage_that_started_them(
    exporter: InMemorySpanExporter,
) -> None:
    async def work() -> None:
        start_span("work", current().span).end()

    origin = begin_call("call", "r-1", traceparent=PARENT)
    with stage("outer"), stage("inner"):
        await asyncio.create_task(work())
    assert current() is origin
    origin.span.end()
    spans = {span.name: span for span in exporter.get_finished_spans()}
    parents = {name: span.parent.span_id if span.parent else None for name, span in spans.items()}
    assert parents == {
        "call": 0x00F067AA0BA902B7,
        "outer": spans["call"].context.span_id,
        "inner": spans["outer"].context.span_id,
        "work": spans["inner"].context.span_id,
    }


def test_a_stage_that_fails_has_the_kind_of_the_error_and_not_its_text(
    exporter: InMemorySpanExporter,
) -> None:
    begin_call("call", "r-1")
    with pytest.raises(ValueError, match="secret"), stage("stage"):
        raise ValueError("a secret")
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert "secret" not in span.to_json()
    assert (span.attributes or {})["error.type"] == "ValueError"
    assert span.events == ()


def test_a_call_that_is_not_sampled_asks_the_sampler_once() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    use_tracer(provider.get_tracer("tests"))
    try:
        origin = begin_call("call", "r-1")
        with stage("stage") as span:
            assert span is origin.span
        assert origin.exemplar is None
        assert ids()["trace_id"] == origin.trace_id != ""
        flags = dict(call_headers(origin.request_id, span))["traceparent"].rpartition("-")[2]
        assert int(flags, 16) & TraceFlags.SAMPLED == 0
    finally:
        use_tracer(None)
        provider.shutdown()
    assert exporter.get_finished_spans() == ()
