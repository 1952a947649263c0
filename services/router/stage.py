"""What strategies are built of: screen, layer, assess, pass through, aggregate.

Each block keeps the ledger, the clocks and the reports of the run, so that a strategy only decides.
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
from services.router.events import Answer, LayerReport
from services.router.final import write_final
from services.router.layer import Answered, Patience, Proposal, run_layer
from services.router.ledger import CallPurpose
from services.router.protocol import new_nonce

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from services.router.dependencies import Judge, Scorer
    from services.router.events import Assessment, Delta, Event, Reset, Resumed, RoutingDecision
    from services.router.generation import Generator
    from services.router.pool import PoolModel
    from services.router.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The building blocks, with everything that they call."""

    scorer: Scorer
    judge: Judge
    generator: Generator
    patience: Patience
    min_stage_s: float
    """Least time left in which starting another layer, or the aggregator, makes sense."""

    async def screen(self, run: Run) -> None:
        """Scores the models before any of them runs; one model alone needs no score.

        Raises:
            ModelPoolMismatchError: The scorer does not know a model of the pool.
        """
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

    async def layer(self, run: Run, decision: RoutingDecision) -> LayerReport:
        """Runs a layer's models together and has their answers assessed. Never raises for a model."""
        layers_left = run.policy.max_layers - run.layers_run
        outcome = await run_layer(
            [_proposal(run, decision, run.pool.by_id[m]) for m in decision.selected_model_ids],
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

    async def pass_through(
        self, run: Run, decision: RoutingDecision
    ) -> AsyncGenerator[Event, None]:
        """Streams the only model of the last layer to the user, as it writes."""
        started_s = time.monotonic()
        model = run.pool.by_id[decision.selected_model_ids[0]]
        call = _final_call(run, decision, model)
        booked_before = len(run.ledger.entries)
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
            usage=tuple(run.ledger.entries[booked_before:]),
            duration_s=duration_s,
        )
        run.reports.append(report)
        yield report

    async def aggregate(self, run: Run) -> AsyncGenerator[Delta | Reset | Resumed, None]:
        """Merges the answers of the last layer into the final one.

        Raises:
            GenerationFailedError: There is none, as every model failed.
            AnswerTimedOutError: There is none, as no model answered in time.
        """
        if not run.answers:
            raise run.failure()
        started_s = time.monotonic()
        async with aclosing(aggregate(run, self.generator, min_stage_s=self.min_stage_s)) as events:
            async for event in events:
                yield event
        run.timing.aggregation_s = time.monotonic() - started_s

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


def _proposal(run: Run, decision: RoutingDecision, model: PoolModel) -> Proposal:
    nonce = new_nonce()
    answers = [(answer.model_id, answer.text) for answer in run.answers]
    fitting = list(fit_references(model, run.conversation, answers))
    # Each model reads the answers in an order of its own, so that no place in it is favoured.
    random.Random(nonce).shuffle(fitting)  # noqa: S311  # fairness, not secrecy
    references = labelled(fitting)
    call = ModelCall(
        model=model,
        session=run.conversation.session,
        messages=prompts.proposer(run.conversation, references, nonce),
        purpose=CallPurpose.ANSWER,
        layer_number=decision.layer_number,
    )
    return Proposal(call=call, nonce=nonce, references=references)


def _final_call(run: Run, decision: RoutingDecision, model: PoolModel) -> ModelCall:
    answers = [(answer.model_id, answer.text) for answer in run.answers]
    references = labelled(fit_references(model, run.conversation, answers))
    messages = (
        prompts.aggregator(run.conversation, references, new_nonce())
        if references
        else prompts.plain(run.conversation)
    )
    return ModelCall(
        model=model,
        session=run.conversation.session,
        messages=messages,
        purpose=CallPurpose.ANSWER,
        layer_number=decision.layer_number,
    )


def _answer(answered: Answered) -> Answer:
    return Answer(
        model_id=answered.model_id,
        text=answered.reply.answer,
        prompt_tokens=answered.prompt_tokens,
        completion_tokens=answered.completion_tokens,
        self_score=answered.reply.self_score,
        grades=answered.reply.grades,
    )
