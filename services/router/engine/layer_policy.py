"""Decides how a layer ends: settled majorities, backup models, speculative answers, overtime."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.router.dependencies.remote import TIME_SHARE
from services.router.engine.metrics import STAND_INS
from services.router.engine.planner import aggregators, blocking_limit, further_models
from services.router.engine.proposals import aggregation_call
from services.router.engine.reservations import reserve_extra
from services.router.engine.speculative_answer import SpeculativeAnswer, worth_speculating
from services.router.routing.candidates import SelectionReason
from services.router.routing.ranking import early_stop
from services.router.types.ledger import FinishReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from services.router.backends.call import Stream
    from services.router.backends.replicas.retry_budget import RetryBudget
    from services.router.dependencies.judge_client import Judge
    from services.router.engine.proposals import Proposal, Propose
    from services.router.engine.run import Run
    from services.router.pool.model import PoolModel
    from services.router.routing.events import Answer, RoutingDecision

_OUTRANKED = {SelectionReason.LAYER_FULL, SelectionReason.SCORE_GAP}


class PlainLayerPolicy:
    """The policy of a layer without assessment: it waits for a quorum.

    Args:
        run: The run of the layer.
        further: Requests to further models, by rank, for the time that nobody answers.
        min_stage_s: Least time left in which further models are started.
    """

    ends_early = False
    """True if majorities, backup models and speculative answers may end the layer early."""

    def __init__(
        self, run: Run, further: Iterable[Proposal] = (), min_stage_s: float = 0.0
    ) -> None:
        self._run = run
        self._further = iter(further)
        self._min_stage_s = min_stage_s

    def checked(self, answer: Answer) -> Answer | None:
        """Returns an answer in its normal form; None, and records it, if it is not valid."""
        return self._run.checked(answer)

    def partial(self, proposal: Proposal) -> Answer | None:
        """Returns the answer in a reply that the caller's deadline cut off; None if it has no use."""
        if not (proposal.asks_for_answer and self._run.takes_partial):
            return None
        answer = proposal.read()
        return replace(answer, finish_reason=FinishReason.DEADLINE) if answer.text else None

    def is_settled(self, answers: Sequence[Answer], pending: Sequence[str]) -> bool:  # noqa: ARG002
        """Returns whether the pending models can no longer change the outcome.

        Args:
            answers: The answers so far.
            pending: Ids of the models that are still at work.
        """
        return False

    async def next_backup(self) -> Proposal | None:
        """Returns a request to a backup model, with its room reserved; None if there is none."""
        return None

    async def start_speculative_answer(self, answers: Sequence[Answer]) -> None:
        """Starts the final answer from the answers of a quorum, if that is worth it."""

    async def next_models(self, count: int) -> list[Proposal]:
        """Returns up to `count` requests to further models, with their room reserved."""
        reserved: list[Proposal] = []
        if self._run.deadline.remaining_s() < self._min_stage_s:
            return reserved
        while len(reserved) < count and (proposal := next(self._further, None)) is not None:
            if await reserve_extra(self._run, proposal.call):
                reserved.append(proposal)
        return reserved


class AssessedLayerPolicy(PlainLayerPolicy):
    """The policy of an assessed layer: it may end before its slowest model.

    Args:
        run: The run of the layer.
        decision: The layer.
        propose: Returns the request to a further model.
        judge: Assesses the answers of a quorum.
        stream: Runs the speculative answer.
        backup_budget: Bounds the backup models.
        min_stage_s: Least time left in which further models are started.
    """

    ends_early = True

    def __init__(
        self,
        run: Run,
        decision: RoutingDecision,
        propose: Propose,
        *,
        judge: Judge,
        stream: Stream,
        backup_budget: RetryBudget,
        min_stage_s: float,
    ) -> None:
        self._models = further_models(run, decision)
        further = (propose(run, model) for model in self._drain())
        super().__init__(run, further, min_stage_s)
        self._decision = decision
        self._propose = propose
        self._judge = judge
        self._stream = stream
        self._backup_budget = backup_budget

    def is_settled(self, answers: Sequence[Answer], pending: Sequence[str]) -> bool:
        """Returns whether a majority agrees and stays ahead, whatever the others will answer."""
        priors = self._run.priors
        late = [priors[model_id] for model_id in pending]
        return self._run.form.is_settled(answers, priors.__getitem__, late)

    async def next_backup(self) -> Proposal | None:
        """Returns a request to the next model that only better-ranked models kept out."""
        model = next((m for m in self._models if self._is_outranked(m)), None)
        if model is None or not self._backup_budget.take():
            return None
        self._models.remove(model)
        proposal = self._propose(self._run, model)
        if not await reserve_extra(self._run, proposal.call):
            return None
        STAND_INS.inc()
        return proposal

    async def start_speculative_answer(self, answers: Sequence[Answer]) -> None:
        """Starts the final answer if no layer would follow, had this one ended now."""
        run = self._run
        if run.independent or not worth_speculating(answers, run.form):
            return
        scores = await self._scores(answers)
        agreed = run.form.agree(answers)
        stop = early_stop(scores, agreed=agreed, layers_run=run.layers_run + 1, policy=run.policy)
        if stop is None and run.form.is_free:
            return
        best_first = sorted(answers, key=lambda answer: -scores[answer.model_id])
        model = aggregators(run, best_first)[0]
        if blocking_limit(run, model, 0.0) is not None:
            return
        call = aggregation_call(run, model, best_first, layer_number=len(run.reports) + 1)
        call.deadline = run.deadline
        if await reserve_extra(run, call):
            read_ids = frozenset(answer.model_id for answer in best_first)
            run.speculative_answer = SpeculativeAnswer(call, read_ids, self._stream)

    async def _scores(self, answers: Sequence[Answer]) -> Mapping[str, float]:
        """Returns the scores that the models would have if the layer ended now."""
        run = self._run
        if not run.form.is_free:
            return run.priors  # nobody graded
        deadline = run.deadline.share(TIME_SHARE)
        verdict = await self._judge.assess(
            answers, run.answers, run.priors, deadline, run.conversation.query
        )
        return {a.model_id: a.posterior_score for a in verdict.assessments}

    def _is_outranked(self, model: PoolModel) -> bool:
        return self._decision.reasons.get(model.id) in _OUTRANKED

    def _drain(self) -> Iterator[PoolModel]:
        """Removes the models one by one, so that none is asked twice."""
        while self._models:
            yield self._models.pop(0)
