"""Decides if a conversation stays with its model: the gain of a switch against the lost cache. Pure.

A switch costs once what the prompt costs without its cache. It may gain a likelier answer to this
query, and a cheaper call now and in every later turn. It is worthwhile if, on the utility's scale,

    w_q * (score gap) - (latency gap) / seconds_per_right_answer
    + (dollars saved) / usd_per_right_answer

is more than the price band; within the band, if it saves dollars. A conversation is expected to go
on for as many turns as it has had, since nothing else is known of its length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.router.routing.ranking import rates

if TYPE_CHECKING:
    from services.router.routing.candidates import Candidates, Floats, Ranked, Ranking
    from services.router.routing.policy import Policy

MAX_EXPECTED_TURNS = 20
"""Most further turns that a saving is counted for."""


def expected_turns(answer_count: int) -> int:
    """Returns the expected number of turns from now on, after so many answers."""
    return max(1, min(answer_count, MAX_EXPECTED_TURNS))


def saved_usd(kept: Ranked, candidates: Candidates, turns: int) -> Floats:
    """Returns the dollars that a switch to each model saves; negative for a loss.

    Args:
        kept: The model of the conversation.
        candidates: The models that it may switch to.
        turns: The turns that are counted, this one first.
    """
    now = kept.candidate.expected_cost_usd - candidates.expected_cost_usd
    later = kept.candidate.later_cost_usd - candidates.later_cost_usd
    saved: Floats = now + (turns - 1) * later
    return saved


def stays(ranked: Ranking, model_id: str | None) -> Ranked | None:
    """Returns the model of a conversation if it may run now; None if not, or if there is none."""
    if model_id is None or model_id not in ranked.model_ids:
        return None
    kept = ranked[ranked.model_ids.index(model_id)]
    return kept if kept.candidate.available else None


def better_model(ranked: Ranking, kept: Ranked, policy: Policy, turns: int) -> Ranked | None:
    """Returns the model that a conversation should switch to; None if it stays with its model.

    Args:
        ranked: The eligible models, best first.
        kept: The model of the conversation, one of them.
        policy: The request's weights and limits.
        turns: The expected number of turns from now on.
    """
    candidates = ranked.candidates
    saved = saved_usd(kept, candidates, turns)
    quality = ranked.quality - kept.quality
    latency = ranked.latency_penalty - kept.latency_penalty
    gain = quality - latency + rates(candidates, policy).per_usd * saved
    worthwhile = (gain > policy.price_band) | ((gain >= -policy.price_band) & (saved > 0))
    worthwhile &= candidates.ready(policy.latency_limit_s)
    worthwhile[ranked.model_ids.index(kept.model_id)] = False
    if not worthwhile.any():
        return None
    return ranked[int(np.where(worthwhile, gain, -np.inf).argmax())]
