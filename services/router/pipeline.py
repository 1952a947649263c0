"""query -> run -> the policy's strategy -> events, of which the last is the result."""

from __future__ import annotations

from contextlib import aclosing, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.budgets.reservation import UNLIMITED
from services.router.engine.run import Run
from services.router.engine.speculative_answer import drop_draft
from services.router.routing.ranking import early_stop
from services.router.routing.selection import Selection
from services.router.strategies.registry import STRATEGIES
from services.router.types.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from services.router.budgets.reservation import Gate
    from services.router.engine.engine import Stage
    from services.router.pool.pool import Pool
    from services.router.routing.events import Event
    from services.router.routing.policy import Policy
    from services.router.routing.ranking import Ranked
    from services.router.types.conversation import Conversation
    from services.router.types.deadline import Deadline
    from services.router.types.ledger import LedgerEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Answers queries with the models of a pool."""

    pool: Pool
    stage: Stage

    def start(
        self,
        conversation: Conversation,
        policy: Policy,
        deadline: Deadline,
        account: Gate = UNLIMITED,
    ) -> Run:
        """Returns a new run for a query, whose calls the account admits."""
        return Run(
            pool=self.pool,
            conversation=conversation,
            policy=policy,
            deadline=deadline,
            account=account,
            ledger=Ledger(listener=self._note_latency),
        )

    async def route(
        self, run: Run, posteriors: Mapping[str, float]
    ) -> tuple[tuple[Ranked, ...], Selection]:
        """Ranks the models and picks a layer's, without running any.

        Args:
            run: A new run.
            posteriors: The judge's scores of the models that a caller ran for the query already.

        Raises:
            ModelPoolMismatchError: The scorer does not know a model of the pool.
            NoEligibleModelError: The policy leaves no model that may run.
        """
        await self.stage.screen(run)
        run.posteriors.update(posteriors)
        stop_reason = early_stop(posteriors, (), layers_run=0, policy=run.policy)
        if stop_reason is not None:
            return run.ranked(), Selection(model_ids=(), stop_reason=stop_reason)
        return run.route()

    async def answer(self, run: Run) -> AsyncGenerator[Event, None]:
        """Yields what happens; the last event is the `Result`. Closes the run's account.

        Raises:
            BudgetExhaustedError: The tenant's budget has no room for a call.
            BudgetStoreUnavailableError: Nobody can say whether it has.
            NoEligibleModelError: The policy leaves no model that may run.
            ModelPoolMismatchError: The scorer does not know a model of the pool.
            GenerationFailedError: Every model failed.
            AnswerTimedOutError: No model answered in time.
        """
        strategy = STRATEGIES[run.policy.strategy]
        with closing(run.account):
            try:
                async with aclosing(strategy.answer(run, self.stage)) as events:
                    async for event in events:
                        yield event
            finally:
                await drop_draft(run)
        assert run.final is not None  # noqa: S101  # a strategy ends with an answer or raises
        yield run.result(run.final)

    def _note_latency(self, entry: LedgerEntry) -> None:
        self.stage.latencies.note(entry, self.pool.by_id[entry.model_id])
