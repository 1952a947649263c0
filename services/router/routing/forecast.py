"""What is expected of a query's models beside their scores, before any of them runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Fixed for the whole answer, so that only evidence of it can re-order its models."""

    completion_tokens: Mapping[str, int] = field(default_factory=dict)
    """Expected tokens of a reply to this query, of the models of which the scorer knows them."""
    latency_s: Mapping[str, float] = field(default_factory=dict)
    """How long a call is expected to take, by model."""
    unavailable_ids: frozenset[str] = frozenset()
    """Models without a replica, as long as there are others."""
    team_ids: tuple[str, ...] = ()
    """Models that complement one another, the best first; empty if the scorer named none."""
    uncertainty: float = 0.0
    """How little the ranking is to be relied on, in [0, 1]."""
    scorer_version: str | None = None
    """The artifact that ranked; None if the scorer was not asked or was down."""
