"""Reads the router's result and looks up the recorded score of the final answer."""

from __future__ import annotations

import dataclasses

import pytest
from google.protobuf.duration_pb2 import Duration

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as router_pb2
from services.evaluation.answers.query_result import QueryResult, read_result
from tests.unit.evaluation.answers.samples import TEST

QUERY = TEST[0]  # cheap is right, dear is wrong


def milliseconds(count: int) -> Duration:
    return Duration(nanos=count * 1_000_000)


def result(text: str, model_id: str = "dear") -> router_pb2.GenerateAnswerResponse:
    statuses = (
        router_pb2.CALL_STATUS_OK,
        router_pb2.CALL_STATUS_CANCELLED,
        router_pb2.CALL_STATUS_TIMEOUT,
    )
    return router_pb2.GenerateAnswerResponse(
        answer=model_pb2.Answer(model_id=model_id, text=text),
        layers=[router_pb2.LayerReport(), router_pb2.LayerReport()],
        usage=[router_pb2.UsageEntry(status=status) for status in statuses],
        cost_usd=0.5,
        fallbacks=[router_pb2.Fallback()],
        timing=router_pb2.AnswerTiming(
            total_duration=milliseconds(100),
            scorer_duration=milliseconds(10),
            judge_duration=milliseconds(5),
            generation_duration=milliseconds(50),
            aggregation_duration=milliseconds(32),
        ),
    )


def test_calls_failures_fallbacks_layers_and_cost_are_counted() -> None:
    found = read_result(QUERY, "cheap", result("cheap 5"))
    assert (found.call_count, found.failed_call_count) == (3, 2)
    assert (found.layer_count, found.fallback_count, found.cost_usd) == (2, 1, 0.5)


def test_the_overhead_is_what_all_waits_leave_of_the_total() -> None:
    timing = read_result(QUERY, "cheap", result("cheap 5")).timing
    assert timing is not None
    assert timing.overhead_s == pytest.approx(0.003)
    assert (timing.scorer_s, timing.judge_s, timing.total_s) == (0.01, 0.005, 0.1)


@pytest.mark.parametrize(
    ("text", "score"),
    [("cheap 5", 1.0), ("\ndear 5 ", 0.0), ("something else", None), ("", None)],
)
def test_a_final_text_scores_what_the_same_recorded_answer_scored(
    text: str, score: float | None
) -> None:
    found = read_result(QUERY, "cheap", result(text))
    assert found.final_score == score
    assert found.is_unmatched == (score is None)


@pytest.mark.parametrize(("author", "score"), [("dear", 0.0), ("cheap", 1.0), ("other", 1.0)])
def test_of_equal_recorded_answers_the_authors_own_counts(author: str, score: float) -> None:
    query = dataclasses.replace(QUERY, responses={"cheap": "same", "dear": "same"})
    assert read_result(query, "cheap", result("same", author)).final_score == score


def test_an_empty_recording_is_not_matched_by_an_empty_answer() -> None:
    query = dataclasses.replace(QUERY, responses={"cheap": "", "dear": " "})
    assert read_result(query, "cheap", result("")).final_score is None


def test_a_failed_query_has_no_answer_but_may_have_a_first_rank() -> None:
    found = QueryResult(query=QUERY, first_ranked_model="cheap", error_reason="FAILED")
    assert (found.final_score, found.timing, found.is_unmatched) == (None, None, False)
    assert found.first_ranked_score == 1.0
    assert dataclasses.replace(found, first_ranked_model=None).first_ranked_score == 0.0
