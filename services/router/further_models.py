"""The models that a layer left out: they run beside the layer's own while nobody has answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.engine.reservations import reserve_extra

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.router.engine.layer_outcome import Proposal
    from services.router.engine.run import Run
    from services.router.pool.pool import PoolModel
    from services.router.routing.events import RoutingDecision


def further_models(run: Run, decision: RoutingDecision) -> list[PoolModel]:
    """Returns the models that a layer left out and that may run, best first."""
    asked = run.posteriors if run.independent else ()
    return [
        run.pool.by_id[ranked.model_id]
        for ranked in decision.ranked
        if ranked.model_id not in decision.selected_model_ids
        and ranked.model_id not in asked
        and ranked.candidate.available
        and run.policy.allows_latency(ranked.candidate.expected_latency_s)
    ]


def drained(models: list[PoolModel]) -> Iterator[PoolModel]:
    """Takes the models out of a list, one after the other, so that nobody else can."""
    while models:
        yield models.pop(0)


async def reserve_next(run: Run, proposals: Iterator[Proposal], count: int) -> list[Proposal]:
    """Returns the next proposals for which there is room, up to a count, with that room reserved."""
    reserved: list[Proposal] = []
    while len(reserved) < count and (proposal := next(proposals, None)) is not None:
        if await reserve_extra(run, proposal.call):
            reserved.append(proposal)
    return reserved
