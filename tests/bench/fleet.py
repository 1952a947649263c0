"""Simulates many routers and models: `python -m tests.bench.fleet`. What breaks first, at which load?

The caches are simulated query by query; the rest is arithmetic on measured costs, which are arguments.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
from collections import OrderedDict
from dataclasses import dataclass

CACHE_QUERIES = 10_000
"""Queries that a scorer caches, by default."""
LATENCY_HALF_LIFE_S, LATENCY_POOL_CALLS = 600.0, 5.0
"""As in `services/router/pool/expected_latency.py`."""


class Lru:
    """A cache of the newest queries."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, None] = OrderedDict()

    def hit(self, query: int) -> bool:
        """Returns whether a query is cached, and caches it."""
        known = query in self._kept
        self._kept[query] = None
        self._kept.move_to_end(query)
        if len(self._kept) > CACHE_QUERIES:
            self._kept.popitem(last=False)
        return known


def hit_share(*, scorers: int, hashed: bool, asked: int = 80_000, seed: int = 1) -> float:
    """Returns the share of queries that are cached, in the second half of a run.

    A third of the queries are of a long tail that comes once; the others repeat by Zipf's law, over
    50,000 texts.

    Args:
        scorers: Scorers, each with a cache.
        hashed: True if a query always reaches the same one; False if calls take turns.
        asked: Queries of the run.
        seed: Seed of the draws.
    """
    draw = random.Random(seed)
    weights = list(itertools.accumulate(1 / rank for rank in range(1, 50_001)))
    repeated = draw.choices(range(50_000), cum_weights=weights, k=asked)
    caches = [Lru() for _ in range(scorers)]
    hits = 0
    for number, text in enumerate(repeated):
        query = text if draw.random() < 2 / 3 else -number
        place = hash((query, seed)) if hashed else number
        hit = caches[place % scorers].hit(query)
        hits += hit and number >= asked // 2
    return hits / (asked - asked // 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A fleet, and what one answer costs each part of it."""

    routers: int
    models: int
    replicas_per_model: int
    scorers: int
    calls_per_answer: float
    router_cpu_ms: float
    scorer_cpu_ms: float
    redis_cpu_us: float

    def limits(self) -> list[tuple[str, float]]:
        """Returns for each part the answers per second at which it is full."""
        return [
            ("Redis: one tenant, or all without a Cluster; one core", 1e6 / self.redis_cpu_us),
            ("Redis Cluster of three, many tenants", 3e6 / self.redis_cpu_us),
            (f"{self.routers} routers, one core each", 1e3 * self.routers / self.router_cpu_ms),
            (
                f"{self.scorers} scorers, one core each, nothing cached",
                1e3 * self.scorers / self.scorer_cpu_ms,
            ),
        ]

    def known_latencies(self, answers_per_s: float) -> float:
        """Returns the weight of a router's own calls in the expected latency of an average model."""
        pairs = self.routers * self.models
        rate = answers_per_s * self.calls_per_answer / pairs
        calls = rate * LATENCY_HALF_LIFE_S / 0.693
        return calls / (calls + LATENCY_POOL_CALLS)


def report(fleet: Fleet) -> str:
    """Returns the tables."""
    lines = ["| scorers | cached, calls take turns, % | cached, hashed, % |", "|---:|---:|---:|"]
    for count in (1, 4, 16, 64):
        shares = [100 * hit_share(scorers=count, hashed=hashed) for hashed in (False, True)]
        lines.append(f"| {count} | {shares[0]:.1f} | {shares[1]:.1f} |")
    lines += ["", "| part | full at, answers/s |", "|---|---:|"]
    for part, rate in sorted(fleet.limits(), key=lambda limit: limit[1]):
        lines.append(f"| {part} | {rate:,.0f} |")
    lines += [
        "",
        "| answers/s of the fleet | a router's own calls in a latency, % |",
        "|---:|---:|",
    ]
    for rate in (100, 1_000, 10_000):
        lines.append(f"| {rate:,} | {100 * fleet.known_latencies(rate):.0f} |")
    replicas = fleet.models * fleet.replicas_per_model
    lines += [
        "",
        "| what there is of it | one router | all routers |",
        "|---|---:|---:|",
        f"| watches of the API server, one namespace | 1 | {fleet.routers:,} |",
        f"| connections to replicas, at most, idle | {replicas:,} | {fleet.routers * replicas:,} |",
        f"| failed attempts until a dead replica is ejected | 3 | {3 * fleet.routers:,} |",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--routers", type=int, default=100)
    parser.add_argument("--models", type=int, default=1_000)
    parser.add_argument("--replicas-per-model", type=int, default=4)
    parser.add_argument("--scorers", type=int, default=16)
    parser.add_argument("--calls-per-answer", type=float, default=1.5)
    parser.add_argument("--router-cpu-ms", type=float, required=True, help="of one answer")
    parser.add_argument("--scorer-cpu-ms", type=float, required=True, help="of one ranking")
    parser.add_argument("--redis-cpu-us", type=float, default=83.0, help="of one answer, of many")
    sys.stdout.write(report(Fleet(**vars(parser.parse_args()))))
