"""A value that follows the files it was read from, while the service runs.

files change -> load anew -> good: the new value; bad: problems are logged, the last good one stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import structlog

from services.rpc.telemetry import RELOAD_REFUSED, RELOADS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

ValueT = TypeVar("ValueT")
_log = structlog.get_logger()


class FileProblemsError(Exception):
    """Files that cannot be used, with everything that is wrong with them."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Takes one line of text per problem."""
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class Reloaded(Generic[ValueT]):
    """The newest good value.

    Args:
        name: What it is, in logs and metrics.
        paths: The files that it is read from. They are compared by content, since mounted files are
            replaced in ways that their times do not show.
        load: Reads it; raises `FileProblemsError` where that cannot be done, now too.
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
        """Loads the files if they changed; says whether there is a new value.

        Files that were refused are tried again each time, since what is wrong may lie elsewhere.
        """
        contents = self._read()
        if contents == self._contents:
            self._refused([])
            return False
        try:
            self.value = self._load()
        except FileProblemsError as error:
            self._refused(error.problems)
            return False
        except Exception as error:  # noqa: BLE001  # whatever a file does, the last good value stays
            self._refused([f"cannot be read: {type(error).__name__}"])
            return False
        self._contents = contents
        self._refused([])
        RELOADS.labels(self._name, "loaded").inc()
        _log.info("reloaded", what=self._name)
        return True

    def _read(self) -> tuple[bytes | None, ...]:
        return tuple(_content(path) for path in self._paths)

    def _refused(self, problems: list[str]) -> None:
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
