"""The only model of the last layer writes the answer that the user reads."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import pytest

from services.router.backends.replicas.retry_budget import RetryBudget
from services.router.engine import proposals
from services.router.engine.engine import Engine
from services.router.engine.patience import Patience
from services.router.engine.run import Run
from services.router.exploration.explorer import Explorer
from services.router.pool.expected_latency import ExpectedLatencies
from services.router.pool.pool import Pool
from services.router.routing.events import Answer, Delta, LayerReport, Reset, RoutingDecision
from services.router.types.conversation import Conversation
from services.router.types.deadline import Deadline
from services.router.types.ledger import CallStatus, FinishReason
from services.router.types.messages import Message, Role
from tests.unit.router.candidates import POLICY, candidate, rank
from tests.unit.router.pool_models import model
from tests.unit.router.scripted import ScriptedGenerator, Step
from tests.virtual_time import virtually

if TYPE_CHECKING:
    from services.router.dependencies.judge_client import Judge
    from services.router.dependencies.scorer_client import Scorer
    from services.router.routing.events import Event

SEVEN = Answer(model_id="another", text="Seven.")


@dataclass
class Told:
    """The events of a final answer with their times, and its run."""

    run: Run
    events: list[tuple[float, Event]]

    @property
    def shown(self) -> str:
        return "".join(event.text for _, event in self.events if isinstance(event, Delta))

    @property
    def kinds(self) -> list[type[object]]:
        return [type(event) for _, event in self.events]

    @property
    def statuses(self) -> list[CallStatus]:
        return [entry.status for entry in self.run.ledger.entries]


async def told(
    *script: Step,
    deadline_s: float = 10.0,
    answers: tuple[Answer, ...] = (),
    taking_s: float = 0.0,
) -> Told:
    """Runs a model by a script, and returns what a caller sees who takes each event in some time."""
    clock = asyncio.get_running_loop().time
    only = model(4_000)
    run = Run(
        pool=Pool(models=(only,)),
        conversation=Conversation(messages=(Message(role=Role.USER, content="How many legs?"),)),
        policy=replace(POLICY, strategy="single"),
        deadline=Deadline.after(deadline_s),
        started_s=clock(),
        answers=answers,
    )
    decision = RoutingDecision(
        layer_number=1,
        ranked=rank([candidate(only.id, 0.9)], POLICY),
        selected_model_ids=(only.id,),
    )
    engine = Engine(
        explorer=Explorer(usd_per_day=0.0),
        scorer=cast("Scorer", None),
        judge=cast("Judge", None),
        generator=ScriptedGenerator({only.id: script} if script else {}),
        latencies=ExpectedLatencies(),
        patience=Patience(quorum_share=0.6),
        backup_budget=RetryBudget(share=0.0),
        min_stage_s=1.0,
    )
    seen = Told(run, [])
    async for event in engine.stream_last(run, decision):
        seen.events.append((round(clock() - run.started_s, 3), event))
        await asyncio.sleep(taking_s)
    return seen


@virtually
async def test_each_piece_is_shown_as_it_comes_and_the_whole_is_the_answer() -> None:
    seen = await told((1.0, "Eight"), (2.0, " legs."))
    assert seen.events[:2] == [(1.0, Delta(text="Eight")), (3.0, Delta(text=" legs."))]
    assert seen.kinds == [Delta, Delta, LayerReport]
    assert seen.run.final is not None
    assert (seen.run.final.model_id, seen.run.final.text) == ("m", "Eight legs.")
    assert seen.statuses == [CallStatus.OK]
    assert seen.run.timing.first_delta_s == pytest.approx(1.0)


@virtually
async def test_texts_that_pile_up_for_a_slow_caller_travel_together() -> None:
    texts = ("It", " has", " eight", " legs", ".")
    seen = await told(*((1.0, text) for text in texts), taking_s=2.5)
    shown = [event.text for _, event in seen.events if isinstance(event, Delta)]
    assert shown == ["It", " has eight", " legs."]
    assert seen.kinds == [Delta, Delta, Delta, LayerReport]
    assert seen.run.final is not None
    assert seen.run.final.text == "".join(texts)


@virtually
async def test_a_slow_caller_hears_of_a_failure_after_the_texts_before_it(
    unexpected_failures: list[str],
) -> None:
    failure = ValueError("no sound text")
    seen = await told((1.0, "It "), (1.0, "has "), (0.1, "eight"), (0.1, failure), taking_s=5.0)
    assert [event.text for _, event in seen.events if isinstance(event, Delta)] == [
        "It ",
        "has eight",
    ]
    assert seen.kinds == [Delta, Delta, Reset, LayerReport]
    unexpected_failures.clear()


@virtually
async def test_marks_are_never_shown_and_what_only_looks_like_one_comes_with_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (await told((1.0, "Mail me @"))).shown == "Mail me @"
    pieces = ((1.0, "Eight.\n@@en"), (1.0, "d 01234567 R1\nSeven."))
    assert (await told(*pieces)).shown == "Eight.\n@@end 01234567 R1\nSeven."
    monkeypatch.setattr(proposals, "new_nonce", lambda: "01234567")
    assert (await told(*pieces, answers=(SEVEN,))).shown == "Eight.\n"


@virtually
async def test_a_model_that_nobody_could_replace_may_be_silent_almost_to_the_end() -> None:
    assert (await told((9.0, "Eight."))).shown == "Eight."
    assert (await told((1.0, "Ei"), (8.0, "ght."))).shown == "Eight."


@virtually
async def test_a_model_that_is_silent_to_the_deadline_is_stopped() -> None:
    seen = await told()
    assert seen.events[-1][0] == pytest.approx(10.0, abs=0.01)
    assert seen.run.final is None
    assert seen.statuses == [CallStatus.TIMEOUT]
    assert seen.kinds == [LayerReport]


@virtually
async def test_at_the_deadline_an_unfinished_text_is_the_answer_and_marked_as_such() -> None:
    seen = await told((1.0, "Ei"), (20.0, "ght."))
    assert seen.events[-1][0] == pytest.approx(10.0, abs=0.01)
    assert seen.kinds == [Delta, LayerReport]
    assert seen.run.final is not None
    assert (seen.run.final.text, seen.run.final.finish_reason) == ("Ei", FinishReason.DEADLINE)
    assert seen.statuses == [CallStatus.TIMEOUT]


@virtually
async def test_a_model_that_fails_after_some_text_voids_what_was_shown() -> None:
    seen = await told((1.0, "Ei"), (1.0, CallStatus.INTERRUPTED))
    assert seen.kinds == [Delta, Reset, LayerReport]
    assert seen.events[1] == (2.0, Reset(status=CallStatus.INTERRUPTED))
    assert seen.run.final is None
    assert seen.statuses == [CallStatus.INTERRUPTED]


@virtually
async def test_a_model_that_fails_before_any_text_voids_nothing() -> None:
    seen = await told((1.0, CallStatus.UNREACHABLE))
    assert seen.kinds == [LayerReport]
    assert seen.run.final is None


@virtually
async def test_a_reply_that_shows_nothing_is_no_answer() -> None:
    seen = await told((1.0, ""))
    assert seen.run.final is None
    assert seen.statuses == [CallStatus.EMPTY]


@virtually
async def test_an_exception_of_the_writer_is_a_failure_of_its_call(
    unexpected_failures: list[str],
) -> None:
    answer = await told((0.5, "It has "), (0.5, ValueError("no sound text")))
    assert answer.kinds == [Delta, Reset, LayerReport]
    assert answer.statuses == [CallStatus.MALFORMED]
    assert answer.run.final is None
    assert unexpected_failures == ["ValueError('no sound text')"]
    unexpected_failures.clear()
