"""A pool of two models and four test records, small enough to work out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.evaluation.answers.query_result import QueryResult, Timing
from services.evaluation.answers.recorded_pool import RecordedPool, RecordedQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

CHEAP_USD = 0.001
DEAR_USD = 0.010


def recorded_query(number: int, task: str, cheap: float, dear: float) -> RecordedQuery:
    return RecordedQuery(
        id=str(number),
        task=task,
        query=f"Question {number}?",
        prompt_tokens=3,
        scores={"cheap": cheap, "dear": dear},
        responses={"cheap": f"cheap {number}", "dear": f"dear {number}"},
        costs_usd={"cheap": CHEAP_USD, "dear": DEAR_USD},
    )


TRAIN = (
    recorded_query(1, "maths", 0, 1),
    recorded_query(2, "maths", 0, 1),
    recorded_query(3, "law", 1, 1),
    recorded_query(4, "law", 1, 0),
)
TEST = (
    recorded_query(5, "maths", 1, 0),
    recorded_query(6, "maths", 0, 1),
    recorded_query(7, "law", 1, 1),
    recorded_query(8, "law", 0, 0),
)
POOL = RecordedPool(
    name="sample",
    models=("cheap", "dear"),
    train=TRAIN,
    test=TEST,
    records_file=Path("test.jsonl.gz"),
    responses_file=None,
)


def result_of(
    query: RecordedQuery,
    *,
    first: str | None = "dear",
    score: float | None = 1.0,
    error: str | None = None,
    overhead_s: float = 0.002,
) -> QueryResult:
    timing = Timing(total_s=1.0, scorer_s=0.01, judge_s=0.004, overhead_s=overhead_s)
    return QueryResult(
        query=query,
        first_ranked_model=first,
        final_score=score,
        cost_usd=0.0 if error else 0.02,
        call_count=0 if error else 3,
        failed_call_count=0 if error else 1,
        layer_count=0 if error else 2,
        fallback_count=0,
        timing=None if error else timing,
        error_reason=error,
    )


def scores_of(values: Sequence[float] | None) -> list[float]:
    assert values is not None
    return list(values)
