"""Watches an answer from outside and writes its record when it ends, however it ends."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog
from pydantic import ValidationError

from routemoa.errors import RouteMoAError
from services.router.decision_records.build import Ending, decision_record
from services.router.decision_records.log import DecisionLog, writing
from services.router.decision_records.metrics import DROPPED
from services.router.decision_records.opening import open_sink, read_redaction
from services.router.decision_records.record import Outcome
from services.router.decision_records.sink import line_of
from services.router.routing.events import Result, RoutingDecision

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from services.router.config import RouterServiceConfig
    from services.router.decision_records.redaction import Redaction
    from services.router.engine.run import Run
    from services.router.routing.events import Event

_log = structlog.get_logger()


class Recorder:
    """Writes a record per answer, or none at all without a log."""

    def __init__(self, log: DecisionLog | None, redaction: Redaction, config_version: str) -> None:
        self._log = log
        self._redaction = redaction
        self._config_version = config_version

    def watch(
        self, run: Run, events: AsyncGenerator[Event, None], *, tenant: str | None
    ) -> AsyncGenerator[Event, None]:
        """Returns the same events, the result with the id of the record."""
        return events if self._log is None else self._watch(self._log, run, events, tenant)

    async def _watch(
        self,
        log: DecisionLog,
        run: Run,
        events: AsyncGenerator[Event, None],
        tenant: str | None,
    ) -> AsyncGenerator[Event, None]:
        decision_id, started = uuid4().hex, datetime.now(UTC)
        decisions: list[RoutingDecision] = []
        outcome, error_reason = Outcome.CANCELLED, None
        try:
            # Closed first, so that the ledger is whole before the record is made of it.
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, RoutingDecision):
                        decisions.append(event)
                    if isinstance(event, Result):
                        outcome = Outcome.ANSWERED
                        yield dataclasses.replace(event, decision_id=decision_id)
                    else:
                        yield event
        except Exception as error:
            outcome = Outcome.FAILED
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
            self._write(log, run, decisions, ending)

    def _write(
        self, log: DecisionLog, run: Run, decisions: list[RoutingDecision], ending: Ending
    ) -> None:
        try:
            record = decision_record(run, decisions, ending, self._redaction)
        except ValidationError as error:
            # A fault of ours. It must not cost the answer, which is on its way.
            DROPPED.labels("invalid").inc()
            fields = [".".join(map(str, item["loc"])) for item in error.errors(include_input=False)]
            _log.exception("decision_record_invalid", fields=fields)
            return
        log.put(line_of(record))


@asynccontextmanager
async def recording(config: RouterServiceConfig) -> AsyncIterator[Recorder]:
    """Opens what the settings ask for; writes what waits and closes it when the block ends.

    Raises:
        StartUpError: A file that the settings name cannot be used.
    """
    redaction = read_redaction(config)
    config_version = hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:12]
    sink = open_sink(config)
    if sink is None:
        yield Recorder(None, redaction, config_version)
        return
    log = DecisionLog(sink, max_bytes=config.decision_buffer_bytes)
    async with writing(log, sink, drain_timeout_s=config.decision_drain_timeout_s):
        yield Recorder(log, redaction, config_version)
