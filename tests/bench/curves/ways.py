"""The ways to answer recorded queries, each at several prices or sizes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean
from typing import TYPE_CHECKING

from routemoa.v1.router_service_pb2 import RoutingPolicy
from scorer.belief.curve import log_odds
from services.answer_key import answer_key
from services.evaluation.answers.pacing import ReplayPacing
from services.evaluation.answers.query_result import read_result
from services.router.contract.responses import result_message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from services.evaluation.answers.recorded_pool import RecordedPool, RecordedQuery
    from services.router.routing.events import Result
    from services.router.types.ledger import LedgerEntry
    from tests.bench.curves.in_process import LocalRouter

PACING = ReplayPacing(first_token_s=0.5, tokens_per_second=50, speedup=1)
DEFAULT = "default"
PRICES = (0.3, 0.1, 0.02, 0.005)
"""Dollars of a right answer, beside the default."""
SIZES = (3, 16)
"""Models of a layer, and of a vote."""
ORACLE, VOTE, SINGLES = "oracle", "vote by log odds", "models"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """All test queries, answered in one way."""

    way: str
    setting: str
    scores: list[float]
    costs_usd: list[float]
    seconds: list[float]
    """Simulated: of each call `PACING`, calls of a layer at once, layers one after the other."""
    calls: list[int]

    @property
    def name(self) -> str:
        """The way with its setting."""
        return f"{self.way}, {self.setting}"


def policies() -> Iterator[tuple[str, str, RoutingPolicy]]:
    """Yields strategy, setting and policy of every replay through the router."""
    for strategy in ("routemoa", "cascade", "single"):
        yield strategy, DEFAULT, RoutingPolicy(strategy=strategy)
        for usd in PRICES:
            policy = RoutingPolicy(strategy=strategy, usd_per_right_answer=usd)
            yield strategy, f"${usd:g}", policy
    for strategy in ("moa", "smoa"):
        for size in SIZES:
            policy = RoutingPolicy(strategy=strategy, max_layer_count=1, max_layer_model_count=size)
            yield strategy, f"{size} models", policy


async def replay(
    router: LocalRouter, pool: RecordedPool, way: str, setting: str, policy: RoutingPolicy
) -> Replayed:
    """Answers all test queries by the router."""
    results = [(q, await router.answer(q.query, policy)) for q in pool.test]
    read = [read_result(q, None, result_message(result)) for q, result in results]
    return Replayed(
        way=way,
        setting=setting,
        scores=[each.final_score or 0.0 for each in read],
        costs_usd=[each.cost_usd for each in read],
        seconds=[seconds_of(result) for _, result in results],
        calls=[each.call_count for each in read],
    )


def seconds_of(result: Result) -> float:
    """Returns the simulated time of an answer."""

    def stage(entry: LedgerEntry) -> tuple[int, str]:
        return entry.layer_number, entry.purpose.name

    stages = groupby(sorted(result.usage, key=stage), stage)
    return sum(max(map(_call_seconds, entries)) for _, entries in stages)


def _call_seconds(entry: LedgerEntry) -> float:
    return PACING.first_token_s + entry.completion_tokens / PACING.tokens_per_second


def without_router(pool: RecordedPool) -> Iterator[Replayed]:
    """Yields every model alone, votes of the best models, and the oracle."""
    means = {m: fmean(query.scores[m] for query in pool.train) for m in pool.models}
    best_first = sorted(means, key=lambda m: (-means[m], m))
    for model in best_first:
        yield _chosen(pool, SINGLES, model, [model] * len(pool.test))
    for size in dict.fromkeys(min(size, len(pool.models)) for size in (*SIZES, 99)):
        yield _voted(pool, f"{size} models", best_first[:size], means)
    yield _chosen(pool, ORACLE, "cheapest right", [_cheapest_right(pool, q) for q in pool.test])


def _chosen(pool: RecordedPool, way: str, setting: str, models: Sequence[str]) -> Replayed:
    pairs = list(zip(pool.test, models, strict=True))
    return Replayed(
        way=way,
        setting=setting,
        scores=[query.scores[model] for query, model in pairs],
        costs_usd=[query.costs_usd[model] for query, model in pairs],
        seconds=[PACING.reply_s(query.responses[model]) for query, model in pairs],
        calls=[1] * len(pairs),
    )


def _voted(
    pool: RecordedPool, setting: str, models: Sequence[str], means: Mapping[str, float]
) -> Replayed:
    chosen = [_elected(query, models, means) for query in pool.test]
    replies = [[PACING.reply_s(query.responses[m]) for m in models] for query in pool.test]
    return Replayed(
        way=VOTE,
        setting=setting,
        scores=[query.scores[m] for query, m in zip(pool.test, chosen, strict=True)],
        costs_usd=[sum(query.costs_usd[m] for m in models) for query in pool.test],
        seconds=[max(times) for times in replies],
        calls=[len(models)] * len(chosen),
    )


def _elected(query: RecordedQuery, models: Sequence[str], means: Mapping[str, float]) -> str:
    """Returns the best model among those whose answer has most log odds behind it."""
    groups: dict[str, list[str]] = defaultdict(list)
    for model in models:
        key = answer_key(query.responses[model])
        groups[f"{model}\0alone" if key is None else key].append(model)
    return max(groups.values(), key=lambda group: sum(log_odds(means[m]) for m in group))[0]


def _cheapest_right(pool: RecordedPool, query: RecordedQuery) -> str:
    return min(pool.models, key=lambda m: (-query.scores[m], query.costs_usd[m], m))
