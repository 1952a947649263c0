"""The router and the baselines, each as scores, costs and latencies per query. Pure.

Baselines choose among the recorded answers, by train queries only; ``oracle`` alone sees the test
scores, and bounds every choice of one model.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from services.evaluation.answers.query_result import QueryResult
    from services.evaluation.answers.recorded_pool import RecordedPool, RecordedQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to answer the queries: score, cost and latency of each."""

    label: str
    scores: tuple[float, ...] | None
    """In [0, 1]; None for a method that gives no single answer."""
    costs_usd: tuple[float, ...] | None
    """None if the pool has no costs."""
    latencies_s: tuple[float, ...] | None = None
    """In simulated seconds; None if the models answer at once."""


def router_methods(pool: RecordedPool, results: Sequence[QueryResult]) -> tuple[Method, Method]:
    """Returns the router's final answers, and its first-ranked models alone."""
    speedup = pool.pacing.speedup if pool.pacing else None
    final = Method(
        label="final answer",
        scores=tuple(r.final_score or 0.0 for r in results),
        costs_usd=tuple(r.cost_usd for r in results) if pool.has_costs else None,
        latencies_s=tuple(speedup * r.timing.total_s if r.timing else 0.0 for r in results)
        if speedup
        else None,
    )
    first = Method(
        label="first-ranked model alone",
        scores=tuple(r.first_ranked_score for r in results),
        costs_usd=tuple(
            r.query.costs_usd[r.first_ranked_model] if r.first_ranked_model else 0.0
            for r in results
        )
        if pool.has_costs
        else None,
    )
    return final, first


def best_single_method(pool: RecordedPool, queries: Sequence[RecordedQuery]) -> Method:
    """Returns the one model with the best mean train score, for every query."""
    best = best_model(pool.models, pool.train)
    return _choice_method(f"best single model ({best})", pool, queries, lambda _: best)


def baseline_methods(pool: RecordedPool, queries: Sequence[RecordedQuery]) -> tuple[Method, ...]:
    """Returns best model per task, random model and oracle."""
    by_task = best_model_by_task(pool)
    fallback = best_model(pool.models, pool.train)
    per_task = _choice_method(
        "best model per task", pool, queries, lambda query: by_task.get(query.task, fallback)
    )
    chance = Method(
        label="random model (expected)",
        scores=tuple(fmean(query.scores[m] for m in pool.models) for query in queries),
        costs_usd=_costs(pool, queries, fmean),
    )
    oracle = _choice_method("oracle", pool, queries, lambda query: _oracle(pool, query))
    return (per_task, chance, oracle)


def whole_pool_method(pool: RecordedPool, queries: Sequence[RecordedQuery]) -> Method:
    """Returns one call to every model at once, without merging; it ends with the slowest."""
    reply_s = pool.pacing.reply_s if pool.pacing else None
    return Method(
        label="whole pool",
        scores=None,
        costs_usd=_costs(pool, queries, sum),
        latencies_s=tuple(max(reply_s(q.responses[m]) for m in pool.models) for q in queries)
        if reply_s
        else None,
    )


def best_model(models: Sequence[str], queries: Sequence[RecordedQuery]) -> str:
    """Returns the model with the best mean score; of equals, the first by name."""
    return min(models, key=lambda m: (-fmean(query.scores[m] for query in queries), m))


def best_model_by_task(pool: RecordedPool) -> Mapping[str, str]:
    """Returns each task's model with the best mean train score."""
    queries: dict[str, list[RecordedQuery]] = defaultdict(list)
    for query in pool.train:
        queries[query.task].append(query)
    return {task: best_model(pool.models, of_task) for task, of_task in queries.items()}


def _oracle(pool: RecordedPool, query: RecordedQuery) -> str:
    """Returns the cheapest of the models with the best answer to a query."""
    return min(pool.models, key=lambda m: (-query.scores[m], query.costs_usd.get(m, 0.0), m))


def _choice_method(
    label: str,
    pool: RecordedPool,
    queries: Sequence[RecordedQuery],
    choose: Callable[[RecordedQuery], str],
) -> Method:
    chosen = [(query, choose(query)) for query in queries]
    reply_s = pool.pacing.reply_s if pool.pacing else None
    return Method(
        label=label,
        scores=tuple(query.scores[model] for query, model in chosen),
        costs_usd=tuple(q.costs_usd[model] for q, model in chosen) if pool.has_costs else None,
        latencies_s=tuple(reply_s(q.responses[model]) for q, model in chosen) if reply_s else None,
    )


def _costs(
    pool: RecordedPool,
    queries: Sequence[RecordedQuery],
    combine: Callable[[Sequence[float]], float],
) -> tuple[float, ...] | None:
    if not pool.has_costs:
        return None
    return tuple(combine([query.costs_usd[m] for m in pool.models]) for query in queries)
