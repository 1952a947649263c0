"""The state of one answer while its layers run, and what follows from it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from services.router.budgets.reservation import UNLIMITED
from services.router.engine.errors import no_answer, nothing_eligible
from services.router.engine.metrics import ANSWERS, BUDGET_SHARE, UNCERTAIN_QUERIES
from services.router.prompts.context_window import (
    INSTRUCTION_TOKENS,
    REFERENCE_OVERHEAD_TOKENS,
    fits,
)
from services.router.routing.events import UNCERTAIN, LayerReport, Result, RoutingDecision, Timing
from services.router.routing.forecast import Forecast
from services.router.routing.limits import fitting, lack
from services.router.routing.ranking import Candidate, Ranked, StopReason, early_stop, rank
from services.router.routing.selection import Selection, SelectionReason, select, unavailable
from services.router.types.amounts import NOTHING, Amount, nano_usd, used_by
from services.router.types.ledger import Ledger
from services.router.types.tokens import estimate_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routemoa.errors import AnswerTimedOutError, GenerationFailedError
    from services.router.budgets.reservation import Gate
    from services.router.engine.layer_outcome import LayerOutcome
    from services.router.engine.speculative_answer import Draft
    from services.router.pool.pool import Pool, PoolModel
    from services.router.routing.events import Answer, Assessment, Fallback
    from services.router.routing.policy import Policy
    from services.router.types.conversation import Conversation
    from services.router.types.deadline import Deadline
    from services.router.types.resource_limits import Caps


@dataclass(slots=True, kw_only=True)
class Run:
    """One answer in the making."""

    pool: Pool
    conversation: Conversation
    policy: Policy
    deadline: Deadline
    account: Gate = UNLIMITED
    """Admits every call before it is made."""
    started_s: float = field(default_factory=time.monotonic)
    priors: Mapping[str, float] = field(default_factory=dict)
    forecast: Forecast = field(default_factory=Forecast)
    posteriors: dict[str, float] = field(default_factory=dict)
    """Of models whose answer exists; no others ever get one."""
    failed: set[str] = field(default_factory=set)
    """Models that are not called again for this query; who was merely late is not among them."""
    ledger: Ledger = field(default_factory=Ledger)
    fallbacks: list[Fallback] = field(default_factory=list)
    reports: list[LayerReport] = field(default_factory=list)
    answers: tuple[Answer, ...] = ()
    """Of the newest layer that brought any, best posterior score first."""
    final: Answer | None = None
    """The final answer, once it is whole."""
    independent: bool = False
    """Whether models are called without sight of the answers so far."""
    draft: Draft | None = None
    """The final answer, begun before it is known to be needed."""
    stop_reason: StopReason | None = None
    timing: Timing = field(default_factory=Timing)

    @property
    def layers_run(self) -> int:
        """Layers that brought an answer."""
        return sum(bool(report.answers) for report in self.reports)

    @property
    def layers_left(self) -> int:
        """Layers that may still bring an answer."""
        return self.policy.max_layers - self.layers_run

    @property
    def left(self) -> Caps:
        """What may still be taken."""
        return self.policy.caps.less(sum(map(used_by, self.ledger.entries), NOTHING))

    @property
    def readable(self) -> tuple[Answer, ...]:
        """The answers that the next models read."""
        return () if self.independent else self.answers

    def eligible(self) -> tuple[PoolModel, ...]:
        """Returns who may run: allowed, not failed, able to hold the query, and with news to read."""
        return tuple(
            model
            for model in self.pool.models
            if (not self.policy.model_ids or model.id in self.policy.model_ids)
            and model.id not in self.failed
            and self._is_news_to(model)
            and fits(model, self.conversation)
        )

    def goes_on(self, min_layer_s: float) -> bool:
        """Says whether another layer may run; if not, `stop_reason` says why."""
        if self.final is not None:
            return False
        if self.answers and self.stop_reason is None:
            texts = [answer.text for answer in self.answers]
            self.stop_reason = early_stop(
                self.posteriors, texts, layers_run=self.layers_run, policy=self.policy
            )
        if self.reports and self.deadline.remaining_s() < min_layer_s:
            self.stop_reason = self.stop_reason or StopReason.DEADLINE
        return self.stop_reason is None

    def next_layer(self) -> RoutingDecision | None:
        """Picks the next layer by rank, or notes why there is none in `stop_reason`.

        Raises:
            NoEligibleModelError: The policy's limits leave no model for the first layer.
        """
        ranked, selection = self.route()
        self.stop_reason = selection.stop_reason
        return self._decision(ranked, selection)

    def best(self, count: int) -> RoutingDecision | None:
        """Returns a layer of the first of the ranking that keep the limits; see `decide`."""
        ranked = self.ranked()
        policy = replace(self.policy, max_layer_models=count, max_score_gap=1.0)
        # One model alone rests on its rank; several make up for a wrong one.
        selection = self._select(ranked, policy, may_be_safe=count == 1)
        self.stop_reason = selection.stop_reason
        return self._decision(ranked, selection)

    def decide(self, ranked: tuple[Ranked, ...], wanted: Sequence[str]) -> RoutingDecision | None:
        """Returns a layer of the wanted models, one call each; notes why if none fits the limits.

        Args:
            ranked: The ranking that the choice was made from.
            wanted: Models by id, the first ones first; a model may stand there more than once. Those
                whose worst cases do not fit together with the ones before them are left out.

        Raises:
            NoEligibleModelError: The policy's limits leave no model for the first layer.
        """
        worst_cases = [self.worst_case(self.pool.by_id[model_id]) for model_id in wanted]
        kept, lacking = fitting(worst_cases, self.left)
        if not kept and not self.ledger.entries:
            raise nothing_eligible(ranked, self.policy, lacking)
        if not kept:
            self.stop_reason = lacking
        model_ids = tuple(wanted[number] for number in kept)
        reasons = unavailable(ranked) | dict.fromkeys(model_ids, SelectionReason.STRATEGY)
        selection = Selection(model_ids=model_ids, stop_reason=self.stop_reason, reasons=reasons)
        return self._decision(ranked, selection)

    def lack(self, model: PoolModel, min_stage_s: float) -> StopReason | None:
        """Names the limit that leaves no room for one more call to a model, if one does."""
        if self.deadline.remaining_s() < min_stage_s:
            return StopReason.DEADLINE
        if model.id in self.failed or not fits(model, self.conversation):
            return StopReason.NO_MODEL
        return lack(self.left, self.worst_case(model))

    def route(self) -> tuple[tuple[Ranked, ...], Selection]:
        """Ranks the eligible models and picks the next layer's.

        Raises:
            NoEligibleModelError: The policy's limits leave no model for the first layer.
        """
        ranked = self.ranked()
        if (
            not self.reports
            and max(self.posteriors.values(), default=0) >= self.policy.stopping_score
        ):
            return ranked, Selection(model_ids=(), stop_reason=StopReason.SCORE)
        team_ids = self.forecast.team_ids
        return ranked, self._select(ranked, self.policy, may_be_safe=True, team_ids=team_ids)

    def ranked(self) -> tuple[Ranked, ...]:
        """Returns the eligible models by utility, best first."""
        return rank([self._candidate(model) for model in self.eligible()], self.policy)

    def worst_case(self, model: PoolModel) -> Amount:
        """Returns what one call to a model can take at most, the answers so far in its prompt."""
        read = self._prompt_tokens() + INSTRUCTION_TOKENS
        read += REFERENCE_OVERHEAD_TOKENS * len(self.readable)
        cost_usd = model.cost_usd(read, model.max_reply_tokens)
        return Amount(1, read + model.max_reply_tokens, nano_usd(cost_usd))

    def best_first(self, answers: Sequence[Answer]) -> tuple[Answer, ...]:
        """Returns assessed answers by posterior score; of equals, the first one first."""
        return tuple(sorted(answers, key=lambda answer: -self.posteriors[answer.model_id]))

    def aggregators(self, answers: Sequence[Answer]) -> tuple[PoolModel, ...]:
        """Returns who may merge answers: the pool's choice, then who gave them, best first."""
        ids = [answer.model_id for answer in answers]
        chosen = self.pool.aggregator
        if chosen is not None and (not self.policy.model_ids or chosen in self.policy.model_ids):
            ids.insert(0, chosen)
        return tuple(self.pool.by_id[m] for m in dict.fromkeys(ids) if m not in self.failed)

    def report(
        self,
        decision: RoutingDecision,
        outcome: LayerOutcome,
        assessments: tuple[Assessment, ...] = (),
    ) -> LayerReport:
        """Notes that a layer has run, and returns the report of it."""
        report = LayerReport(
            layer_number=decision.layer_number,
            selected_model_ids=decision.selected_model_ids,
            answers=self.best_first(outcome.answers) if assessments else outcome.answers,
            assessments=assessments,
            usage=outcome.entries,
            duration_s=outcome.duration_s,
        )
        self.reports.append(report)
        return report

    def note_delta(self) -> None:
        """Notes that text of the final answer is about to leave."""
        if self.timing.first_delta_s is None:
            self.timing.first_delta_s = time.monotonic() - self.started_s

    def failure(self) -> GenerationFailedError | AnswerTimedOutError:
        """Returns the error of a run in which no model answered."""
        return no_answer(self.ledger)

    def result(self, final: Answer) -> Result:
        """Returns the whole result, with the clock stopped."""
        self.timing.total_s = time.monotonic() - self.started_s
        stop_reason = self.stop_reason or StopReason.LAYER_LIMIT
        ANSWERS.labels(stop_reason.name.lower(), self.policy.strategy).inc()
        if self.policy.max_cost_usd:
            BUDGET_SHARE.observe(self.ledger.cost_usd / self.policy.max_cost_usd)
        return Result(
            answer=final,
            strategy=self.policy.strategy,
            layers=tuple(self.reports),
            stop_reason=stop_reason,
            usage=tuple(self.ledger.entries),
            cost_usd=self.ledger.cost_usd,
            fallbacks=tuple(self.fallbacks),
            uncertainty=self.forecast.uncertainty,
            timing=self.timing,
        )

    def _is_news_to(self, model: PoolModel) -> bool:
        """Says whether a model would read anything that it has not written itself."""
        return not self.answers or any(a.model_id != model.id for a in self.answers)

    def _select(
        self,
        ranked: tuple[Ranked, ...],
        policy: Policy,
        *,
        may_be_safe: bool,
        team_ids: Sequence[str] = (),
    ) -> Selection:
        uncertain = may_be_safe and self.forecast.uncertainty >= policy.max_uncertainty
        safe_ids = self.pool.safe_models if uncertain else ()
        selection = select(ranked, policy, self.left, team_ids=team_ids, safe_ids=safe_ids)
        if selection.stop_reason is not None and not self.ledger.entries:
            raise nothing_eligible(ranked, policy, selection.stop_reason)
        if SelectionReason.SAFE in selection.reasons.values() and UNCERTAIN not in self.fallbacks:
            self.fallbacks.append(UNCERTAIN)
            UNCERTAIN_QUERIES.inc()
        return selection

    def _decision(self, ranked: tuple[Ranked, ...], selection: Selection) -> RoutingDecision | None:
        if not selection.model_ids:
            return None
        return RoutingDecision(
            layer_number=len(self.reports) + 1,
            ranked=ranked,
            selected_model_ids=selection.model_ids,
            reasons=selection.reasons,
            uncertainty=self.forecast.uncertainty,
        )

    def _candidate(self, model: PoolModel) -> Candidate:
        forecast = self.forecast
        written = forecast.completion_tokens.get(model.id, model.expected_reply_tokens)
        written = min(written, model.max_reply_tokens)
        prior = self.priors[model.id]
        return Candidate(
            model_id=model.id,
            score=self.posteriors.get(model.id, prior),
            prior_score=prior,
            expected_completion_tokens=written,
            expected_cost_usd=model.cost_usd(self._prompt_tokens(), written),
            worst=self.worst_case(model),
            expected_latency_s=forecast.latency_s.get(model.id, model.median_latency_s),
            available=model.id not in forecast.unavailable_ids,
        )

    def _prompt_tokens(self) -> int:
        references = sum(estimate_tokens(answer.text) for answer in self.readable)
        return self.conversation.tokens + references
