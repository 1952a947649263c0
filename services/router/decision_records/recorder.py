"""Records each answer at its end, however it ends."""

from __future__ import annotations

import dataclasses
import time
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog
from pydantic import ValidationError

from routemoa.errors import RouteMoAError
from services.router.decision_records.buffer import open_buffer
from services.router.decision_records.build import Ending, decision_record
from services.router.decision_records.files import FilesSink, Rotation
from services.router.decision_records.metrics import DROPPED
from services.router.decision_records.record import AnswerOutcome
from services.router.decision_records.redaction import Redaction
from services.router.decision_records.sinks import StdoutSink, line_of
from services.router.routing.events import Result, RoutingDecision
from services.rpc.server import StartUpError
from services.rpc.tracing.origin import current

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

    from services.router.decision_records.buffer import RecordBuffer
    from services.router.decision_records.config import RecordSettings
    from services.router.decision_records.sinks import Sink
    from services.router.engine.run import Run
    from services.router.routing.events import Event

BUFFER_BYTES = 16 * 1024 * 1024
"""Most that waiting records may take: some 1,500 of two layers over 15 models, without text."""
DRAIN_TIMEOUT_S = 5.0
"""Time to write the waiting records at the end: a sink that is up takes them all in less."""
_MIN_KEY_BYTES = 16
_log = structlog.get_logger()


class Recorder:
    """Writes a record per answer; none if there is no buffer."""

    def __init__(
        self, buffer: RecordBuffer | None, redaction: Redaction, config_version: str
    ) -> None:
        self._buffer = buffer
        self._redaction = redaction
        self._config_version = config_version

    def watch(
        self, run: Run, events: AsyncGenerator[Event, None], *, tenant: str | None
    ) -> AsyncGenerator[Event, None]:
        """Returns the same events; the result has the id of the record."""
        return events if self._buffer is None else self._watch(self._buffer, run, events, tenant)

    async def _watch(
        self,
        buffer: RecordBuffer,
        run: Run,
        events: AsyncGenerator[Event, None],
        tenant: str | None,
    ) -> AsyncGenerator[Event, None]:
        decision_id, started, origin = uuid4().hex, datetime.now(UTC), current()
        origin.facts["decision_id"] = decision_id
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
                request_id=origin.request_id or None,
                trace_id=origin.trace_id or None,
                started=started,
                outcome=outcome,
                error_reason=error_reason,
                tenant=tenant,
                total_s=time.monotonic() - run.started_s,
                config_version=self._config_version,
            )
            self._write(buffer, run, decisions, ending)

    def _write(
        self, buffer: RecordBuffer, run: Run, decisions: list[RoutingDecision], ending: Ending
    ) -> None:
        try:
            record = decision_record(run, decisions, ending, self._redaction)
        except ValidationError as error:
            # A bug of the router. It must not fail the answer, which is already sent.
            DROPPED.labels("invalid").inc()
            fields = [".".join(map(str, item["loc"])) for item in error.errors(include_input=False)]
            _log.exception("decision_record_invalid", fields=fields)
            return
        buffer.put(line_of(record))


@asynccontextmanager
async def open_recorder(
    settings: RecordSettings, config_version: str, *, drain_timeout_s: float = DRAIN_TIMEOUT_S
) -> AsyncIterator[Recorder]:
    """Opens the recorder and its sink; when the block ends, writes the waiting records and closes it.

    Args:
        settings: The settings of decision records.
        config_version: Identifies all settings of the service.
        drain_timeout_s: Time to write the waiting records when the block ends.

    Raises:
        StartUpError: A file that the settings name cannot be used.
    """
    redaction = _read_redaction(settings)
    sink = _open_sink(settings)
    if sink is None:
        yield Recorder(None, redaction, config_version)
        return
    async with open_buffer(sink, max_bytes=BUFFER_BYTES, drain_timeout_s=drain_timeout_s) as buffer:
        yield Recorder(buffer, redaction, config_version)


def _open_sink(settings: RecordSettings) -> Sink | None:
    """Returns the sink that the settings name; None if they name none.

    Raises:
        StartUpError: The file with the connection string cannot be read.
    """
    match settings.sink:
        case "stdout":
            return StdoutSink()
        case "files" if settings.dir is not None:
            return FilesSink(settings.dir, Rotation(max_directory_bytes=settings.dir_max_bytes))
        case "postgres" if settings.postgres_dsn_file is not None:
            _read(settings.postgres_dsn_file, "records_postgres_dsn_file")
            # Imported here because loading the driver is slow, and most routers do not need it.
            from services.router.decision_records.postgres import PostgresSink  # noqa: PLC0415

            return PostgresSink(settings.postgres_dsn_file)
        case _:
            return None


def _read_redaction(settings: RecordSettings) -> Redaction:
    """Returns the operator's choice of texts.

    Raises:
        StartUpError: The key cannot be read or is too short.
    """
    key = None
    if settings.hash_key_file is not None:
        key = _read(settings.hash_key_file, "records_hash_key_file").strip()
        if len(key) < _MIN_KEY_BYTES:
            raise StartUpError(f"records_hash_key_file holds fewer than {_MIN_KEY_BYTES} bytes")
    return Redaction(key=key, keep_text=settings.keep_text)


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StartUpError(f"{setting} cannot be read: {error}") from error
