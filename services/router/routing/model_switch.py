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

from services.router.routing.ranking import rates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.routing.candidates import Ranked
    from services.router.routing.policy import Policy

MAX_EXPECTED_TURNS = 20
"""Most further turns that a saving is counted for."""


def expected_turns(answer_count: int) -> int:
    """Returns the expected number of turns from now on, after so many answers."""
    return max(1, min(answer_count, MAX_EXPECTED_TURNS))


def saved_usd(kept: Ranked, other: Ranked, turns: int) -> float:
    """Returns the dollars that a switch saves over some turns, this one first; negative for a loss."""
    now = kept.candidate.expected_cost_usd - other.candidate.expected_cost_usd
    later = kept.candidate.later_cost_usd - other.candidate.later_cost_usd
    return now + (turns - 1) * later


def stays(ranked: Sequence[Ranked], model_id: str | None) -> Ranked | None:
    """Returns the model of a conversation if it may run now; None if not, or if there is none."""
    return next((r for r in ranked if r.model_id == model_id and r.candidate.available), None)


def better_model(
    ranked: Sequence[Ranked], kept: Ranked, policy: Policy, turns: int
) -> Ranked | None:
    """Returns the model that a conversation should switch to; None if it stays with its model.

    Args:
        ranked: The eligible models, best first.
        kept: The model of the conversation, one of them.
        policy: The request's weights and limits.
        turns: The expected number of turns from now on.
    """
    per_usd = rates([r.candidate for r in ranked], policy).per_usd

    def gain(other: Ranked) -> float:
        quality = other.quality - kept.quality
        latency = other.latency_penalty - kept.latency_penalty
        return quality - latency + per_usd * saved_usd(kept, other, turns)

    worthwhile = [
        other
        for other in ranked
        if other is not kept
        and other.candidate.available
        and policy.allows_latency(other.candidate.expected_latency_s)
        and (
            gain(other) > policy.price_band
            or (gain(other) >= -policy.price_band and saved_usd(kept, other, turns) > 0)
        )
    ]
    return max(worthwhile, key=gain, default=None)
