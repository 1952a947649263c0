from __future__ import annotations

import json
from typing import TYPE_CHECKING

from services.evaluation.decisions.policy_overrides import policy_of
from services.router.decision_records.buffer import RecordBuffer
from services.router.decision_records.decision_ids import DecisionIds
from services.router.decision_records.record_store import RecordStore
from services.router.decision_records.recorder import Recorder
from services.router.decision_records.redaction import Redaction
from services.router.engine.run import Run
from services.router.pool.pool import Pool
from services.router.routing.events import Delta
from services.router.types.conversation import Conversation
from services.router.types.deadline import Deadline
from services.router.types.ledger import CallPurpose, CallStatus, LedgerEntry
from services.router.types.messages import Message, Role
from tests.unit.router.decision_records.samples import KeptSink

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from services.router.decision_records.sinks import Line
    from services.router.routing.events import Event

ENTRY = LedgerEntry(
    model_id="a",
    purpose=CallPurpose.ANSWER,
    status=CallStatus.CANCELLED,
    layer_number=1,
    prompt_tokens=10,
    completion_tokens=20,
    cost_usd=0.5,
    estimated=True,
    duration_s=1.0,
    time_to_first_token_s=0.5,
)


class KeptLines(RecordBuffer["Line"]):
    """Keeps the lines."""

    def __init__(self) -> None:
        super().__init__(KeptSink(), max_bytes=1_000_000, first_pause_s=1)
        self.lines: list[Line] = []

    def put(self, line: Line) -> None:
        self.lines.append(line)


def store_of(buffer: KeptLines) -> RecordStore:
    redaction = Redaction(keep_text=False)
    return RecordStore(decisions=buffer, feedback=None, redaction=redaction, ids=DecisionIds(None))


def new_run() -> Run:
    return Run(
        pool=Pool.model_construct(models=(), safe_models=()),
        conversation=Conversation(messages=(Message(role=Role.USER, content="Why?"),)),
        policy=policy_of({}, {}),
        deadline=Deadline.after(10),
    )


async def billed_when_closed(run: Run) -> AsyncGenerator[Event, None]:
    """Books its call on the way out, as every strategy does."""
    try:
        yield Delta(text="Because")
        yield Delta(text=" of")
    finally:
        run.ledger.add(ENTRY)


async def test_a_consumer_that_stops_reading_is_recorded_with_the_whole_ledger() -> None:
    buffer, run = KeptLines(), new_run()
    watched = Recorder(store_of(buffer), "c").watch(run, billed_when_closed(run), tenant=None)
    assert await anext(watched) == Delta(text="Because")
    await watched.aclose()
    (line,) = buffer.lines
    assert line.outcome == "cancelled"
    assert line.cost_usd == 0.5
    assert [attempt["model_id"] for attempt in json.loads(line.json)["attempts"]] == ["a"]


async def test_a_record_that_would_not_hold_is_counted_and_costs_no_answer() -> None:
    buffer, run = KeptLines(), new_run()
    run.posteriors["a"] = 2.0
    watched = Recorder(store_of(buffer), "c").watch(run, billed_when_closed(run), tenant=None)
    assert [event async for event in watched] == [Delta(text="Because"), Delta(text=" of")]
    assert buffer.lines == []
