"""Says for a person why a model stands where it does in a ranking, and whether it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.router.routing.ranking import Ranked
    from services.router.routing.selection import SelectionReason

_NEGLIGIBLE = 0.005
"""What is shown as 0.00 is left out."""


def explain(ranked: Ranked, reason: SelectionReason | None) -> str:
    """Returns e.g. "0.81 likely to answer well, 0.02 less for its price; runs, for its rank"."""
    candidate = ranked.candidate
    parts = [f"{candidate.score:.2f} likely to answer well"]
    if candidate.score != candidate.prior_score:
        parts[0] += f" (before it ran: {candidate.prior_score:.2f})"
    if abs(ranked.quality - candidate.score) >= _NEGLIGIBLE:
        parts.append(f"weighted {ranked.quality:.2f}")
    if ranked.cost_penalty >= _NEGLIGIBLE:
        parts.append(f"{ranked.cost_penalty:.2f} less for its price")
    if ranked.latency_penalty >= _NEGLIGIBLE:
        parts.append(f"{ranked.latency_penalty:.2f} less for its latency")
    clauses = [", ".join(parts)]
    if ranked.leads_by_price:
        clauses.append("before one about as good that costs more")
    if reason is not None:
        clauses.append(reason.value)
    return "; ".join(clauses)
