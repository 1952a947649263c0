"""The state of one answer while its layers run, and what follows from it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from routemoa.errors import AnswerTimedOutError, GenerationFailedError, NoEligibleModelError
from services.router.context import fits
from services.router.events import Result, RoutingDecision, Timing
from services.router.ledger import CallStatus, Ledger
from services.router.metrics import ANSWERS, BUDGET_SHARE
from services.router.ranking import (
    Candidate,
    Ranked,
    Selection,
    StopReason,
    early_stop,
    rank,
    select,
)
from services.router.tokens import estimate_tokens
from services.rpc.validation import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.conversation import Conversation
    from services.router.deadline import Deadline
    from services.router.events import Answer, Fallback, LayerReport
    from services.router.policy import Policy
    from services.router.pool import Pool, PoolModel


@dataclass(slots=True, kw_only=True)
class Run:
    """One answer in the making."""

    pool: Pool
    conversation: Conversation
    policy: Policy
    deadline: Deadline
    started_s: float = field(default_factory=time.monotonic)
    priors: Mapping[str, float] = field(default_factory=dict)
    posteriors: dict[str, float] = field(default_factory=dict)
    """Of models whose answer exists; no others ever get one."""
    failed: set[str] = field(default_factory=set)
    """Models that are not called again for this query."""
    ledger: Ledger = field(default_factory=Ledger)
    fallbacks: list[Fallback] = field(default_factory=list)
    reports: list[LayerReport] = field(default_factory=list)
    answers: tuple[Answer, ...] = ()
    """Of the newest layer that brought any, best posterior score first."""
    final: Answer | None = None
    """The final answer, once it is whole."""
    stop_reason: StopReason | None = None
    timing: Timing = field(default_factory=Timing)

    @property
    def layers_run(self) -> int:
        """Layers that brought an answer."""
        return sum(bool(report.answers) for report in self.reports)

    @property
    def calls_left(self) -> int:
        """Calls that may still be made."""
        return self.policy.max_calls - len(self.ledger.entries)

    @property
    def budget_usd(self) -> float | None:
        """What is left to spend; None means no limit."""
        if self.policy.max_cost_usd is None:
            return None
        return self.policy.max_cost_usd - self.ledger.cost_usd

    def eligible(self) -> tuple[PoolModel, ...]:
        """Returns the models that the policy allows, that have not failed and can hold the query."""
        return tuple(
            model
            for model in self.pool.models
            if (not self.policy.model_ids or model.id in self.policy.model_ids)
            and model.id not in self.failed
            and fits(model, self.conversation)
        )

    def next_layer(self, min_layer_s: float) -> RoutingDecision | None:
        """Decides the next layer, or notes why there is none in `stop_reason`.

        Raises:
            NoEligibleModelError: The policy's limits leave no model for the first layer.
        """
        if self.answers:
            texts = [answer.text for answer in self.answers]
            self.stop_reason = early_stop(
                self.posteriors, texts, layers_run=self.layers_run, policy=self.policy
            )
        if self.reports and self.deadline.remaining_s() < min_layer_s:
            self.stop_reason = self.stop_reason or StopReason.DEADLINE
        if self.stop_reason is not None:
            return None
        ranked, selection = self.route()
        self.stop_reason = selection.stop_reason
        if selection.stop_reason is not None:
            return None
        return RoutingDecision(
            layer_number=len(self.reports) + 1,
            ranked=ranked,
            selected_model_ids=selection.model_ids,
        )

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
        selection = select(
            ranked, self.policy, budget_usd=self.budget_usd, calls_left=self.calls_left
        )
        if selection.stop_reason is not None and not self.ledger.entries:
            raise _nothing_eligible(ranked, self.policy)
        return ranked, selection

    def ranked(self) -> tuple[Ranked, ...]:
        """Returns the eligible models by utility, best first."""
        scores = {**self.priors, **self.posteriors}
        tokens = self._prompt_tokens()
        candidates = [_candidate(model, scores[model.id], tokens) for model in self.eligible()]
        return rank(candidates, self.policy)

    def worst_cost_usd(self, model: PoolModel) -> float:
        """Returns what one call can cost at most: a reply of full length."""
        return model.cost_usd(self._prompt_tokens(), model.max_reply_tokens)

    def note_delta(self) -> None:
        """Notes that text of the final answer is about to leave."""
        if self.timing.first_delta_s is None:
            self.timing.first_delta_s = time.monotonic() - self.started_s

    def failure(self) -> GenerationFailedError | AnswerTimedOutError:
        """Returns the error of a run in which no model answered."""
        entries = self.ledger.entries
        metadata = {
            "model_ids": listed(entry.model_id for entry in entries),
            "statuses": listed(f"CALL_STATUS_{entry.status.name}" for entry in entries),
            "cost_usd": f"{self.ledger.cost_usd:.6f}",
        }
        if any(entry.status is CallStatus.TIMEOUT for entry in entries):
            message = "no model answered in the time that the caller allows"
            return AnswerTimedOutError(message, metadata)
        return GenerationFailedError("every model that was called failed", metadata)

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
            timing=self.timing,
        )

    def _prompt_tokens(self) -> int:
        references = sum(estimate_tokens(answer.text) for answer in self.answers)
        return self.conversation.tokens + references


def _candidate(model: PoolModel, score: float, prompt_token_count: int) -> Candidate:
    return Candidate(
        model_id=model.id,
        score=score,
        expected_cost_usd=model.cost_usd(prompt_token_count, model.expected_reply_tokens),
        worst_cost_usd=model.cost_usd(prompt_token_count, model.max_reply_tokens),
        expected_latency_s=model.median_latency_s,
    )


def _nothing_eligible(ranked: tuple[Ranked, ...], policy: Policy) -> NoEligibleModelError:
    if not ranked:
        return NoEligibleModelError("no model that the policy allows can hold the conversation")
    cheapest_usd = min(r.candidate.worst_cost_usd for r in ranked)
    return NoEligibleModelError(
        "the cheapest call could cost more than the policy allows",
        {
            "max_cost_usd": str(policy.max_cost_usd),
            "cheapest_call_usd": f"{cheapest_usd:.6f}",
        },
    )
