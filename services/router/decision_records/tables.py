"""The tables in PostgreSQL: columns to filter by, and the whole record as jsonb."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

from services.router.decision_records.sinks import LineT

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.router.decision_records.feedback_record import FeedbackLine
    from services.router.decision_records.sinks import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Generic[LineT]):
    """A table for one kind of line."""

    name: str
    key: str
    """The columns of the primary key: a line with a known key is not stored again."""
    migrations: tuple[str, ...]
    """Run in order on every new connection; each has no effect if it was done already."""
    row: Callable[[LineT], tuple[object, ...]]
    """Returns the columns of a line, the record last."""


DECISIONS: Table[Line] = Table(
    name="routemoa_decisions",
    key="id",
    migrations=(
        """CREATE TABLE IF NOT EXISTS routemoa_decisions (
            id text PRIMARY KEY,
            time timestamptz NOT NULL,
            tenant text,
            strategy text NOT NULL,
            outcome text NOT NULL,
            final_model_id text,
            cost_usd double precision NOT NULL,
            record jsonb NOT NULL
        )""",
        "CREATE INDEX IF NOT EXISTS routemoa_decisions_time ON routemoa_decisions (time)",
        "CREATE INDEX IF NOT EXISTS routemoa_decisions_tenant_time "
        "ON routemoa_decisions (tenant, time)",
        "CREATE INDEX IF NOT EXISTS routemoa_decisions_outcome_time "
        "ON routemoa_decisions (outcome, time)",
    ),
    row=lambda line: (
        line.id,
        line.time,
        line.tenant,
        line.strategy,
        line.outcome,
        line.final_model_id,
        line.cost_usd,
        line.json.decode(),
    ),
)
FEEDBACK: Table[FeedbackLine] = Table(
    name="routemoa_feedback",
    key="decision_id, feedback_id",
    migrations=(
        """CREATE TABLE IF NOT EXISTS routemoa_feedback (
            decision_id text NOT NULL,
            feedback_id text NOT NULL,
            time timestamptz NOT NULL,
            tenant text,
            source text NOT NULL,
            score double precision,
            preferred_model_id text,
            record jsonb NOT NULL,
            PRIMARY KEY (decision_id, feedback_id)
        )""",
        "CREATE INDEX IF NOT EXISTS routemoa_feedback_time ON routemoa_feedback (time)",
    ),
    row=lambda line: (
        line.decision_id,
        line.feedback_id,
        line.time,
        line.tenant,
        line.source,
        line.score,
        line.preferred_model_id,
        line.json.decode(),
    ),
)
