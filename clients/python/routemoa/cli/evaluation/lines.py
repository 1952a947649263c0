"""Ways to answer the same queries, each as one line of scores and costs. Pure.

Baselines choose among the recorded answers; what they choose by is known without the test records,
but for ``oracle``, which bounds what any choice of one model could reach.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from routemoa.cli.evaluation.outcome import Outcome
    from routemoa.cli.evaluation.replay_pool import Record, ReplayPool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One way to answer: its score and cost, query by query."""

    label: str
    scores: tuple[float, ...] | None
    """In [0, 1]; None where only the cost is of interest."""
    costs_usd: tuple[float, ...] | None
    """None where the pool has no costs."""
    latencies_s: tuple[float, ...] | None = None
    """In simulated seconds; None where the models answer at once."""


def router_lines(pool: ReplayPool, outcomes: Sequence[Outcome]) -> tuple[Line, Line]:
    """Returns what the router did: its final answers, and its first-ranked models alone."""
    final = Line(
        label="final answer",
        scores=tuple(outcome.final_score or 0.0 for outcome in outcomes),
        costs_usd=tuple(outcome.cost_usd for outcome in outcomes) if pool.has_costs else None,
        latencies_s=None
        if pool.pace is None
        else tuple(pool.pace.speedup * o.timing.total_s if o.timing else 0.0 for o in outcomes),
    )
    first = Line(
        label="first-ranked model alone",
        scores=tuple(outcome.first_ranked_score for outcome in outcomes),
        costs_usd=tuple(
            0.0 if o.first_ranked_model is None else o.record.costs_usd[o.first_ranked_model]
            for o in outcomes
        )
        if pool.has_costs
        else None,
    )
    return final, first


def best_single_line(pool: ReplayPool, records: Sequence[Record]) -> Line:
    """Returns the one model with the best mean train score, for every query."""
    best = best_model(pool.models, pool.train)
    return _choice_line(f"best single model ({best})", pool, records, lambda _: best)


def baseline_lines(pool: ReplayPool, records: Sequence[Record]) -> tuple[Line, ...]:
    """Returns best model per task, random model and oracle."""
    by_task = best_model_by_task(pool)
    fallback = best_model(pool.models, pool.train)
    per_task = _choice_line(
        "best model per task", pool, records, lambda record: by_task.get(record.task, fallback)
    )
    chance = Line(
        label="random model (expected)",
        scores=tuple(fmean(record.scores[m] for m in pool.models) for record in records),
        costs_usd=_costs(pool, records, fmean),
    )
    oracle = _choice_line("oracle", pool, records, lambda record: _oracle(pool, record))
    return (per_task, chance, oracle)


def whole_pool_line(pool: ReplayPool, records: Sequence[Record]) -> Line:
    """Returns one layer of all models together, without anybody who merges: it ends with the last."""
    pace = pool.pace
    return Line(
        label="whole pool",
        scores=None,
        costs_usd=_costs(pool, records, sum),
        latencies_s=None
        if pace is None
        else tuple(max(pace.reply_s(r.responses[m]) for m in pool.models) for r in records),
    )


def best_model(models: Sequence[str], records: Sequence[Record]) -> str:
    """Returns the model with the best mean score; of equals, the first by name."""
    return min(models, key=lambda m: (-fmean(record.scores[m] for record in records), m))


def best_model_by_task(pool: ReplayPool) -> Mapping[str, str]:
    """Returns each task's model with the best mean train score."""
    records: dict[str, list[Record]] = defaultdict(list)
    for record in pool.train:
        records[record.task].append(record)
    return {task: best_model(pool.models, of_task) for task, of_task in records.items()}


def _oracle(pool: ReplayPool, record: Record) -> str:
    """Returns the cheapest of the models that answer a query best."""
    return min(pool.models, key=lambda m: (-record.scores[m], record.costs_usd.get(m, 0.0), m))


def _choice_line(
    label: str, pool: ReplayPool, records: Sequence[Record], choose: Callable[[Record], str]
) -> Line:
    chosen = [(record, choose(record)) for record in records]
    return Line(
        label=label,
        scores=tuple(record.scores[model] for record, model in chosen),
        costs_usd=tuple(record.costs_usd[model] for record, model in chosen)
        if pool.has_costs
        else None,
        latencies_s=None
        if pool.pace is None
        else tuple(pool.pace.reply_s(record.responses[model]) for record, model in chosen),
    )


def _costs(
    pool: ReplayPool, records: Sequence[Record], combine: Callable[[Sequence[float]], float]
) -> tuple[float, ...] | None:
    if not pool.has_costs:
        return None
    return tuple(combine([record.costs_usd[m] for m in pool.models]) for record in records)
