"""Plans the next layer of a run: eligible -> ranked -> selected. Reads the run and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.router.engine.errors import nothing_eligible
from services.router.pool.call_estimates import candidates_of
from services.router.prompts.context_window import all_fit, fits, fitting, overhead_tokens
from services.router.prompts.reference_text import reference_text
from services.router.routing import selection as limits
from services.router.routing.candidates import SelectionReason, StopReason
from services.router.routing.events import RoutingDecision
from services.router.routing.model_switch import better_model, expected_turns, stays
from services.router.routing.ranking import early_stop, rank
from services.router.routing.selection import NOBODY, Selection, select, unavailable
from services.router.types.messages import Role
from services.router.types.tokens import estimate_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.router.engine.run import Run
    from services.router.pool.model import PoolModel
    from services.router.pool.pool import ModelSet
    from services.router.routing.candidates import Booleans, Candidates, Ranking
    from services.router.routing.events import Answer
    from services.router.types.amounts import Amount


def eligible(run: Run) -> ModelSet:
    """Returns the models that may run.

    They are allowed by the policy, can do what the request needs, have not failed, have a large enough
    context window, and can read at least one answer by another model.
    """
    models, out = _able(run), _out(run)
    return models.subset(~models.among(out)) if out else models


def incapable(run: Run) -> dict[str, SelectionReason]:
    """Returns the models that the policy allows and that lack a capability, with that reason."""
    models = run.pool.all_models
    unable = ~models.able(run.conversation.needs) & _allowed(run)
    return {
        models.ids[index]: SelectionReason.CAPABILITY for index in np.flatnonzero(unable).tolist()
    }


def rank_eligible(run: Run) -> Ranking:
    """Returns the eligible models by utility, best first."""
    models, out = _able(run), _out(run)
    candidates = _candidates(run, models)
    if out:
        candidates = candidates.ordered(np.flatnonzero(~models.among(out)))
    return rank(candidates, run.policy)


def stop_reason(run: Run, min_stage_s: float) -> StopReason | None:
    """Returns the reason why no further layer runs; None if one may run.

    Args:
        run: The run.
        min_stage_s: Least time left in which another layer is started.
    """
    reason = run.stop_reason
    if run.answers and reason is None:
        agreed = run.form.agree(run.answers)
        reason = early_stop(
            run.posteriors, agreed=agreed, layers_run=run.layers_run, policy=run.policy
        )
    if run.reports and run.deadline.remaining_s() < min_stage_s:
        return reason or StopReason.DEADLINE
    return reason


def select_layer(run: Run) -> tuple[Ranking, Selection]:
    """Returns the ranking and the selection of the next layer.

    Raises:
        NoEligibleModelError: The policy's limits leave no model for the first layer.
    """
    ranked = rank_eligible(run)
    best_score = max(run.posteriors.values(), default=0)
    if not run.reports and best_score >= run.policy.stopping_score:
        return ranked, Selection(model_ids=(), stop_reason=StopReason.SCORE)
    return ranked, _select(run, ranked, team_ids=run.forecast.team_ids, chosen=run.tried)


def plan_layer(run: Run) -> RoutingDecision | StopReason:
    """Returns the next layer by rank, or the reason why there is none; raises as `select_layer`."""
    ranked, selection = select_layer(run)
    return _decision(run, ranked, selection)


def plan_best(run: Run, count: int) -> RoutingDecision | StopReason:
    """Returns a layer of the first models of the ranking within the limits, or why there is none.

    Raises:
        NoEligibleModelError: The policy's limits leave no model for the first layer.
    """
    ranked = rank_eligible(run)
    # One model alone depends on its rank, so an uncertain ranking matters only then.
    chosen = _of_conversation(run, ranked) or run.tried
    selection = _select(run, ranked, count=count, may_be_safe=count == 1, chosen=chosen)
    return _decision(run, ranked, selection)


def plan_models(
    run: Run,
    ranked: Ranking,
    wanted: Sequence[str],
    reason: SelectionReason = SelectionReason.STRATEGY,
) -> RoutingDecision | StopReason:
    """Returns a layer of the wanted models, or the limit that leaves no room for any of them.

    Args:
        run: The run.
        ranked: The ranking that the choice was made from.
        wanted: Model ids, one call each, first ones first; an id may stand there more than once.
            Calls whose worst cases do not fit together with those before them are left out.
        reason: The reason that is reported for them.

    Raises:
        NoEligibleModelError: The policy's limits leave no model for the first layer.
    """
    worst_cases = [worst_case(run, run.pool.by_id[model_id]) for model_id in wanted]
    kept, limit = limits.fitting(worst_cases, run.left)
    if not kept and not run.ledger.entries:
        raise nothing_eligible(ranked, run.policy, limit)
    model_ids = tuple(wanted[index] for index in kept)
    reasons = unavailable(ranked) | dict.fromkeys(model_ids, reason)
    selection = Selection(model_ids=model_ids, stop_reason=None if kept else limit, reasons=reasons)
    return _decision(run, ranked, selection)


def plan_tool_turn(run: Run, min_stage_s: float) -> RoutingDecision | None:
    """Returns a layer of one model for the turn after a tool's result; None for an ordinary turn.

    The model that asked for the tool goes on, unless a switch gains more than the lost cache costs.
    """
    if not run.conversation.answers_tool:
        return None
    ranked = rank_eligible(run)
    for model_id, reason in _of_conversation(run, ranked).items():
        if blocking_limit(run, run.pool.by_id[model_id], min_stage_s) is None:
            planned = plan_models(run, ranked, [model_id], reason)
            return None if isinstance(planned, StopReason) else planned
    return None


def further_models(run: Run, decision: RoutingDecision) -> list[PoolModel]:
    """Returns the models that a layer left out and that may run, best first."""
    ranked = decision.ranked
    out = {*decision.selected_model_ids, *(run.posteriors if run.independent else ())}
    ready = ranked.candidates.ready(run.policy.latency_limit_s).tolist()
    by_id = run.pool.by_id
    return [
        by_id[model_id]
        for model_id, is_ready in zip(ranked.model_ids, ready, strict=True)
        if is_ready and model_id not in out
    ]


def blocking_limit(run: Run, model: PoolModel, min_stage_s: float) -> StopReason | None:
    """Returns the limit that leaves no room for one more call to a model; None if there is room."""
    if run.deadline.remaining_s() < min_stage_s:
        return StopReason.DEADLINE
    if model.id in run.failed or not fits(model, run.conversation):
        return StopReason.NO_MODEL
    return limits.blocking_limit(run.left, worst_case(run, model))


def worst_case(run: Run, model: PoolModel) -> Amount:
    """Returns the most that one call to a model can take, with the answers so far in its prompt."""
    _, worst_prompt = _prompt_tokens(run)
    return model.worst_case(worst_prompt, run.conversation.options.max_output_tokens)


def aggregators(run: Run, answers: Sequence[Answer]) -> tuple[PoolModel, ...]:
    """Returns the models that may merge answers: the pool's aggregator, then the best authors."""
    ids = [answer.model_id for answer in answers]
    chosen = run.pool.aggregator
    if chosen is not None and run.policy.allows(chosen):
        model = run.pool.by_id[chosen]
        if model.abilities >= run.conversation.needs:
            ids.insert(0, chosen)
    return tuple(run.pool.by_id[m] for m in dict.fromkeys(ids) if m not in run.failed)


def by_posterior(run: Run, answers: Sequence[Answer]) -> tuple[Answer, ...]:
    """Returns assessed answers by posterior score, best first; equals keep their order."""
    return tuple(sorted(answers, key=lambda answer: -run.posteriors[answer.model_id]))


def _select(
    run: Run,
    ranked: Ranking,
    *,
    count: int | None = None,
    may_be_safe: bool = True,
    team_ids: Sequence[str] = (),
    chosen: Mapping[str, SelectionReason] = NOBODY,
) -> Selection:
    uncertain = may_be_safe and run.forecast.is_uncertain(run.policy.max_uncertainty)
    safe_ids = run.pool.safe_models if uncertain else ()
    selection = select(
        ranked,
        run.policy,
        run.left,
        count=count,
        team_ids=team_ids,
        safe_ids=safe_ids,
        chosen=chosen,
    )
    if selection.stop_reason is not None and not run.ledger.entries:
        raise nothing_eligible(ranked, run.policy, selection.stop_reason)
    return selection


def _of_conversation(run: Run, ranked: Ranking) -> Mapping[str, SelectionReason]:
    """Returns the model that the conversation stays with or should switch to; empty for any."""
    kept = stays(ranked, run.kept_model_id)
    if kept is None:
        return NOBODY
    stays_with = {kept.model_id: SelectionReason.SESSION}
    if not kept.candidate.cached_prompt_tokens:
        # Without a cache there is nothing to lose, but a tool's result belongs to the model that asked.
        return stays_with if run.conversation.answers_tool else NOBODY
    if run.forecast.is_uncertain(run.policy.max_uncertainty):
        return stays_with
    answers = sum(message.role is Role.ASSISTANT for message in run.conversation.messages)
    better = better_model(ranked, kept, run.policy, expected_turns(answers))
    if better is None:
        return stays_with
    is_best = better is ranked[0]
    return {better.model_id: SelectionReason.RANK if is_best else SelectionReason.STRATEGY}


def _decision(run: Run, ranked: Ranking, selection: Selection) -> RoutingDecision | StopReason:
    if selection.stop_reason is not None:
        return selection.stop_reason
    return RoutingDecision(
        layer_number=len(run.reports) + 1,
        ranked=ranked,
        selected_model_ids=selection.model_ids,
        reasons={**selection.reasons, **incapable(run)},
        uncertainty=run.forecast.uncertainty,
    )


def _able(run: Run) -> ModelSet:
    """Returns the models that the policy allows and that can take the request."""
    models = run.pool.all_models
    mask = models.able(run.conversation.needs)
    if run.policy.model_ids:
        mask = mask & _allowed(run)
    if not all_fit(models, run.conversation):
        mask = mask & fitting(models, run.conversation)
    return models.subset(mask)


def _out(run: Run) -> set[str]:
    """Returns the models that failed, and one that could read nothing but its own answer."""
    authors = {answer.model_id for answer in run.answers}
    return run.failed | authors if len(authors) == 1 else run.failed


def _allowed(run: Run) -> Booleans:
    """Returns which models of the pool the policy allows."""
    models, allowed = run.pool.all_models, run.policy.model_ids
    return models.among(allowed) if allowed else np.ones(len(models), dtype=np.bool_)


def _candidates(run: Run, models: ModelSet) -> Candidates:
    prompt, worst_prompt = _prompt_tokens(run)
    return candidates_of(
        models,
        priors=run.priors,
        posteriors=run.posteriors,
        forecast=run.forecast,
        caches=run.prompt_caches,
        prompt_tokens=prompt,
        worst_prompt_tokens=worst_prompt,
        max_output_tokens=run.conversation.options.max_output_tokens,
    )


def _prompt_tokens(run: Run) -> tuple[int, int]:
    """Returns the expected tokens of the next prompt, and the most that it can have."""
    answers = run.readable
    prompt = run.conversation.tokens + sum(
        estimate_tokens(reference_text(answer)) for answer in answers
    )
    return prompt, prompt + overhead_tokens(len(answers))
