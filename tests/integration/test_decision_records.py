"""Every answer leaves one record, failed and abandoned ones too, and the ledger in it is true."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import Counter
from typing import TYPE_CHECKING

import grpc
import grpc.aio
import pytest

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from scorer.data.converters.decisions import convert
from scorer.data.records import read_records, write_records
from services.router.decision_records.config import RecordSettings
from services.router.decision_records.record import AnswerOutcome
from services.router.tuning import Tuning
from services.simulator import Call, CallOutcome, FaultKind, Pacing, Purpose
from tests.integration.decision_files import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from services.router.decision_records.record import DecisionRecord
    from tests.integration.conftest import RouterBench, StartRouter

SCORES = {"a": 0.7, "b": 0.65, "c": 0.6, "d": 0.2}
QUERY = "How many legs has a spider?"


def scripts_of(*names: str) -> dict[str, object]:
    def script(call: Call) -> str:
        if call.purpose is Purpose.AGGREGATION:
            return f"merged by {call.model} " + "word " * 40
        grades = {reference.label: 0.5 for reference in call.references}
        return call.assessed(f"{call.model} says {'eight ' * 20}", self_score=0.6, grades=grades)

    return dict.fromkeys(names, script)


async def start(
    start_router: StartRouter,
    folder: Path,
    *,
    keep_text: bool = False,
    hash_key_file: Path | None = None,
    **settings: object,
) -> RouterBench:
    records = RecordSettings(
        sink="files", dir=folder, keep_text=keep_text, hash_key_file=hash_key_file
    )
    return await start_router(scripts_of(*SCORES), SCORES, records=records, **settings)


async def the_record(folder: Path) -> DecisionRecord:
    (record,) = await wait_for(folder, 1)
    return record


def assert_reconciles(record: DecisionRecord, router: RouterBench) -> None:
    """The ledger has the calls that the backends saw, token by token where they said."""
    served = sorted(
        (call.model, call.prompt_tokens, call.completion_tokens) for call in router.simulator.calls
    )
    booked = sorted(
        (entry.model_id, entry.prompt_tokens, entry.completion_tokens) for entry in record.attempts
    )
    assert [model for model, *_ in booked] == [model for model, *_ in served]
    if not any(entry.estimated for entry in record.attempts):
        assert booked == served
    assert record.totals.attempt_count == len(record.attempts)
    assert record.totals.completion_tokens == sum(e.completion_tokens for e in record.attempts)
    assert record.totals.cost_usd == pytest.approx(sum(e.cost_usd for e in record.attempts))
    # The pool's prices in these tests: $1 and $2 per million tokens.
    assert record.totals.cost_usd == pytest.approx(
        sum(e.prompt_tokens + 2 * e.completion_tokens for e in record.attempts) / 1e6
    )


async def test_a_record_says_what_was_known_chosen_and_came_of_it(
    start_router: StartRouter, tmp_path: Path
) -> None:
    router = await start(start_router, tmp_path)
    result = await router.ask(QUERY)
    record = await the_record(tmp_path)
    assert result.decision_id == record.id
    assert record.outcome is AnswerOutcome.ANSWERED
    assert record.strategy == result.strategy
    assert record.tenant is None
    assert record.scorer_version == "scripted"
    assert record.uncertainty == result.uncertainty
    assert record.prior_scores == SCORES
    assert [layer.layer_number for layer in record.layers] == [1, 2]
    first = record.layers[0]
    assert [ranked.model_id for ranked in first.ranking] == ["a", "b", "c", "d"]
    assert [ranked.reason for ranked in first.ranking] == ["RANK", "RANK", "RANK", "SCORE_GAP"]
    assert list(first.selected_model_ids) == list(result.layers[0].selected_model_ids)
    assert {a.model_id: a.posterior_score for a in first.assessments} == {
        a.model_id: a.posterior_score for a in result.layers[0].assessments
    }
    assert record.stop_reason == "LAYER_LIMIT"
    assert record.final_model_id == result.answer.model_id
    assert record.policy["max_layer_count"] == 2
    assert record.totals.cost_usd == pytest.approx(result.cost_usd)
    assert record.timing.total_s > 0
    assert {entry.price_version for entry in result.usage} == {
        entry.price_version for entry in record.attempts
    }
    assert all(entry.price_version for entry in record.attempts)
    assert_reconciles(record, router)


async def test_a_record_says_that_a_model_had_a_guessed_score(
    start_router: StartRouter, tmp_path: Path
) -> None:
    scores = {m: s for m, s in SCORES.items() if m != "d"}
    router = await start_router(
        scripts_of(*SCORES), scores, records=RecordSettings(sink="files", dir=tmp_path)
    )
    await router.ask(QUERY)
    record = await the_record(tmp_path)
    assert record.prior_scores == {**scores, "d": pytest.approx(0.65, abs=0.1)}
    assert [(f.dependency, f.status, f.substitute) for f in record.fallbacks] == [
        ("SCORER", "UNKNOWN_MODELS", "MEAN_PRIOR")
    ]


async def test_no_text_is_written_unless_asked_for(
    start_router: StartRouter, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("0123456789abcdef\n")
    router = await start(start_router, tmp_path / "records", hash_key_file=key)
    await router.ask(QUERY)
    record = await the_record(tmp_path / "records")
    text = record.model_dump_json()
    assert "spider" not in text
    assert "says" not in text
    assert "merged" not in text
    assert record.query.character_count == len(QUERY)
    expected = hmac.new(b"0123456789abcdef", QUERY.encode(), hashlib.sha256).hexdigest()
    assert record.query.keyed_hash == expected


async def test_texts_are_written_when_asked_for(start_router: StartRouter, tmp_path: Path) -> None:
    router = await start(start_router, tmp_path, keep_text=True)
    result = await router.ask(QUERY)
    record = await the_record(tmp_path)
    assert record.query.text == QUERY
    assert record.query.keyed_hash is None
    assert record.final_text == result.answer.text
    assert {answer.text for answer in record.layers[0].answers} == {
        answer.text for answer in result.layers[0].answers
    }


async def test_a_record_names_its_tenant(start_router: StartRouter, tmp_path: Path) -> None:
    tenants = tmp_path / "tenants.yaml"
    tenants.write_text("trust_header: true\ntenants: [{id: support}]\n")
    router = await start(start_router, tmp_path / "records", tenants_file=tenants)
    request = pb.GenerateAnswerRequest(
        messages=[model_pb2.Message(role=model_pb2.ROLE_USER, content=QUERY)]
    )
    metadata = (("x-routemoa-tenant", "support"),)
    await router.stub.GenerateAnswer(request, timeout=10, metadata=metadata)
    assert (await the_record(tmp_path / "records")).tenant == "support"


async def test_without_a_sink_there_is_no_id(start_router: StartRouter) -> None:
    router = await start_router(scripts_of(*SCORES), SCORES)
    assert (await router.ask(QUERY)).decision_id == ""


async def test_an_answer_that_is_not_streamed_leaves_one_record(
    start_router: StartRouter, tmp_path: Path
) -> None:
    router = await start(start_router, tmp_path)
    request = pb.GenerateAnswerRequest(
        messages=[model_pb2.Message(role=model_pb2.ROLE_USER, content=QUERY)]
    )
    response = await router.stub.GenerateAnswer(request, timeout=10)
    record = await the_record(tmp_path)
    assert (record.id, record.outcome) == (response.decision_id, AnswerOutcome.ANSWERED)


async def test_a_failed_answer_leaves_a_record_with_its_reason(
    start_router: StartRouter, tmp_path: Path
) -> None:
    router = await start(start_router, tmp_path)
    for model in SCORES:
        router.simulator.set_fault(model, FaultKind.ERROR_500)
    with pytest.raises(grpc.aio.AioRpcError):
        await router.ask(QUERY)
    record = await the_record(tmp_path)
    assert record.outcome is AnswerOutcome.FAILED
    assert record.error_reason == "ERROR_REASON_GENERATION_FAILED"
    assert record.final_model_id is None
    assert {entry.status for entry in record.attempts} == {"BACKEND_ERROR"}


async def test_a_caller_that_leaves_is_in_the_record_with_what_was_used(
    start_router: StartRouter, tmp_path: Path
) -> None:
    router = await start(
        start_router, tmp_path, pacing=Pacing(tokens_per_second=20), tuning=Tuning(min_stage_s=0.01)
    )
    request = pb.StreamAnswerRequest(
        messages=[model_pb2.Message(role=model_pb2.ROLE_USER, content=QUERY)],
        policy=pb.RoutingPolicy(max_layer_model_count=1, max_layer_count=1),
    )
    call = router.stub.StreamAnswer(request, timeout=30)
    async for event in call:
        if event.HasField("delta"):
            break
    call.cancel()
    record = await the_record(tmp_path)
    assert record.outcome is AnswerOutcome.CANCELLED
    (entry,) = record.attempts
    assert (entry.model_id, entry.status, entry.estimated) == ("a", "CANCELLED", True)
    served = await router.simulator.wait_for_outcome("a", CallOutcome.CANCELLED)
    # What was under way when the caller left is unknown to one side; a piece has up to 7 characters,
    # and the router reckons a token for every 3.
    assert 0 < entry.completion_tokens <= 3 * served.completion_tokens
    assert record.totals.cost_usd > 0
    assert_reconciles(record, router)


async def test_calls_that_break_or_are_cut_off_reconcile_with_the_backends(
    start_router: StartRouter, tmp_path: Path
) -> None:
    router = await start(start_router, tmp_path)
    router.simulator.set_fault("a", FaultKind.DIE_MIDSTREAM)
    router.simulator.set_fault("b", FaultKind.STALL)
    await router.ask(QUERY, max_layer_count=1)
    record = await the_record(tmp_path)
    by_model = {entry.model_id: entry for entry in record.attempts if entry.purpose == "ANSWER"}
    assert by_model["a"].status == "INTERRUPTED"
    assert by_model["a"].estimated
    assert by_model["a"].completion_tokens > 0
    assert_reconciles(record, router)


async def test_traffic_becomes_records_that_a_scorer_can_learn_from(
    start_router: StartRouter, tmp_path: Path
) -> None:
    router = await start(start_router, tmp_path / "decisions", keep_text=True)
    for query in (QUERY, "How many legs has an ant?", QUERY):
        await router.ask(query)
    await wait_for(tmp_path / "decisions", 3)
    [file] = (tmp_path / "decisions").iterdir()
    write_records(tmp_path / "records.jsonl", convert([file], skipped=Counter()))
    records = {record.query: record for record in read_records(tmp_path / "records.jsonl")}
    assert records.keys() == {QUERY, "How many legs has an ant?"}
    assert records[QUERY].weight == 2
    for record in records.values():
        assert record.scores.keys() == {"a", "b", "c"}  # the models that ran
        assert record.costs_usd.keys() == record.latencies_s.keys() == record.scores.keys()
        assert min(record.completion_tokens.values()) > 0


async def test_a_sink_that_cannot_write_delays_no_answer(
    start_router: StartRouter, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a directory")
    tuning = Tuning(records_drain_timeout_s=0.1)
    router = await start(start_router, tmp_path / "file", tuning=tuning)
    async with asyncio.timeout(60):
        for _ in range(5):
            assert (await router.ask(QUERY)).decision_id
