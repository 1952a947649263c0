"""The building blocks of strategies: screen, layer, assess, stream, aggregate.

Each block keeps ledger, timing and reports of the run up to date, so that a strategy only decides.
"""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.router.dependencies.remote import TIME_SHARE
from services.router.engine.aggregation import aggregate
from services.router.engine.errors import no_answer
from services.router.engine.final_answer import SILENCE_SHARE, Writer, write_final
from services.router.engine.layer import LayerPolicy, run_layer
from services.router.engine.layer_policy import AssessedLayerPolicy, PlainLayerPolicy
from services.router.engine.patience import Overtime, Patience
from services.router.engine.planner import by_posterior, eligible, further_models, rank_eligible
from services.router.engine.proposals import LayerOutcome, final_call
from services.router.engine.repair import repair
from services.router.engine.reservations import reserve, reserve_extra
from services.router.routing.events import Assessment, LayerReport
from services.router.routing.ranking import Forecast
from services.router.telemetry.layer_stage import layer_stage
from services.router.types.ledger import CallStatus
from services.rpc.tracing.spans import stage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence

    from services.router.backends.call import ModelCall
    from services.router.backends.generator import Generator
    from services.router.backends.replicas.retry_budget import RetryBudget
    from services.router.dependencies.judge_client import Judge
    from services.router.dependencies.scorer_client import Scorer
    from services.router.engine.proposals import Proposal, Propose
    from services.router.engine.run import Run
    from services.router.exploration.explorer import Explorer
    from services.router.pool.expected_latency import ExpectedLatencies
    from services.router.pool.model import PoolModel
    from services.router.routing.events import (
        Answer,
        Delta,
        Event,
        Reset,
        Resumed,
        RoutingDecision,
    )


MIN_STAGE_S = 0.2
"""A model that is called with less time left hardly brings an answer, but costs one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The building blocks, with the services and limits that they use."""

    scorer: Scorer
    judge: Judge
    generator: Generator
    latencies: ExpectedLatencies
    patience: Patience
    backup_budget: RetryBudget
    """Bounds backup models to a share of the calls."""
    explorer: Explorer
    """Draws models to try; every pool's engine shares it."""
    min_stage_s: float = MIN_STAGE_S
    """Least time left in which another layer or the aggregator is started."""

    async def screen(self, run: Run) -> None:
        """Scores the models before any of them runs; a single model needs no score."""
        models = eligible(run)
        run.unweighed_ids = self.judge.unweighed_ids
        latency_s = self.latencies.expected_s(models)
        if len(models) == 1:
            run.priors = {models[0].id: models[0].prior_score or 0.0}
            run.forecast = Forecast(latency_s=latency_s)
            return
        started_s = time.monotonic()
        priors = await self.scorer.priors(
            run.conversation, models, run.policy.team_size, run.deadline.share(TIME_SHARE)
        )
        run.timing.scorer_s = time.monotonic() - started_s
        run.priors = priors.scores
        gone = self.generator.unreachable(models.ids)
        if len(gone) == len(models):
            gone = frozenset()  # failed calls tell the caller more than an empty pool
        run.forecast = replace(priors.forecast, latency_s=latency_s, unavailable_ids=gone)
        if priors.fallback is not None:
            run.fallbacks.append(priors.fallback)
        if run.policy.exploration_share and run.may_explore:
            run.exploration = self.explorer.explore(rank_eligible(run), run.policy, run.left)

    async def run_assessed(
        self, run: Run, decision: RoutingDecision, propose: Propose, *, stages_left: int
    ) -> LayerReport:
        """Runs a layer of such requests, and corrects the scores by what the models say.

        With tools or JSON nobody grades, and the scores stay as they are. The answers of the report
        are ordered by posterior score, best first. `stages_left` is as in `propose`.
        """
        await run.drop_speculative_answer()  # it belongs to the layer before
        proposals = [propose(run, run.pool.by_id[m]) for m in decision.selected_model_ids]
        policy = AssessedLayerPolicy(
            run,
            decision,
            propose,
            judge=self.judge,
            stream=self.generator.stream,
            backup_budget=self.backup_budget,
            min_stage_s=self.min_stage_s,
        )
        outcome = await self._propose(run, proposals, policy, stages_left=stages_left)
        assessments = await self.assess(run, outcome.answers)
        return self.report(run, decision, outcome, assessments)

    async def propose(
        self,
        run: Run,
        proposals: Sequence[Proposal],
        *,
        stages_left: int,
        further: Iterable[Proposal] = (),
    ) -> LayerOutcome:
        """Runs models together, as many as have room, the first ones first.

        Never raises for a model. A model that fails is not called again.

        Args:
            run: The run.
            proposals: The request to each model.
            stages_left: Number of stages, this one included, that share the time left.
            further: Requests to further models, by rank, if nobody answers within the share.

        Raises:
            RouteMoAError: No call has room; see `reserve`.
        """
        policy = PlainLayerPolicy(run, further, self.min_stage_s)
        return await self._propose(run, proposals, policy, stages_left=stages_left)

    async def _propose(
        self, run: Run, proposals: Sequence[Proposal], policy: LayerPolicy, *, stages_left: int
    ) -> LayerOutcome:
        count, limit = await reserve(run, [proposal.call for proposal in proposals])
        run.stop_reason = limit or run.stop_reason
        proposals = proposals[:count]
        for _ in proposals:
            self.backup_budget.record_call()
        share = 1 / stages_left
        with layer_stage(len(run.reports) + 1, [each.call.model.id for each in proposals]):
            outcome = await run_layer(
                proposals,
                self.generator,
                policy,
                deadline=run.deadline.share(share),
                overtime=None if run.answers else Overtime(deadline=run.deadline, share=share),
                patience=self.patience,
                ledger=run.ledger,
            )
        run.timing.generation_s += outcome.duration_s
        answered = {answer.model_id for answer in outcome.answers}
        # A model that was cancelled because others had answered was only late: it may be called again.
        blamed = {e.model_id for e in outcome.entries if e.status is not CallStatus.CANCELLED}
        run.failed |= blamed - answered
        return outcome

    async def assess(self, run: Run, answers: Sequence[Answer]) -> tuple[Assessment, ...]:
        """Corrects the scores of the models that ran by the grades in new answers."""
        if not answers:
            return ()
        if not run.form.is_free:  # no grades stand beside JSON and calls
            scores = {answer.model_id: run.priors[answer.model_id] for answer in answers}
            run.posteriors.update(scores)
            return tuple(Assessment(model_id=m, posterior_score=s) for m, s in scores.items())
        started_s = time.monotonic()
        within, query = run.deadline.share(TIME_SHARE), run.conversation.query
        verdict = await self.judge.assess(answers, run.answers, run.priors, within, query)
        run.timing.judge_s += time.monotonic() - started_s
        if verdict.fallback is not None:
            run.fallbacks.append(verdict.fallback)
        run.posteriors.update({a.model_id: a.posterior_score for a in verdict.assessments})
        return verdict.assessments

    def report(
        self,
        run: Run,
        decision: RoutingDecision,
        outcome: LayerOutcome,
        assessments: tuple[Assessment, ...] = (),
    ) -> LayerReport:
        """Adds the report of a layer to the run, and returns it."""
        report = LayerReport(
            layer_number=decision.layer_number,
            selected_model_ids=decision.selected_model_ids,
            answers=by_posterior(run, outcome.answers) if assessments else outcome.answers,
            assessments=assessments,
            usage=outcome.entries,
            duration_s=outcome.duration_s,
        )
        run.reports.append(report)
        return report

    async def stream_last(self, run: Run, decision: RoutingDecision) -> AsyncGenerator[Event, None]:
        """Streams the only model of the last layer to the caller, then yields the layer's report.

        While it is silent, the next models by rank start beside it; the first to write is shown.
        If the call has no room, nothing is yielded and `run.stop_reason` holds the limit.

        Raises:
            RouteMoAError: The call has no room, and nothing was called before; see `reserve`.
        """
        started_s = time.monotonic()
        call = final_call(run, run.pool.by_id[decision.selected_model_ids[0]])
        _, limit = await reserve(run, [call])
        if limit is not None:
            run.stop_reason = limit
            return
        booked_before = len(run.ledger.entries)
        call.patient = len(decision.ranked) == 1
        writer, further = self._writer(run, call), self._next_writer(run, decision)
        with layer_stage(decision.layer_number, [call.model.id]):
            async with aclosing(write_final(run, writer, next_writer=further)) as events:
                async for event in events:
                    yield event
        duration_s = time.monotonic() - started_s
        run.timing.generation_s += duration_s
        entries = run.ledger.entries[booked_before:]
        if run.final is None:
            run.failed.update(entry.model_id for entry in entries)
        answers = () if run.final is None else (run.final,)
        outcome = LayerOutcome(answers=answers, entries=tuple(entries), duration_s=duration_s)
        yield self.report(run, decision, outcome)

    async def aggregate(
        self, run: Run, aggregators: Sequence[PoolModel], *, settles_votes: bool = False
    ) -> AsyncGenerator[Delta | Reset | Resumed, None]:
        """Merges the newest answers into the final one.

        Args:
            run: The run.
            aggregators: The models that may merge, best first.
            settles_votes: True if they choose where a vote on calls to tools is close.

        Raises:
            GenerationFailedError: There is no answer, since every model failed.
            AnswerTimedOutError: There is no answer, since none came in time.
            NoValidAnswerError: There is no answer that keeps to the form of the request.
        """
        started_s = time.monotonic()
        merged = aggregate(
            run,
            self.generator,
            aggregators,
            min_stage_s=self.min_stage_s,
            settles_votes=settles_votes,
        )
        with stage("aggregate"):
            async with aclosing(merged if run.answers else self.repair(run)) as events:
                async for event in events:
                    yield event
        run.timing.aggregation_s = time.monotonic() - started_s

    async def repair(self, run: Run) -> AsyncGenerator[Delta | Reset | Resumed, None]:
        """Has an invalid answer written again, since there is no valid one.

        Raises:
            GenerationFailedError: There is no answer, since every model failed.
            AnswerTimedOutError: There is no answer, since none came in time.
            NoValidAnswerError: There is no answer that keeps to the form of the request.
        """
        async with aclosing(repair(run, self.generator, min_stage_s=self.min_stage_s)) as events:
            async for event in events:
                yield event
        if run.final is None:
            invalid_ids = [each.answer.model_id for each in run.invalid]
            raise no_answer(run.ledger, invalid_ids)

    def _next_writer(
        self, run: Run, decision: RoutingDecision
    ) -> Callable[[], Awaitable[Writer | None]]:
        models = iter(further_models(run, decision))

        async def next_writer() -> Writer | None:
            while run.deadline.remaining_s() >= self.min_stage_s and (model := next(models, None)):
                call = final_call(run, model)
                if await reserve_extra(run, call):
                    return self._writer(run, call)
            return None

        return next_writer

    def _writer(self, run: Run, call: ModelCall) -> Writer:
        call.deadline = run.deadline
        first_text = run.deadline.share(SILENCE_SHARE)
        return Writer(call=call, stream=self.generator.stream, first_text=first_text)
