"""The state of one answer while its layers run. Planner and engine read it; the engine updates it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from services.router.budgets.reservation import UNLIMITED
from services.router.engine.metrics import UNCERTAIN_QUERIES
from services.router.routing.answer_form import AnswerForm
from services.router.routing.candidates import SelectionReason
from services.router.routing.events import UNCERTAIN, Timing
from services.router.routing.prompt_caches import NO_CACHES
from services.router.routing.ranking import Forecast
from services.router.types.json_schema import compile_schema
from services.router.types.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.budgets.reservation import Budget
    from services.router.exploration.chances import Exploration
    from services.router.pool.pool import Pool
    from services.router.routing.candidates import StopReason
    from services.router.routing.events import Answer, Fallback, LayerReport
    from services.router.routing.policy import Policy
    from services.router.routing.prompt_caches import PromptCaches
    from services.router.types.amounts import Caps
    from services.router.types.conversation import Conversation
    from services.router.types.deadline import Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidAnswer:
    """An answer that does not keep to the form of the request."""

    answer: Answer
    problems: tuple[str, ...]


class Droppable(Protocol):
    """A call that can be stopped and booked."""

    async def drop(self, ledger: Ledger) -> None:
        """Stops the call and books what it used."""
        ...


@dataclass(slots=True, kw_only=True)
class Run:
    """The state of one answer."""

    pool: Pool
    conversation: Conversation
    policy: Policy
    deadline: Deadline
    account: Budget = UNLIMITED
    """Reserves for every call before it is made."""
    started_s: float = field(default_factory=time.monotonic)
    priors: Mapping[str, float] = field(default_factory=dict)
    """Scores before any model runs, by model id."""
    forecast: Forecast = field(default_factory=Forecast)
    posteriors: dict[str, float] = field(default_factory=dict)
    """Corrected scores of the models that have answered, by model id."""
    invalid: list[InvalidAnswer] = field(default_factory=list)
    """The answers that count as errors of their models."""
    failed: set[str] = field(default_factory=set)
    """Models that are not called again for this query; a merely late model is not among them."""
    ledger: Ledger = field(default_factory=Ledger)
    fallbacks: list[Fallback] = field(default_factory=list)
    reports: list[LayerReport] = field(default_factory=list)
    answers: tuple[Answer, ...] = ()
    """Answers of the last layer that brought any, best posterior score first."""
    final: Answer | None = None
    """The final answer, once it is whole."""
    kept_model_id: str | None = None
    """The model that wrote the last answer of the conversation, or asked for the tools whose results
    are the newest messages; None if it is not known or may not run."""
    prompt_caches: PromptCaches = NO_CACHES
    """The backends' caches as far as the conversation is concerned."""
    exploration: Exploration | None = None
    """The part of chance in the choice of the first layer; None if there was none."""
    independent: bool = False
    """True if models are called without sight of the answers so far."""
    unweighed_ids: frozenset[str] | None = None
    """The models whose texts weigh nothing with the judge; None if no text weighs anything."""
    speculative_answer: Droppable | None = None
    """The `SpeculativeAnswer`, if there is one."""
    stop_reason: StopReason | None = None
    timing: Timing = field(default_factory=Timing)
    form: AnswerForm = field(init=False)
    """The form that the request asks of its answer."""

    def __post_init__(self) -> None:
        """Reads the form from the options of the conversation."""
        self.form = AnswerForm(self.conversation.options, compile_schema)

    @property
    def layers_run(self) -> int:
        """Layers that brought an answer."""
        return sum(bool(report.answers) for report in self.reports)

    @property
    def layers_left(self) -> int:
        """Layers that may still bring an answer."""
        return self.policy.max_layer_count - self.layers_run

    @property
    def left(self) -> Caps:
        """The rest of the policy's limits."""
        return self.policy.caps.less(self.ledger.used)

    @property
    def readable(self) -> tuple[Answer, ...]:
        """The answers that the next models read."""
        return () if self.independent else self.answers

    @property
    def takes_partial(self) -> bool:
        """True if an unfinished answer is better than none: nobody has answered, and time is over."""
        return not self.answers and self.form.is_free and self.deadline.remaining_s() <= 0

    @property
    def may_explore(self) -> bool:
        """False if the conversation stays with its model, or if safe models run."""
        uncertain = self.forecast.is_uncertain(self.policy.max_uncertainty)
        return self.kept_model_id is None and not (uncertain and self.pool.safe_models)

    @property
    def tried(self) -> Mapping[str, SelectionReason]:
        """The model that is tried in the first layer; empty if none is."""
        tried = None if self.reports or self.exploration is None else self.exploration.model_id
        return {} if tried is None else {tried: SelectionReason.EXPLORATION}

    def score(self, model_id: str) -> float:
        """Returns the score of a model: its posterior score, else its prior score."""
        return self.posteriors.get(model_id, self.priors[model_id])

    def checked(self, answer: Answer) -> Answer | None:
        """Returns an answer in its normal form; None, and records it, if it is not valid."""
        text, calls = self.form.normal(answer.text, answer.tool_calls)
        if text != answer.text:
            answer = replace(answer, text=text, log_probabilities=())
        if calls != answer.tool_calls:
            answer = replace(answer, tool_calls=calls)
        problems = self.form.problems(answer)
        if problems:
            self.invalid.append(InvalidAnswer(answer=answer, problems=problems))
            return None
        return answer

    def record_first_delta(self) -> None:
        """Records the time of the first text that is sent to the caller."""
        if self.timing.first_delta_s is None:
            self.timing.first_delta_s = time.monotonic() - self.started_s

    def record_reasons(self, reasons: Mapping[str, SelectionReason]) -> None:
        """Reports a selection of safe models as a fallback, once per answer."""
        if SelectionReason.SAFE in reasons.values() and UNCERTAIN not in self.fallbacks:
            self.fallbacks.append(UNCERTAIN)
            UNCERTAIN_QUERIES.inc()

    async def drop_speculative_answer(self) -> None:
        """Stops and books the speculative answer, if there is one."""
        speculative, self.speculative_answer = self.speculative_answer, None
        if speculative is not None:
            await speculative.drop(self.ledger)
