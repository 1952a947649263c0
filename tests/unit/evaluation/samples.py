"""A pool of two models and four test records, small enough to work out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from routemoa.cli.evaluation.outcome import Outcome, Timing
from routemoa.cli.evaluation.replay_pool import Record, ReplayPool

if TYPE_CHECKING:
    from collections.abc import Sequence

CHEAP_USD = 0.001
DEAR_USD = 0.010


def record(number: int, task: str, cheap: float, dear: float) -> Record:
    return Record(
        id=str(number),
        task=task,
        query=f"Question {number}?",
        prompt_tokens=3,
        scores={"cheap": cheap, "dear": dear},
        responses={"cheap": f"cheap {number}", "dear": f"dear {number}"},
        costs_usd={"cheap": CHEAP_USD, "dear": DEAR_USD},
    )


TRAIN = (
    record(1, "maths", 0, 1),
    record(2, "maths", 0, 1),
    record(3, "law", 1, 1),
    record(4, "law", 1, 0),
)
TEST = (
    record(5, "maths", 1, 0),
    record(6, "maths", 0, 1),
    record(7, "law", 1, 1),
    record(8, "law", 0, 0),
)
POOL = ReplayPool(
    name="sample",
    models=("cheap", "dear"),
    train=TRAIN,
    test=TEST,
    records_file=Path("test.jsonl.gz"),
    responses_file=None,
)


def outcome(
    of: Record,
    *,
    first: str | None = "dear",
    score: float | None = 1.0,
    error: str | None = None,
    overhead_s: float = 0.002,
) -> Outcome:
    timing = Timing(total_s=1.0, scorer_s=0.01, judge_s=0.004, overhead_s=overhead_s)
    return Outcome(
        record=of,
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
