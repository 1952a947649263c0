"""A value that is reloaded when its files change.

files change -> load -> valid: the new value is used
                     -> invalid: the problems are logged, the last valid value stays
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import structlog

from services.rpc.file_problems import FileProblemsError
from services.rpc.telemetry import RELOAD_REFUSED, RELOADS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

ValueT = TypeVar("ValueT")
_log = structlog.get_logger()


class Reloaded(Generic[ValueT]):
    """The last valid value that was loaded.

    Args:
        name: The name in logs and metrics.
        paths: The files that it is read from. They are compared by content, since a mounted file
            may be replaced without a new modification time.
        load: Reads the value.

    Raises:
        FileProblemsError: The files cannot be used now.
    """

    def __init__(self, name: str, paths: Sequence[Path], load: Callable[[], ValueT]) -> None:
        self._name = name
        self._paths = paths
        self._load = load
        self._contents = self._read()
        self._problems: list[str] = []
        self.value = load()
        RELOAD_REFUSED.labels(name).set(0)

    def refresh(self) -> bool:
        """Loads the files if they have changed; returns whether there is a new value.

        Invalid files are loaded again each time, since the cause may lie outside them.
        """
        contents = self._read()
        if contents == self._contents:
            self._record_problems([])
            return False
        try:
            self.value = self._load()
        except FileProblemsError as error:
            self._record_problems(error.problems)
            return False
        except Exception as error:  # noqa: BLE001  # whatever goes wrong, the last valid value stays
            self._record_problems([f"cannot be read: {type(error).__name__}"])
            return False
        self._contents = contents
        self._record_problems([])
        RELOADS.labels(self._name, "loaded").inc()
        _log.info("reloaded", what=self._name)
        return True

    def _read(self) -> tuple[bytes | None, ...]:
        return tuple(_content(path) for path in self._paths)

    def _record_problems(self, problems: list[str]) -> None:
        if problems and problems != self._problems:
            RELOADS.labels(self._name, "refused").inc()
            _log.error("reload_refused", what=self._name, problems=problems)
        self._problems = problems
        RELOAD_REFUSED.labels(self._name).set(bool(problems))


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
