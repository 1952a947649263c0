"""Records each answer at its end, however it ends."""

from __future__ import annotations

import dataclasses
import time
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from pydantic import ValidationError

from routemoa.errors import RouteMoAError
from services.router.decision_records.build import Ending, decision_record
from services.router.decision_records.metrics import DROPPED
from services.router.decision_records.record import AnswerOutcome
from services.router.decision_records.sinks import line_of
from services.router.routing.events import Result, RoutingDecision

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from services.router.decision_records.buffer import RecordBuffer
    from services.router.decision_records.record_store import RecordStore
    from services.router.decision_records.sinks import Line
    from services.router.engine.run import Run
    from services.router.routing.events import Event

_log = structlog.get_logger()


class Recorder:
    """Writes a record per answer; none if no records are kept.

    Args:
        store: The buffer of the records.
        config_version: Identifies all settings of the service.
    """

    def __init__(self, store: RecordStore, config_version: str) -> None:
        self._store = store
        self._config_version = config_version

    def watch(
        self, run: Run, events: AsyncGenerator[Event, None], *, tenant: str | None
    ) -> AsyncGenerator[Event, None]:
        """Returns the same events; the result has the id of the record."""
        buffer = self._store.decisions
        return events if buffer is None else self._watch(buffer, run, events, tenant)

    async def _watch(
        self,
        buffer: RecordBuffer[Line],
        run: Run,
        events: AsyncGenerator[Event, None],
        tenant: str | None,
    ) -> AsyncGenerator[Event, None]:
        started = datetime.now(UTC)
        decision_id = self._store.ids.new(tenant, started)
        decisions: list[RoutingDecision] = []
        outcome, error_reason = AnswerOutcome.CANCELLED, None
        try:
            # Closed first, so that the ledger is complete before the record is built.
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, RoutingDecision):
                        decisions.append(event)
                    if isinstance(event, Result):
                        outcome = AnswerOutcome.ANSWERED
                        yield dataclasses.replace(event, decision_id=decision_id)
                    else:
                        yield event
        except Exception as error:
            outcome = AnswerOutcome.FAILED
            error_reason = error.reason if isinstance(error, RouteMoAError) else None
            raise
        finally:
            ending = Ending(
                id=decision_id,
                started=started,
                outcome=outcome,
                error_reason=error_reason,
                tenant=tenant,
                total_s=time.monotonic() - run.started_s,
                config_version=self._config_version,
            )
            self._write(buffer, run, decisions, ending)

    def _write(
        self, buffer: RecordBuffer[Line], run: Run, decisions: list[RoutingDecision], ending: Ending
    ) -> None:
        try:
            record = decision_record(run, decisions, ending, self._store.redaction)
        except ValidationError as error:
            # A bug of the router. It must not fail the answer, which is already sent.
            DROPPED.labels("invalid").inc()
            fields = [".".join(map(str, item["loc"])) for item in error.errors(include_input=False)]
            _log.exception("decision_record_invalid", fields=fields)
            return
        buffer.put(line_of(record))
