"""Where records go: what every sink does, and what it may raise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.router.decision_records.record import DecisionRecord


class SinkDownError(Exception):
    """Nothing can be written now; the same lines are to be written again later."""


class SinkRefusedError(Exception):
    """What was to be written cannot be, now or later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A record as it is written: one line of JSON, and what tables index it by."""

    id: str
    time: datetime
    tenant: str | None
    strategy: str
    outcome: str
    final_model_id: str | None
    cost_usd: float
    json: bytes
    """UTF-8, without a line end."""


def line_of(record: DecisionRecord) -> Line:
    """Returns the line of a record."""
    return Line(
        id=record.id,
        time=record.time,
        tenant=record.tenant,
        strategy=record.strategy,
        outcome=record.outcome.value,
        final_model_id=record.final_model_id,
        cost_usd=record.totals.cost_usd,
        json=record.model_dump_json(exclude_none=True).encode(),
    )


class Sink(Protocol):
    """Writes lines. Only one task ever uses a sink."""

    async def write(self, lines: Sequence[Line]) -> None:
        """Writes one line or more; returns when they are safe, by the sink's own standard.

        After `SinkDownError` the next call has the same lines first.

        Raises:
            SinkDownError: Nothing can be written now.
            SinkRefusedError: One of the lines can never be written, and none has been.
        """

    async def close(self) -> None:
        """Lets go of what the sink holds."""
