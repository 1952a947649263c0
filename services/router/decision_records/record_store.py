"""Opens the buffers of records and their sinks, as the settings say."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.decision_records.buffer import open_buffer
from services.router.decision_records.decision_ids import DecisionIds
from services.router.decision_records.files import FEEDBACK_PREFIX, FilesSink, Rotation
from services.router.decision_records.redaction import Redaction
from services.router.decision_records.sinks import StdoutSink
from services.router.decision_records.tables import DECISIONS, FEEDBACK
from services.rpc.server import StartUpError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from services.router.decision_records.buffer import RecordBuffer
    from services.router.decision_records.config import RecordSettings
    from services.router.decision_records.feedback_record import FeedbackLine
    from services.router.decision_records.sinks import Line, Sink

BUFFER_BYTES = 16 * 1024 * 1024
"""Most that waiting records may take: some 1,500 of two layers over 15 models, without text."""
FEEDBACK_BUFFER_BYTES = 4 * 1024 * 1024
"""Most that waiting feedback may take: some 10,000, without better answers."""
DRAIN_TIMEOUT_S = 5.0
"""Time to write the waiting records at the end: a sink that is up takes them all in less."""
_FEEDBACK_DRAIN_SHARE = 0.2
_FEEDBACK_DIRECTORY_SHARE = 0.125
"""The part of the directory's limit that files of feedback may have beside those of decisions."""
_MIN_KEY_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStore:
    """The buffers of records, and the operator's choices for what they hold."""

    decisions: RecordBuffer[Line] | None
    """None if no records are kept."""
    feedback: RecordBuffer[FeedbackLine] | None
    """None if no feedback is kept."""
    redaction: Redaction
    ids: DecisionIds


@asynccontextmanager
async def open_store(
    settings: RecordSettings, *, drain_timeout_s: float = DRAIN_TIMEOUT_S
) -> AsyncIterator[RecordStore]:
    """Opens buffers and sinks; when the block ends, writes the waiting records and closes them.

    Args:
        settings: The settings of decision records.
        drain_timeout_s: Time to write the waiting records when the block ends.

    Raises:
        StartUpError: A file that the settings name cannot be used.
    """
    key = _read_key(settings)
    async with AsyncExitStack() as stack:
        decisions, feedback = await _open_buffers(settings, stack, drain_timeout_s)
        yield RecordStore(
            decisions=decisions,
            feedback=None if key is None else feedback,
            redaction=Redaction(key=key, keep_text=settings.keep_text),
            ids=DecisionIds(key),
        )


async def _open_buffers(
    settings: RecordSettings, stack: AsyncExitStack, drain_timeout_s: float
) -> tuple[RecordBuffer[Line] | None, RecordBuffer[FeedbackLine] | None]:
    """Returns the buffers of decisions and of feedback; None if the settings name no sink."""
    sinks = _open_sinks(settings)
    if sinks is None:
        return None, None
    if isinstance(sinks, StdoutSink):
        # One buffer for both: two writers would mix their lines.
        both = open_buffer(sinks, max_bytes=BUFFER_BYTES, drain_timeout_s=drain_timeout_s)
        buffer = await stack.enter_async_context(both)
        return buffer, buffer
    decisions = open_buffer(sinks[0], max_bytes=BUFFER_BYTES, drain_timeout_s=drain_timeout_s)
    feedback = open_buffer(
        sinks[1],
        max_bytes=FEEDBACK_BUFFER_BYTES,
        drain_timeout_s=_FEEDBACK_DRAIN_SHARE * drain_timeout_s,
    )
    return await stack.enter_async_context(decisions), await stack.enter_async_context(feedback)


def _open_sinks(
    settings: RecordSettings,
) -> StdoutSink | tuple[Sink[Line], Sink[FeedbackLine]] | None:
    """Returns the sinks of decisions and of feedback, or the one of both.

    Raises:
        StartUpError: The file with the connection string cannot be read.
    """
    match settings.sink:
        case "stdout":
            return StdoutSink()
        case "files" if settings.dir is not None:
            most = settings.dir_max_bytes
            small = Rotation(max_directory_bytes=int(_FEEDBACK_DIRECTORY_SHARE * most))
            return (
                FilesSink(settings.dir, Rotation(max_directory_bytes=most)),
                FilesSink(settings.dir, small, prefix=FEEDBACK_PREFIX),
            )
        case "postgres" if settings.postgres_dsn_file is not None:
            _read(settings.postgres_dsn_file, "records_postgres_dsn_file")
            # Imported here because loading the driver is slow, and most routers do not need it.
            from services.router.decision_records.postgres import PostgresSink  # noqa: PLC0415

            file = settings.postgres_dsn_file
            return PostgresSink(file, DECISIONS), PostgresSink(file, FEEDBACK)
        case _:
            return None


def _read_key(settings: RecordSettings) -> bytes | None:
    """Returns the operator's key; None if there is none.

    Raises:
        StartUpError: The key cannot be read or is too short.
    """
    if settings.hash_key_file is None:
        return None
    key = _read(settings.hash_key_file, "records_hash_key_file").strip()
    if len(key) < _MIN_KEY_BYTES:
        raise StartUpError(f"records_hash_key_file holds fewer than {_MIN_KEY_BYTES} bytes")
    return key


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StartUpError(f"{setting} cannot be read: {error}") from error
