"""Settings -> the sink, and what of the texts is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.decision_records.files import FilesSink, Rotation
from services.router.decision_records.redaction import Redaction
from services.router.decision_records.stdout import StdoutSink
from services.rpc.server import StartUpError

if TYPE_CHECKING:
    from pathlib import Path

    from services.router.decision_records.config import DecisionConfig
    from services.router.decision_records.sink import Sink

_MIN_KEY_BYTES = 16


def open_sink(config: DecisionConfig) -> Sink | None:
    """Returns the sink that the settings name; None for none.

    Raises:
        StartUpError: The file with the connection string cannot be read.
    """
    match config.decision_sink:
        case "stdout":
            return StdoutSink()
        case "files" if config.decision_dir is not None:
            rotation = Rotation(
                max_file_bytes=config.decision_file_max_bytes,
                max_file_age_s=config.decision_file_max_age_s,
                max_directory_bytes=config.decision_dir_max_bytes,
            )
            return FilesSink(config.decision_dir, rotation)
        case "postgres" if config.decision_postgres_dsn_file is not None:
            _read(config.decision_postgres_dsn_file, "decision_postgres_dsn_file")
            # Here, since loading the driver takes longer than all else, and most routers need none.
            from services.router.decision_records.postgres import PostgresSink  # noqa: PLC0415

            return PostgresSink(config.decision_postgres_dsn_file)
        case _:
            return None


def read_redaction(config: DecisionConfig) -> Redaction:
    """Returns what of the texts is kept.

    Raises:
        StartUpError: The key cannot be read or is too short.
    """
    key = None
    if config.decision_hash_key_file is not None:
        key = _read(config.decision_hash_key_file, "decision_hash_key_file").strip()
        if len(key) < _MIN_KEY_BYTES:
            raise StartUpError(f"decision_hash_key_file holds fewer than {_MIN_KEY_BYTES} bytes")
    return Redaction(key=key, keep_text=config.decision_log_text)


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StartUpError(f"{setting} cannot be read: {error}") from error
