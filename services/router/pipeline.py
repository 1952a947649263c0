"""The layers: screen, run, assess, rank, stop, aggregate.

query -> scorer -> [pick -> run together -> judge -> re-rank]* -> aggregator -> answer. Everything that
happens is an event; the last one is the result.
"""

from __future__ import annotations

import random
import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router import prompts
from services.router.aggregation import aggregate
from services.router.calls import ModelCall
from services.router.context import fit_references, labelled
from services.router.events import Answer, LayerReport, RoutingDecision
from services.router.final import write_final
from services.router.layer import Answered, Patience, Proposal, run_layer
from services.router.ledger import CallPurpose
from services.router.protocol import new_nonce
from services.router.ranking import Selection, early_stop
from services.router.run import Run

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from services.router.conversation import Conversation
    from services.router.deadline import Deadline
    from services.router.dependencies import Judge, Scorer
    from services.router.events import Assessment, Event
    from services.router.generation import Generator
    from services.router.policy import Policy
    from services.router.pool import Pool, PoolModel
    from services.router.ranking import Ranked


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Answers queries with the models of a pool."""

    pool: Pool
    scorer: Scorer
    judge: Judge
    generator: Generator
    patience: Patience
    min_stage_s: float
    """Least time left in which starting another layer, or the aggregator, makes sense."""

    def start(self, conversation: Conversation, policy: Policy, deadline: Deadline) -> Run:
        """Returns a new run for a query."""
        return Run(pool=self.pool, conversation=conversation, policy=policy, deadline=deadline)

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
        await self._screen(run)
        run.posteriors.update(posteriors)
        stop_reason = early_stop(posteriors, (), layers_run=0, policy=run.policy)
        if stop_reason is not None:
            return run.ranked(), Selection(model_ids=(), stop_reason=stop_reason)
        return run.route()

    async def answer(self, run: Run) -> AsyncGenerator[Event, None]:
        """Yields what happens; the last event is the `Result`.

        Raises:
            NoEligibleModelError: The policy leaves no model that may run.
            ModelPoolMismatchError: The scorer does not know a model of the pool.
            GenerationFailedError: Every model failed.
            AnswerTimedOutError: No model answered in time.
        """
        await self._screen(run)
        while run.final is None:
            decision = run.next_layer(self.min_stage_s)
            if decision is None:
                break
            yield decision
            if _is_final(run, decision):
                async with aclosing(self._pass_through(run, decision)) as events:
                    async for event in events:
                        yield event
            else:
                yield await self._layer(run, decision)
        if run.final is None and not run.answers:
            raise run.failure()
        if run.final is None:
            started_s = time.monotonic()
            async with aclosing(
                aggregate(run, self.generator, min_stage_s=self.min_stage_s)
            ) as events:
                async for event in events:
                    yield event
            run.timing.aggregation_s = time.monotonic() - started_s
        assert run.final is not None  # noqa: S101  # aggregate ends with an answer or raises
        yield run.result(run.final)

    async def _screen(self, run: Run) -> None:
        """Scores the models before any of them runs; one model alone needs no score."""
        eligible = run.eligible()
        if len(eligible) == 1:
            run.priors = {eligible[0].id: eligible[0].prior_score or 0.0}
            return
        started_s = time.monotonic()
        priors = await self.scorer.priors(run.conversation.query, run.deadline)
        run.timing.scorer_s = time.monotonic() - started_s
        run.priors = priors.scores
        if priors.fallback is not None:
            run.fallbacks.append(priors.fallback)

    async def _layer(self, run: Run, decision: RoutingDecision) -> LayerReport:
        layers_left = run.policy.max_layers - run.layers_run
        outcome = await run_layer(
            [self._proposal(run, decision, run.pool.by_id[m]) for m in decision.selected_model_ids],
            self.generator,
            # The aggregator gets as much as a layer, and what a layer leaves goes to those after it.
            deadline=run.deadline.share(1 / (layers_left + 1)),
            patience=self.patience,
            ledger=run.ledger,
        )
        run.timing.generation_s += outcome.duration_s
        answered = {a.model_id for a in outcome.answered}
        run.failed |= set(decision.selected_model_ids) - answered
        assessments = await self._assess(run, [_answer(a) for a in outcome.answered])
        report = LayerReport(
            layer_number=decision.layer_number,
            selected_model_ids=decision.selected_model_ids,
            answers=run.answers if answered else (),
            assessments=assessments,
            usage=outcome.entries,
            duration_s=outcome.duration_s,
        )
        run.reports.append(report)
        return report

    async def _assess(self, run: Run, answers: list[Answer]) -> tuple[Assessment, ...]:
        """Corrects the scores of the models that ran, and orders the new answers by them."""
        if not answers:
            return ()
        started_s = time.monotonic()
        verdict = await self.judge.assess(answers, run.answers, run.priors, run.deadline)
        run.timing.judge_s += time.monotonic() - started_s
        if verdict.fallback is not None:
            run.fallbacks.append(verdict.fallback)
        run.posteriors.update({a.model_id: a.posterior_score for a in verdict.assessments})
        run.answers = tuple(sorted(answers, key=lambda a: -run.posteriors[a.model_id]))
        return verdict.assessments

    def _proposal(self, run: Run, decision: RoutingDecision, model: PoolModel) -> Proposal:
        nonce = new_nonce()
        answers = [(answer.model_id, answer.text) for answer in run.answers]
        fitting = list(fit_references(model, run.conversation, answers))
        # Each model reads the answers in an order of its own, so that no place in it is favoured.
        random.Random(nonce).shuffle(fitting)  # noqa: S311  # fairness, not secrecy
        references = labelled(fitting)
        call = ModelCall(
            model=model,
            messages=prompts.proposer(run.conversation, references, nonce),
            purpose=CallPurpose.ANSWER,
            layer_number=decision.layer_number,
        )
        return Proposal(call=call, nonce=nonce, references=references)

    async def _pass_through(
        self, run: Run, decision: RoutingDecision
    ) -> AsyncGenerator[Event, None]:
        """Streams the only model of the last layer to the user, as it writes."""
        started_s = time.monotonic()
        model = run.pool.by_id[decision.selected_model_ids[0]]
        call = self._final_call(run, decision, model)
        others = len(decision.ranked) > 1
        first_text = run.deadline.share(0.5) if others else run.deadline
        async with aclosing(
            write_final(run, call, self.generator, first_text=first_text)
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
            usage=(run.ledger.entries[-1],),
            duration_s=duration_s,
        )
        run.reports.append(report)
        yield report

    def _final_call(self, run: Run, decision: RoutingDecision, model: PoolModel) -> ModelCall:
        answers = [(answer.model_id, answer.text) for answer in run.answers]
        references = labelled(fit_references(model, run.conversation, answers))
        messages = (
            prompts.aggregator(run.conversation, references, new_nonce())
            if references
            else prompts.plain(run.conversation)
        )
        return ModelCall(
            model=model,
            messages=messages,
            purpose=CallPurpose.ANSWER,
            layer_number=decision.layer_number,
        )


def _is_final(run: Run, decision: RoutingDecision) -> bool:
    """Says whether a layer's one answer can only be the final one, so that it need not be assessed."""
    last = run.layers_run + 1 >= run.policy.max_layers
    alone = len(decision.ranked) == 1
    return len(decision.selected_model_ids) == 1 and (last or alone)


def _answer(answered: Answered) -> Answer:
    return Answer(
        model_id=answered.model_id,
        text=answered.reply.answer,
        prompt_tokens=answered.entry.prompt_tokens,
        completion_tokens=answered.entry.completion_tokens,
        self_score=answered.reply.self_score,
        grades=answered.reply.grades,
    )
