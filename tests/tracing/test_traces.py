"""Traces of answers through all services, as processes, in OpenTelemetry's collector.

`make test-tracing` builds the collector; where it is not, a receiver in the tests takes its place.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.toolchain import is_required
from tests.tracing.receivers import COLLECTOR, running_collector, running_receiver
from tests.tracing.spans import orphans, shape
from tests.tracing.traced_stack import ANSWERS, MODELS, PARENT, QUESTION, traced_stack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.tracing.spans import Received, ReceivedSpan

pytestmark = pytest.mark.timeout(900)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
GATEWAY, ROUTER = "routemoa-gateway", "routemoa-router"
WHOLE = Counter(
    {
        (GATEWAY, "POST /v1/chat/completions"): 1,
        (ROUTER, "routemoa.v1.RouterService/StreamAnswer"): 1,
        (ROUTER, "call scorer"): 1,
        ("routemoa-scorer", "routemoa.v1.ScorerService/RankModels"): 1,
        (ROUTER, "layer 1"): 1,
        (ROUTER, "call judge"): 1,
        ("routemoa-judge", "routemoa.v1.JudgeService/AssessAnswers"): 1,
        (ROUTER, "aggregate"): 1,
    }
)
"""The spans of an answer, those of calls to models aside."""


@asynccontextmanager
async def destination(folder: Path) -> AsyncIterator[tuple[str, Received]]:
    """Runs the collector if it was built, or else the receiver; yields its endpoint."""
    if COLLECTOR.exists() or is_required():
        async with running_collector(folder) as found:
            yield found
    else:
        async with running_receiver() as found:
            yield found


def is_whole(trace: list[ReceivedSpan], reply: dict[str, Any]) -> bool:
    """Returns whether a trace has the spans of an answer, and one for each attempt of its ledger.

    An entry without tokens is of a call that was stopped before its first attempt.
    """
    attempts = [span.attributes for span in trace if span.name.startswith("chat ")]
    others = shape(span for span in trace if not span.name.startswith("chat "))
    spans = Counter(
        (a["routemoa.model_id"], a["routemoa.attempt.purpose"], a["routemoa.attempt.status"])
        for a in attempts
    )
    entries = Counter(
        (call["model"], call["purpose"].upper(), call["status"].upper())
        for call in reply["routemoa"]["calls"]
        if call["prompt_tokens"]
    )
    return others == WHOLE and spans == entries


async def test_an_answer_through_all_services_is_one_whole_trace_of_its_caller(
    tmp_path: Path,
) -> None:
    async with destination(tmp_path) as (endpoint, received):
        async with traced_stack(tmp_path, endpoint) as traced:
            reply = await traced.ask(TRACE)
        spans = await received.until(lambda _: is_whole(received.trace(TRACE), reply))
    trace = received.trace(TRACE)
    assert len(spans) == len(trace)
    assert not orphans(trace, roots=[PARENT])
    names = {span.span_id: span.name for span in trace}
    parents = {span.name: names.get(span.parent_id) for span in trace}
    answer = "routemoa.v1.RouterService/StreamAnswer"
    assert parents[answer] == "POST /v1/chat/completions"
    assert parents["layer 1"] == parents["aggregate"] == parents["call judge"] == answer
    assert parents["routemoa.v1.ScorerService/RankModels"] == "call scorer"
    assert parents["routemoa.v1.JudgeService/AssessAnswers"] == "call judge"
    stages = {names[span.parent_id] for span in trace if span.name.startswith("chat ")}
    assert stages == {"layer 1", "aggregate"}
    said = repr(trace)
    assert not [text for text in (QUESTION, *ANSWERS) if text in said]
    # The backends are part of the trace, each under the span of its attempt.
    attempts = {span.span_id for span in trace if span.name.startswith("chat ")}
    sent = [headers for backend in traced.backends for headers in backend.headers]
    assert {headers["traceparent"].split("-")[2] for headers in sent} == attempts
    assert {headers["traceparent"].split("-")[1] for headers in sent} == {TRACE}
    assert {headers["x-request-id"] for headers in sent} == {f"request-{TRACE}"}


async def test_the_spans_of_attempts_keep_to_the_conventions(tmp_path: Path) -> None:
    async with destination(tmp_path) as (endpoint, received):
        async with traced_stack(tmp_path, endpoint) as traced:
            reply = await traced.ask(TRACE)
        await received.until(lambda _: is_whole(received.trace(TRACE), reply))
    attempt = next(span for span in received.trace(TRACE) if span.name == f"chat {MODELS[0]}")
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": MODELS[0],
        "gen_ai.request.stream": True,
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 4,
        "gen_ai.response.finish_reasons": ["stop"],
        "server.address": "127.0.0.1",
        "routemoa.attempt.kind": "FIRST",
        "routemoa.attempt.status": "OK",
        "routemoa.replica": 0,
    }
    assert expected.items() <= attempt.attributes.items()
    assert attempt.kind == 3  # CLIENT
    assert not attempt.failed
    assert 0 < attempt.attributes["gen_ai.response.time_to_first_chunk"] < 60
    answer = next(s for s in received.trace(TRACE) if s.name.endswith("/StreamAnswer"))
    assert answer.attributes["routemoa.strategy"] == "layers"
    assert answer.attributes["routemoa.cost_usd"] > 0
    assert answer.start_ns <= attempt.start_ns < attempt.end_ns <= answer.end_ns


async def many_answers(folder: Path, count: int, *, callers: int = 16) -> None:
    """Asks under load, stops all services at once, and checks that every trace is whole."""
    replies: dict[str, dict[str, Any]] = {}
    ids = [f"{number:032x}" for number in range(1, count + 1)]
    async with (
        destination(folder) as (endpoint, received),
        traced_stack(folder, endpoint) as traced,
    ):
        left = iter(ids)

        async def ask() -> None:
            for trace_id in left:
                replies[trace_id] = await traced.ask(trace_id)

        await asyncio.gather(*(ask() for _ in range(callers)))
    # The services have ended, and then the collector, which sends what it has: the rest is lost.
    assert not orphans(received.spans, roots=[PARENT])
    by_trace: dict[str, list[ReceivedSpan]] = {}
    for span in received.spans:
        by_trace.setdefault(span.trace_id, []).append(span)
    assert by_trace.keys() == set(ids)
    assert [each for each in ids if not is_whole(by_trace[each], replies[each])] == []


async def test_of_200_answers_under_load_no_span_is_lost_or_an_orphan(tmp_path: Path) -> None:
    await many_answers(tmp_path, 200)


@pytest.mark.slow
async def test_of_1000_answers_under_load_no_span_is_lost_or_an_orphan(tmp_path: Path) -> None:
    await many_answers(tmp_path, 1000)


async def test_what_a_caller_does_not_sample_has_no_spans_and_is_passed_on_all_the_same(
    tmp_path: Path,
) -> None:
    async with destination(tmp_path) as (endpoint, received):
        async with traced_stack(tmp_path, endpoint) as traced:
            await traced.ask(TRACE, flags="00")
            reply = await traced.ask("ab" * 16)
        await received.until(lambda _: is_whole(received.trace("ab" * 16), reply))
    assert not received.trace(TRACE)
    headers = [h for b in traced.backends for h in b.headers if TRACE in h["traceparent"]]
    assert len(headers) == 3
    assert {h["traceparent"].split("-")[3] for h in headers} == {"00"}


async def test_a_collector_that_is_away_costs_no_answer_and_the_log_says_so(
    tmp_path: Path,
) -> None:
    async with traced_stack(tmp_path, "http://127.0.0.1:1", OTEL_BSP_SCHEDULE_DELAY="50") as traced:
        for _ in range(3):
            await traced.ask(TRACE)
        router = next(child for child in traced.stack.children if child.name == "router")
        async with asyncio.timeout(120):
            while b"tracing_problem" not in router.log_file.read_bytes():  # noqa: ASYNC110
                await asyncio.sleep(0.1)
