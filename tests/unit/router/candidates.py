"""Models to rank and policies to rank them by: plain ones, and any."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from services.router.routing import ranking
from services.router.routing.candidates import Candidate, Candidates
from services.router.routing.policy import Policy
from services.router.types.amounts import Amount, nano_usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.routing.candidates import Ranking

POLICY = Policy(
    strategy="routemoa",
    quality_weight=1.0,
    usd_per_right_answer=None,
    seconds_per_right_answer=None,
    cost_weight=None,
    latency_weight=None,
    max_layer_model_count=3,
    max_layer_count=2,
    stopping_score=0.8,
    max_score_gap=1.0,
    price_band=0.0,
    max_uncertainty=1.0,
    max_expected_latency_s=None,
    max_cost_usd=None,
    max_call_count=10,
    max_token_count=None,
    exploration_share=0.0,
    kept_answer_count=2,
    model_ids=frozenset(),
)


def rank(models: Sequence[Candidate], policy: Policy) -> Ranking:
    return ranking.rank(Candidates.of(models), policy)


def candidate(
    model_id: str, score: float, cost: float = 0.0, latency: float = 1.0, tokens: int = 100
) -> Candidate:
    return Candidate(
        model_id=model_id,
        score=score,
        prior_score=score,
        expected_completion_tokens=tokens // 2,
        expected_cost_usd=cost,
        worst=Amount(1, tokens, nano_usd(cost * 2)),
        expected_latency_s=latency,
    )


unit = st.floats(0, 1)
bands = st.just(0.0) | st.floats(0.001, 1)
any_candidates = st.lists(
    st.builds(
        candidate,
        model_id=st.text(min_size=1, max_size=4),
        score=unit,
        cost=st.floats(0, 100, allow_subnormal=False),
        latency=st.floats(0.01, 100),
        tokens=st.integers(2, 10_000),
    ),
    max_size=8,
    unique_by=lambda c: c.model_id,
)
any_policies = st.builds(
    lambda q, c, w, k, gap, band: replace(
        POLICY,
        quality_weight=q,
        cost_weight=c,
        latency_weight=w,
        max_layer_model_count=k,
        max_score_gap=gap,
        price_band=band,
    ),
    unit,
    unit,
    unit,
    st.integers(1, 16),
    unit,
    bands,
)
