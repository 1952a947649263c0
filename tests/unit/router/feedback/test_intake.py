from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY

from routemoa.errors import (
    DecisionNotFoundError,
    FeedbackDisabledError,
    FeedbackLimitError,
    InvalidFieldError,
)
from services.router.decision_records.buffer import open_buffer
from services.router.decision_records.decision_ids import DecisionIds
from services.router.decision_records.feedback_record import FeedbackSource
from services.router.decision_records.record_store import RecordStore
from services.router.decision_records.redaction import Redaction
from services.router.decision_records.sinks import SinkDownError
from services.router.feedback.evidence import Evidence
from services.router.feedback.intake import FeedbackIntake
from services.router.values.memory_values import MemoryValues

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from services.router.decision_records.feedback_record import FeedbackLine

NOW = datetime(2026, 12, 1, tzinfo=UTC)
IDS = DecisionIds(b"sixteen bytes or more")
EVIDENCE = Evidence(
    decision_id=IDS.new("us", NOW - timedelta(days=29)),
    feedback_id="f",
    source=FeedbackSource.CHECKER,
    score=0.0,
)


class Sink:
    """Keeps the lines; can be down."""

    def __init__(self) -> None:
        self.lines: list[FeedbackLine] = []
        self.is_down = False

    async def write(self, lines: Sequence[FeedbackLine]) -> None:
        if self.is_down:
            raise SinkDownError("down")
        self.lines += lines

    async def close(self) -> None:
        """Has nothing to close."""


@asynccontextmanager
async def intake(
    sink: Sink, *, keep_text: bool = False, max_bytes: int = 1_000_000
) -> AsyncIterator[FeedbackIntake]:
    async with open_buffer(
        sink, max_bytes=max_bytes, drain_timeout_s=60, first_pause_s=0.001
    ) as buffer:
        redaction = Redaction(keep_text=keep_text)
        store = RecordStore(decisions=None, feedback=buffer, redaction=redaction, ids=IDS)
        yield FeedbackIntake(store, (), MemoryValues(max_bytes=100_000), now=lambda: NOW)


def counted(outcome: str) -> float:
    labels = {"source": "checker", "outcome": outcome}
    return REGISTRY.get_sample_value("routemoa_router_feedback_total", labels) or 0.0


async def test_feedback_becomes_a_line_with_time_and_tenant() -> None:
    sink, before = Sink(), counted("recorded")
    async with intake(sink) as feedback:
        assert await feedback.take(EVIDENCE, "us") is False
    (line,) = sink.lines
    assert json.loads(line.json) == {
        "schema_version": 1,
        "feedback_id": "f",
        "decision_id": EVIDENCE.decision_id,
        "time": "2026-12-01T00:00:00Z",
        "tenant": "us",
        "source": "checker",
        "score": 0.0,
        "preferred_model_id": None,
        "better_answer": None,
    }
    assert counted("recorded") == before + 1


async def test_the_same_feedback_again_is_recorded_once_and_other_under_its_id_refused() -> None:
    sink = Sink()
    async with intake(sink) as feedback:
        assert await feedback.take(EVIDENCE, "us") is False
        assert await feedback.take(EVIDENCE, "us") is True
        with pytest.raises(InvalidFieldError) as raised:
            await feedback.take(replace(EVIDENCE, score=1.0), "us")
        assert [item.field for item in raised.value.violations] == ["feedback_id"]
        assert await feedback.take(replace(EVIDENCE, feedback_id="g", score=1.0), "us") is False
    assert [line.feedback_id for line in sink.lines] == ["f", "g"]


async def test_unknown_foreign_and_old_decisions_are_refused_in_the_same_words() -> None:
    sink = Sink()
    old = replace(EVIDENCE, decision_id=IDS.new("us", NOW - timedelta(days=31)))
    unknown = replace(EVIDENCE, decision_id="0" * 48)
    messages = set()
    async with intake(sink) as feedback:
        for evidence, tenant in (
            (EVIDENCE, "them"),
            (EVIDENCE, None),
            (old, "us"),
            (unknown, "us"),
        ):
            with pytest.raises(DecisionNotFoundError) as raised:
                await feedback.take(evidence, tenant)
            messages.add((str(raised.value), tuple(raised.value.metadata.items())))
    assert len(messages) == 1
    assert sink.lines == []


async def test_a_better_answer_is_kept_where_texts_are() -> None:
    better = replace(EVIDENCE, better_answer="Eight.")
    for keep_text in (True, False):
        sink = Sink()
        async with intake(sink, keep_text=keep_text) as feedback:
            await feedback.take(better, "us")
        assert json.loads(sink.lines[0].json)["better_answer"] == ("Eight." if keep_text else None)
    assert "Eight" not in repr(better)


async def test_a_better_answer_alone_is_refused_where_texts_are_not_kept() -> None:
    alone = replace(EVIDENCE, score=None, better_answer="Eight.")
    async with intake(Sink()) as feedback:
        with pytest.raises(FeedbackDisabledError) as raised:
            await feedback.take(alone, "us")
    assert raised.value.metadata == {"settings": "records_keep_text"}


async def test_a_flood_of_one_tenant_is_cut_and_others_go_on() -> None:
    sink = Sink()
    theirs = replace(EVIDENCE, decision_id=IDS.new("them", NOW))
    async with intake(sink) as feedback:
        taken, delay_s = await _flood(feedback)
        assert 100 <= taken < 300
        assert delay_s > 0
        assert await feedback.take(theirs, "them") is False
    assert sink.lines[-1].tenant == "them"


async def test_while_the_sink_is_down_each_tenant_fills_its_part_of_the_buffer() -> None:
    sink, before = Sink(), counted("feedback_limit")
    sink.is_down = True
    async with intake(sink, max_bytes=8_000) as feedback:
        taken, delay_s = await _flood(feedback)
        assert 5 <= taken < 20
        assert delay_s == 5
        theirs = replace(EVIDENCE, decision_id=IDS.new("them", NOW))
        assert await feedback.take(theirs, "them") is False
        # Nothing was kept of it: the same call is taken when there is room.
        sink.is_down = False
        await _until_taken(feedback, replace(EVIDENCE, feedback_id=str(taken)))
    assert len(sink.lines) == taken + 2
    assert counted("feedback_limit") > before


async def test_without_its_settings_a_router_names_them() -> None:
    store = RecordStore(decisions=None, feedback=None, redaction=Redaction(keep_text=True), ids=IDS)
    feedback = FeedbackIntake(store, ("records_sink",), MemoryValues(max_bytes=1000))
    with pytest.raises(FeedbackDisabledError, match="records_sink") as raised:
        await feedback.take(EVIDENCE, "us")
    assert raised.value.metadata == {"settings": "records_sink"}


async def _flood(feedback: FeedbackIntake) -> tuple[int, float]:
    """Sends feedback until it is refused; returns how much was taken, and the delay."""
    for number in range(1000):
        try:
            await feedback.take(replace(EVIDENCE, feedback_id=str(number)), "us")
        except FeedbackLimitError as error:
            return number, error.retry_delay_s or 0.0
    raise AssertionError("nothing was refused")


async def _until_taken(feedback: FeedbackIntake, evidence: Evidence) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                assert await feedback.take(evidence, "us") is False
            except FeedbackLimitError:
                await asyncio.sleep(0.05)
            else:
                return
