"""Whole answers in one process: every strategy, with models that a test scripts, call by call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from services.router.backends.call_failure import CallFailedError
from services.router.backends.replicas.retry_budget import RetryBudget
from services.router.dependencies.judge_client import Verdict
from services.router.dependencies.priors import Priors
from services.router.engine.engine import Engine
from services.router.engine.patience import Patience
from services.router.exploration.explorer import Explorer
from services.router.pipeline import Pipeline
from services.router.pool.expected_latency import ExpectedLatencies
from services.router.pool.pool import Pool
from services.router.routing.answer_form import AnswerForm
from services.router.routing.events import Assessment, Delta, Reset, Result
from services.router.routing.policy import Policy, PolicySettings
from services.router.routing.presets import STRATEGY_DEFAULTS
from services.router.routing.prompt_caches import NO_CACHES, PromptCaches
from services.router.routing.ranking import Forecast
from services.router.strategies.registry import STRATEGIES
from services.router.types.conversation import Conversation
from services.router.types.deadline import Deadline
from services.router.types.json_schema import compile_schema
from services.router.types.ledger import CallStatus
from services.router.types.messages import Message, Role
from services.router.types.options import (
    NO_OPTIONS,
    Capability,
    GenerationOptions,
    JsonFormat,
    Tool,
)
from services.router.types.pieces import Piece, ToolCallPiece
from tests.unit.router.runs import pool_model

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from services.router.backends.call import ModelCall
    from services.router.dependencies.judge_client import Judge
    from services.router.dependencies.scorer_client import Scorer
    from services.router.routing.events import Answer, Event
    from services.router.sessions.sessions import Sessions

Said = Piece | CallStatus | float
"""A piece of a reply, a failure, or a pause in seconds."""
Speaker = Callable[["ModelCall"], Sequence[Said]]

WEATHER = Tool(
    name="weather",
    parameters_json=json.dumps(
        {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer", "minimum": 1, "default": 1},
            },
            "required": ["city"],
            "additionalProperties": False,
        }
    ),
)
ABLE = [each.value for each in Capability]
CLOCK = Tool(name="clock")
TOOLS = GenerationOptions(tools=(WEATHER, CLOCK))
PERSON = GenerationOptions(
    json_format=JsonFormat(
        name="person",
        schema_json=json.dumps(
            {
                "type": "object",
                "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
                "required": ["name", "age"],
            }
        ),
    )
)


def form_of(options: GenerationOptions) -> AnswerForm:
    """Returns the form that options ask for."""
    return AnswerForm(options, compile_schema)


FREE = form_of(NO_OPTIONS)


def calls(name: str, arguments: str = "{}", *, index: int = 0) -> list[Piece]:
    """Returns the pieces of a call to a tool, its arguments in two fragments."""
    half = len(arguments) // 2
    return [
        ToolCallPiece(
            call_index=index, id=f"call_{name}{index}", name=name, arguments_json=arguments[:half]
        ),
        ToolCallPiece(call_index=index, arguments_json=arguments[half:]),
    ]


def ulm(days: object = None) -> list[Piece]:
    """Returns the pieces of a call for the weather in Ulm."""
    arguments = {"city": "Ulm"} if days is None else {"city": "Ulm", "days": days}
    return calls("weather", json.dumps(arguments))


def says(*said: Said) -> Speaker:
    """Returns a speaker that always says the same."""
    return lambda _call: said


def in_turn(*replies: Sequence[Said]) -> Speaker:
    """Returns a speaker that says something else each time, the last reply ever after."""
    left = list(replies)
    return lambda _call: left.pop(0) if len(left) > 1 else left[0]


@dataclass
class SpokenGenerator:
    """Runs calls by speakers, and keeps the calls."""

    speakers: Mapping[str, Speaker]
    made: list[ModelCall] = field(default_factory=list)

    def unreachable(self, model_ids: Iterable[str]) -> frozenset[str]:
        return frozenset(model_ids) - self.speakers.keys()

    def usual_silence_s(self, model_id: str) -> float | None:
        return None

    async def stream(self, call: ModelCall) -> AsyncGenerator[Piece, None]:
        self.made.append(call)
        for said in self.speakers[call.model.id](call):
            if isinstance(said, CallStatus):
                raise CallFailedError(said)
            if isinstance(said, float):
                await asyncio.sleep(said)
                continue
            call.add(said)
            yield said


@dataclass(frozen=True, slots=True)
class _Recalled:
    """The sessions of a router that remembers one model of every conversation."""

    kept_model_id: str | None
    caches: PromptCaches = NO_CACHES

    async def recall(self, conversation: Conversation) -> _Recalled:
        del conversation
        return self

    def remember(self, *_: object) -> None:
        pass


@dataclass
class _Scores:
    """Scorer and judge: every model has its score, before and after it answers."""

    scores: Mapping[str, float]
    unweighed_ids = None

    async def priors(self, *_: object) -> Priors:
        return Priors(scores=self.scores, forecast=Forecast())

    async def assess(self, answers: Sequence[Answer], *_: object) -> Verdict:
        return Verdict(
            assessments=tuple(
                Assessment(model_id=a.model_id, posterior_score=self.scores[a.model_id])
                for a in answers
            )
        )


@dataclass
class Told:
    """The events that a caller receives, and the calls behind them."""

    events: list[tuple[float, Event]]
    """Each with its time in seconds."""
    made: list[ModelCall]

    @property
    def result(self) -> Result:
        result = self.events[-1][1]
        assert isinstance(result, Result)
        return result

    @property
    def answer(self) -> Answer:
        return self.result.answer

    @property
    def called(self) -> list[tuple[str, str]]:
        """The calls to tools in the answer: names and arguments."""
        return [(call.name, call.arguments_json) for call in self.answer.tool_calls]

    @property
    def asked(self) -> list[str]:
        return [call.model.id for call in self.made]

    @property
    def first_delta_s(self) -> float:
        return next(at_s for at_s, event in self.events if isinstance(event, Delta))

    @property
    def deltas(self) -> list[Delta]:
        """The deltas that are still valid in the end."""
        kept: list[Delta] = []
        for _, event in self.events:
            if isinstance(event, Reset):
                kept.clear()
            elif isinstance(event, Delta):
                kept.append(event)
        return kept

    @property
    def streamed(self) -> tuple[str, list[tuple[str, str]], str]:
        """The text, the calls and the refusal that the deltas add up to."""
        calls: dict[int, list[str]] = {}
        for piece in (piece for delta in self.deltas for piece in delta.tool_calls):
            call = calls.setdefault(piece.call_index, ["", ""])
            call[0] += piece.name
            call[1] += piece.arguments_json
        text = "".join(delta.text for delta in self.deltas)
        refusal = "".join(delta.refusal for delta in self.deltas)
        return text, [(name, arguments) for name, arguments in calls.values()], refusal

    @property
    def statuses(self) -> dict[str, CallStatus]:
        """The status of each model's last call."""
        return {entry.model_id: entry.status for entry in self.result.usage}


def policy_of(strategy: str, changes: Mapping[str, Any]) -> Policy:
    """Returns the policy of a strategy with its own defaults."""
    settings = PolicySettings(
        usd_per_right_answer=None, seconds_per_right_answer=None, price_band=0.0
    )
    settings = settings.updated(STRATEGY_DEFAULTS[strategy])
    fields = {name: getattr(settings, name) for name in PolicySettings.model_fields}
    known = {name: value for name, value in fields.items() if name in Policy.__slots__}
    return replace(
        Policy(
            strategy=strategy,
            kept_answer_count=2,
            model_ids=frozenset(),
            cost_weight=None,
            latency_weight=None,
            **{name: known[name] for name in known if name not in changes},
            **changes,
        )
    )


async def ask(
    strategy: str,
    options: GenerationOptions,
    speakers: Mapping[str, Speaker],
    *,
    scores: Mapping[str, float] | None = None,
    messages: Sequence[Message] = (Message(role=Role.USER, content="How warm is it in Ulm?"),),
    kept_model_id: str | None = None,
    deadline_s: float = 100.0,
    **changes: Any,
) -> Told:
    """Asks a pool of speakers, and returns what the caller receives.

    Args:
        strategy: The strategy.
        options: The caller's wishes.
        speakers: What each model says, by id.
        scores: The score of each model; falling from 0.7 in their order if none are given.
        messages: The conversation.
        kept_model_id: The model that called the tool whose result is the last message.
        deadline_s: The time that the caller gives.
        changes: Fields of the policy.
    """
    names = list(speakers)
    scores = scores or {name: 0.7 - 0.01 * number for number, name in enumerate(names)}
    beliefs = _Scores(scores)
    generator = SpokenGenerator(speakers)
    pool = Pool(models=tuple(pool_model(name, capabilities=ABLE) for name in names))
    engine = Engine(
        explorer=Explorer(usd_per_day=0.0),
        scorer=cast("Scorer", beliefs),
        judge=cast("Judge", beliefs),
        generator=generator,
        latencies=ExpectedLatencies(),
        patience=Patience(quorum_share=0.6),
        backup_budget=RetryBudget(share=0.0),
    )
    pipeline = Pipeline(
        pool=pool,
        engine=engine,
        strategies=STRATEGIES,
        sessions=cast("Sessions", _Recalled(kept_model_id)),
    )
    conversation = Conversation(messages=tuple(messages), options=options)
    run = pipeline.start(conversation, policy_of(strategy, changes), Deadline.after(deadline_s))
    clock = asyncio.get_running_loop().time
    begun_s = clock()
    told = Told([], generator.made)
    async for event in pipeline.answer(run):
        told.events.append((clock() - begun_s, event))
    return told
