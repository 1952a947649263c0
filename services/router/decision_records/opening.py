"""Settings -> the sink, and what of the texts is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.decision_records.files import FilesSink, Rotation
from services.router.decision_records.redaction import Redaction
from services.router.decision_records.stdout import StdoutSink
from services.rpc.server import StartUpError

if TYPE_CHECKING:
    from pathlib import Path

    from services.router.decision_records.settings import RecordSettings
    from services.router.decision_records.sink import Sink

_MIN_KEY_BYTES = 16


def open_sink(settings: RecordSettings) -> Sink | None:
    """Returns the sink that the settings name; None for none.

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
            # Here, since loading the driver takes longer than all else, and most routers need none.
            from services.router.decision_records.postgres import PostgresSink  # noqa: PLC0415

            return PostgresSink(settings.postgres_dsn_file)
        case _:
            return None


def read_redaction(settings: RecordSettings) -> Redaction:
    """Returns what of the texts is kept.

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
