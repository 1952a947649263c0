"""What strategies are built of: screen, layer, assess, pass through, aggregate.

Each block keeps the ledger, the clocks and the reports of the run, so that a strategy only decides.
"""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.router.dependencies.dependencies import TIME_SHARE
from services.router.engine.aggregation import aggregate
from services.router.engine.final import write_final
from services.router.engine.layer import Patience, Shortcuts, run_layer
from services.router.engine.layer_shortcuts import drafting, settled_by, stand_ins
from services.router.engine.proposals import assessed_proposal, final_call
from services.router.engine.reservations import reserve
from services.router.engine.speculative_answer import drop_draft
from services.router.routing.events import LayerReport
from services.router.routing.forecast import Forecast
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from services.router.backends.generator import Generator
    from services.router.backends.replicas.retry_budget import Allowance
    from services.router.dependencies.dependencies import Judge, Scorer
    from services.router.engine.layer_outcome import LayerOutcome, Proposal
    from services.router.engine.run import Run
    from services.router.pool.expected_latency import Latencies
    from services.router.pool.pool import PoolModel
    from services.router.routing.events import (
        Answer,
        Assessment,
        Delta,
        Event,
        Reset,
        Resumed,
        RoutingDecision,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The building blocks, with everything that they call."""

    scorer: Scorer
    judge: Judge
    generator: Generator
    latencies: Latencies
    patience: Patience
    stand_ins: Allowance
    """Of models that run for others that are silent, as a share of the calls."""
    min_stage_s: float
    """Least time left in which starting another layer, or the aggregator, makes sense."""

    async def screen(self, run: Run) -> None:
        """Scores the models before any of them runs; one model alone needs no score.

        Raises:
            ModelPoolMismatchError: The scorer does not know a model of the pool.
        """
        eligible = run.eligible()
        latency_s = self.latencies.expected_s(eligible)
        if len(eligible) == 1:
            run.priors = {eligible[0].id: eligible[0].prior_score or 0.0}
            run.forecast = Forecast(latency_s=latency_s)
            return
        started_s = time.monotonic()
        priors = await self.scorer.priors(
            run.conversation.query,
            eligible,
            run.policy.team_size,
            run.deadline.share(TIME_SHARE),
        )
        run.timing.scorer_s = time.monotonic() - started_s
        run.priors = priors.scores
        gone = frozenset(m.id for m in eligible if not self.generator.is_reachable(m.id))
        if len(gone) == len(eligible):
            gone = frozenset()  # calls that fail say more than a policy that allows none
        run.forecast = replace(priors.forecast, latency_s=latency_s, unavailable_ids=gone)
        if priors.fallback is not None:
            run.fallbacks.append(priors.fallback)

    async def assessed_layer(self, run: Run, decision: RoutingDecision) -> LayerReport:
        """Runs models together and corrects their scores by what they say of themselves and others.

        The report's answers are those that came, best posterior score first.
        """
        await drop_draft(run)  # it was of the layer before
        proposals = [assessed_proposal(run, run.pool.by_id[m]) for m in decision.selected_model_ids]
        shortcuts = Shortcuts(
            is_settled=settled_by(run.priors),
            next_stand_in=stand_ins(run, decision, self.stand_ins),
            begin_draft=drafting(run, self.judge, self.generator),
        )
        # The aggregator gets as much time as a layer; what a layer leaves goes to those after it.
        outcome = await self.propose(
            run, proposals, stages_left=run.layers_left + 1, shortcuts=shortcuts
        )
        assessments = await self.assess(run, outcome.answers)
        return run.report(decision, outcome, assessments)

    async def propose(
        self,
        run: Run,
        proposals: Sequence[Proposal],
        *,
        stages_left: int,
        shortcuts: Shortcuts | None = None,
    ) -> LayerOutcome:
        """Runs models together, as many as there is room for, the first ones first.

        Never raises for a model; one that fails is not called again.

        Args:
            run: Whose ledger the calls go to.
            proposals: What each is asked.
            stages_left: How many stages, this one too, share the time that is left.
            shortcuts: What lets the layer end early, beside quorum and grace.

        Raises:
            RouteMoAError: There is no room for a single call, as `reserve` tells.
        """
        count, lack = await reserve(run, [proposal.call for proposal in proposals])
        run.stop_reason = lack or run.stop_reason
        proposals = proposals[:count]
        for _ in proposals:
            self.stand_ins.note_call()
        outcome = await run_layer(
            proposals,
            self.generator,
            deadline=run.deadline.share(1 / stages_left),
            patience=self.patience,
            ledger=run.ledger,
            shortcuts=shortcuts or Shortcuts(),
        )
        run.timing.generation_s += outcome.duration_s
        answered = {answer.model_id for answer in outcome.answers}
        # Whoever was cancelled since the others had answered was late, and may be called again.
        blamed = {e.model_id for e in outcome.entries if e.status is not CallStatus.CANCELLED}
        run.failed |= blamed - answered
        return outcome

    async def assess(self, run: Run, answers: Sequence[Answer]) -> tuple[Assessment, ...]:
        """Corrects the scores of the models that ran by what new answers say of them."""
        if not answers:
            return ()
        started_s = time.monotonic()
        verdict = await self.judge.assess(
            answers, run.answers, run.priors, run.deadline.share(TIME_SHARE)
        )
        run.timing.judge_s += time.monotonic() - started_s
        if verdict.fallback is not None:
            run.fallbacks.append(verdict.fallback)
        run.posteriors.update({a.model_id: a.posterior_score for a in verdict.assessments})
        return verdict.assessments

    async def pass_through(
        self, run: Run, decision: RoutingDecision
    ) -> AsyncGenerator[Event, None]:
        """Streams the only model of the last layer to the user, as it writes.

        Nothing happens, and `run.stop_reason` says why, if there is no room for the call.

        Raises:
            RouteMoAError: There is none, and nothing was called before; as `reserve` tells.
        """
        started_s = time.monotonic()
        model = run.pool.by_id[decision.selected_model_ids[0]]
        call = final_call(run, model)
        _, lack = await reserve(run, [call])
        if lack is not None:
            run.stop_reason = lack
            return
        booked_before = len(run.ledger.entries)
        others = len(decision.ranked) > 1
        call.patient = not others
        first_text = run.deadline.share(0.5) if others else run.deadline
        async with aclosing(
            write_final(run, call, self.generator.stream, first_text=first_text)
        ) as events:
            async for event in events:
                yield event
        duration_s = time.monotonic() - started_s
        run.timing.generation_s += duration_s
        if run.final is None:
            run.failed.add(model.id)
        report = LayerReport(
            layer_number=decision.layer_number,
            selected_model_ids=decision.selected_model_ids,
            answers=() if run.final is None else (run.final,),
            assessments=(),
            usage=tuple(run.ledger.entries[booked_before:]),
            duration_s=duration_s,
        )
        run.reports.append(report)
        yield report

    async def aggregate(
        self, run: Run, aggregators: Sequence[PoolModel]
    ) -> AsyncGenerator[Delta | Reset | Resumed, None]:
        """Merges the newest answers into the final one.

        Args:
            run: Whose answers.
            aggregators: Who may merge, best first.

        Raises:
            GenerationFailedError: There is none, as every model failed.
            AnswerTimedOutError: There is none, as no model answered in time.
        """
        if not run.answers:
            raise run.failure()
        started_s = time.monotonic()
        async with aclosing(
            aggregate(run, self.generator, aggregators, min_stage_s=self.min_stage_s)
        ) as events:
            async for event in events:
                yield event
        run.timing.aggregation_s = time.monotonic() - started_s
