"""`self-moa`: several samples of the model that ranks first, merged by that model.

Self-MoA (arXiv 2502.00674): where one model is much better than the rest, its own samples are better
references than other models' answers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.router.engine.planner import further_models, plan_best, plan_models
from services.router.engine.proposals import plain_proposal
from services.router.routing.candidates import SelectionReason, StopReason
from services.router.strategies.layered import Layered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.router.engine.engine import Engine
    from services.router.engine.proposals import Proposal
    from services.router.engine.run import Run
    from services.router.pool.model import PoolModel
    from services.router.routing.events import LayerReport, RoutingDecision

SAMPLING_TEMPERATURE = 0.7
"""The default temperature of the mixture of agents' reference code, on which Self-MoA builds."""
_SEEDS = 2**63
"""Seeds are below it."""


class SelfMoA(Layered):
    """screen -> sample the best model, or the next best if that fails -> aggregate."""

    end = StopReason.COMPLETE

    def plan(self, run: Run) -> RoutingDecision | StopReason:
        """Returns as many calls of the best model as the limits allow."""
        if run.answers:
            return StopReason.COMPLETE
        best = plan_best(run, 1)
        if isinstance(best, StopReason):
            return best
        (model_id,) = best.selected_model_ids
        safe = best.reasons.get(model_id) is SelectionReason.SAFE
        reason = SelectionReason.SAFE if safe else SelectionReason.STRATEGY
        wanted = [model_id] * _sample_count(run, run.pool.by_id[model_id])
        return plan_models(run, best.ranked, wanted, reason)

    async def layer(self, run: Run, engine: Engine, decision: RoutingDecision) -> LayerReport:
        """Samples the model."""
        model = run.pool.by_id[decision.selected_model_ids[0]]
        samples = len(decision.selected_model_ids)
        proposals = list(_samples(run, model, samples))
        further = (
            proposal
            for other in further_models(run, decision)
            for proposal in _samples(run, other, samples)
        )
        outcome = await engine.propose(
            run, proposals, stages_left=run.layers_left + 1, further=further
        )
        run.answers = outcome.answers
        return engine.report(run, decision, outcome)

    def aggregators(self, run: Run) -> Sequence[PoolModel]:
        """Returns the sampled model, which reads its own samples best."""
        return [run.pool.by_id[answer.model_id] for answer in run.answers[:1]]


def _sample_count(run: Run, model: PoolModel) -> int:
    """Returns the number of samples: one if the caller's temperature makes all of them the same."""
    if run.conversation.options.temperature == 0 and not model.shape.fixed_temperature:
        return 1
    return run.policy.max_layer_model_count


def _samples(run: Run, model: PoolModel, count: int) -> Iterator[Proposal]:
    """Yields requests to a model, at `SAMPLING_TEMPERATURE` unless the caller sets another one.

    Each has a seed of its own, counted on from the caller's: with one seed, all would be the same.
    """
    sampled = model.model_copy(update={"temperature": SAMPLING_TEMPERATURE})
    for number in range(count):
        proposal = plain_proposal(run, sampled)
        options = proposal.call.options
        if options.seed is not None and number:
            seed = (options.seed + number) % _SEEDS
            proposal.call.options = replace(options, seed=seed)
        yield proposal
