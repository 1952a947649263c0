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
    columns: str
    """The columns before the record, as in SQL."""
    key: str
    """The columns of the primary key: a line with a known key is not stored again."""
    indexes: tuple[str, ...]
    """The columns of each further index."""
    row: Callable[[LineT], tuple[object, ...]]
    """Returns the values of the columns of a line."""

    @property
    def migrations(self) -> tuple[str, ...]:
        """Statements for every new connection, in order; each has no effect if it was done already."""
        columns = f"{self.columns}, record jsonb NOT NULL, PRIMARY KEY ({self.key})"
        return (
            f"CREATE TABLE IF NOT EXISTS {self.name} ({columns})",
            *(
                f"CREATE INDEX IF NOT EXISTS {self.name}_{'_'.join(index.split(', '))} "
                f"ON {self.name} ({index})"
                for index in self.indexes
            ),
        )


DECISIONS: Table[Line] = Table(
    name="routemoa_decisions",
    columns="""
        id text NOT NULL,
        time timestamptz NOT NULL,
        tenant text,
        strategy text NOT NULL,
        outcome text NOT NULL,
        final_model_id text,
        cost_usd double precision NOT NULL""",
    key="id",
    indexes=("time", "tenant, time", "outcome, time"),
    row=lambda line: (
        line.id,
        line.time,
        line.tenant,
        line.strategy,
        line.outcome,
        line.final_model_id,
        line.cost_usd,
    ),
)
FEEDBACK: Table[FeedbackLine] = Table(
    name="routemoa_feedback",
    columns="""
        decision_id text NOT NULL,
        feedback_id text NOT NULL,
        time timestamptz NOT NULL,
        tenant text,
        source text NOT NULL,
        score double precision,
        preferred_model_id text""",
    key="decision_id, feedback_id",
    indexes=("time", "tenant, time"),
    row=lambda line: (
        line.decision_id,
        line.feedback_id,
        line.time,
        line.tenant,
        line.source,
        line.score,
        line.preferred_model_id,
    ),
)
