"""query -> run -> strategy of the policy -> events; the last one is the result."""

from __future__ import annotations

import time
from contextlib import aclosing, closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.router.budgets.reservation import UNLIMITED
from services.router.engine.errors import check_capabilities
from services.router.engine.metrics import ANSWERS, BUDGET_SHARE, UNCERTAINTY
from services.router.engine.planner import (
    incapable,
    rank_eligible,
    select_layer,
)
from services.router.engine.run import Run
from services.router.routing.candidates import StopReason
from services.router.routing.events import Result
from services.router.routing.ranking import early_stop
from services.router.routing.selection import Selection
from services.router.telemetry.call_log import CALL_LOG
from services.router.telemetry.model_metrics import record_entry
from services.router.types.ledger import Ledger
from services.rpc.tracing.origin import current

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from services.router.budgets.reservation import Budget
    from services.router.engine.engine import Engine
    from services.router.pool.pool import Pool
    from services.router.routing.candidates import Ranking
    from services.router.routing.events import Answer, Event
    from services.router.routing.policy import Policy
    from services.router.sessions.sessions import Session, Sessions
    from services.router.strategies.layered import Strategy
    from services.router.types.conversation import Conversation
    from services.router.types.deadline import Deadline
    from services.router.types.ledger import LedgerEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Answers queries with the models of a pool."""

    pool: Pool
    engine: Engine
    strategies: Mapping[str, Strategy]
    sessions: Sessions

    def start(
        self,
        conversation: Conversation,
        policy: Policy,
        deadline: Deadline,
        account: Budget = UNLIMITED,
    ) -> Run:
        """Returns a new run for a query. The account admits its calls."""
        return Run(
            pool=self.pool,
            conversation=conversation,
            policy=policy,
            deadline=deadline,
            account=account,
            ledger=Ledger(on_entry=self._record_entry),
        )

    def check(self, conversation: Conversation, policy: Policy) -> None:
        """Refuses a request that no model can answer.

        Raises:
            MissingCapabilityError: No model that may run has the capabilities that it needs.
        """
        check_capabilities(self.pool, policy, conversation)

    async def route(self, run: Run, posteriors: Mapping[str, float]) -> tuple[Ranking, Selection]:
        """Returns the ranking and the selection of a layer, without running any model.

        The first layer is that of the policy's strategy; after it, layers are chosen by rank.

        Args:
            run: A new run.
            posteriors: The judge's scores of the models that the caller has run already.

        Raises:
            NoEligibleModelError: The policy leaves no model that may run.
        """
        run.policy = replace(run.policy, exploration_share=0.0)
        await self.engine.screen(run)
        run.posteriors.update(posteriors)
        stop_reason = early_stop(posteriors, agreed=False, layers_run=0, policy=run.policy)
        if stop_reason is not None:
            return rank_eligible(run), Selection(model_ids=(), stop_reason=stop_reason)
        if posteriors:
            ranked, selection = select_layer(run)
            selection = replace(selection, reasons={**selection.reasons, **incapable(run)})
        else:
            ranked, selection = self._first_layer(run)
        run.record_reasons(selection.reasons)
        return ranked, selection

    async def answer(self, run: Run) -> AsyncGenerator[Event, None]:
        """Yields the events of an answer, the `Result` last. Closes the account of the run.

        Raises:
            BudgetExhaustedError: The tenant's budget has no room for a call.
            BudgetStoreUnavailableError: The budget cannot be read.
            NoEligibleModelError: The policy leaves no model that may run.
            GenerationFailedError: Every model failed.
            AnswerTimedOutError: No model answered in time.
        """
        strategy = self.strategies[run.policy.strategy]
        with closing(run.account):
            session = await self._recall(run)
            try:
                async with aclosing(strategy.answer(run, self.engine)) as events:
                    async for event in events:
                        yield event
            finally:
                await run.drop_speculative_answer()
                self._settle_exploration(run)
                _record_facts(run)
        assert run.final is not None  # noqa: S101  # a strategy ends with an answer or raises
        self.sessions.remember(session, run.final.model_id, run.ledger.entries)
        yield _result(run, run.final)

    def _first_layer(self, run: Run) -> tuple[Ranking, Selection]:
        planned = self.strategies[run.policy.strategy].plan(run)
        if isinstance(planned, StopReason):
            return rank_eligible(run), Selection(model_ids=(), stop_reason=planned)
        return planned.ranked, Selection(
            model_ids=planned.selected_model_ids, stop_reason=None, reasons=planned.reasons
        )

    async def _recall(self, run: Run) -> Session:
        session = await self.sessions.recall(run.conversation)
        run.kept_model_id = session.kept_model_id
        run.prompt_caches = session.caches
        return session

    def _settle_exploration(self, run: Run) -> None:
        exploration = run.exploration
        if exploration is None or exploration.model_id is None:
            return
        spent = (e.cost_usd for e in run.ledger.entries if e.model_id == exploration.model_id)
        self.engine.explorer.settle(exploration, sum(spent))

    def _record_entry(self, entry: LedgerEntry) -> None:
        model = self.pool.by_id[entry.model_id]
        record_entry(entry, model)
        CALL_LOG.record(entry)
        self.engine.explorer.count(entry.model_id)
        self.engine.latencies.record(entry, model)


def _record_facts(run: Run) -> None:
    """Records what the log line and the span of the call have of its answer, if it has one."""
    facts = current().facts
    facts["strategy"] = run.policy.strategy
    facts["cost_usd"] = run.ledger.cost_usd
    if run.final is not None:
        facts["model"] = run.final.model_id
    if run.stop_reason is not None:
        facts["stop_reason"] = run.stop_reason.name
    if run.forecast.uncertainty is not None:
        facts["uncertainty"] = run.forecast.uncertainty
        UNCERTAINTY.observe(run.forecast.uncertainty)


def _result(run: Run, final: Answer) -> Result:
    run.timing.total_s = time.monotonic() - run.started_s
    stop_reason = run.stop_reason or StopReason.LAYER_LIMIT
    ANSWERS.labels(stop_reason.name.lower(), run.policy.strategy).inc()
    if run.policy.max_cost_usd:
        BUDGET_SHARE.observe(run.ledger.cost_usd / run.policy.max_cost_usd)
    return Result(
        answer=final,
        strategy=run.policy.strategy,
        layers=tuple(run.reports),
        stop_reason=stop_reason,
        usage=tuple(run.ledger.entries),
        cost_usd=run.ledger.cost_usd,
        fallbacks=tuple(run.fallbacks),
        uncertainty=run.forecast.uncertainty,
        timing=run.timing,
    )
