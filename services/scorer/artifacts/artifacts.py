"""The artifacts that a scorer serves, by name; reloads each one when its files change.

manifest changes -> open, warm up, check -> valid: replaces the old one, which finishes its calls
                                         -> invalid: problems are logged, the old one is kept
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import structlog

from scorer.runtime.artifact import MANIFEST_FILE
from services.rpc.server import StartUpError
from services.rpc.telemetry import RELOAD_REFUSED, RELOADS
from services.scorer import metrics
from services.scorer.artifacts.opener import close_when_idle

if TYPE_CHECKING:
    from pathlib import Path

    from services.scorer.artifacts.opener import Opener
    from services.scorer.config import ScorerServiceConfig
    from services.scorer.scoring import Scoring

DEFAULT = ""
"""The name of the default artifact, for requests that name none."""

_log = structlog.get_logger()


@dataclass(slots=True, kw_only=True, eq=False)
class _Entry:
    """The artifact of one name."""

    path: Path
    manifest: bytes
    scoring: Scoring
    problems: tuple[str, ...] = ()
    """The problems of the current files; empty if they are in use."""


class Artifacts:
    """The artifacts, which are reloaded when their files change until the `async with` block ends.

    Args:
        config: The settings, with the directory of each artifact.
        opener: Opens an artifact.

    Raises:
        StartUpError: An artifact is not usable, or the execution provider is not available.
    """

    def __init__(self, config: ScorerServiceConfig, opener: Opener) -> None:
        self._config = config
        self._opener = opener
        self._entries: dict[str, _Entry] = {}
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        for name, path in self._config.artifact_paths.items():
            manifest = _manifest(path)
            scoring = await self._opener.open(path, frozenset())
            self._entries[name] = _Entry(path=path, manifest=manifest, scoring=scoring)
            RELOAD_REFUSED.labels(_label(name)).set(0)
            self._report(name, scoring, 1)
        await self._tasks.__aenter__()
        self._watcher = self._tasks.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watcher.cancel()
        await self._tasks.__aexit__(None, None, None)
        async with asyncio.TaskGroup() as tasks:
            for entry in self._entries.values():
                tasks.create_task(entry.scoring.__aexit__())

    @property
    def default(self) -> Scoring:
        """The default artifact, for requests that name none."""
        return self._entries[DEFAULT].scoring

    @property
    def names(self) -> tuple[str, ...]:
        """The names that a request may use."""
        return tuple(name for name in self._entries if name != DEFAULT)

    def get(self, name: str) -> Scoring | None:
        """Returns the current artifact of a name; None if there is none."""
        entry = self._entries.get(name)
        return None if entry is None else entry.scoring

    async def refresh(self) -> None:
        """Reloads every artifact whose files have changed; an invalid one changes nothing."""
        for name, entry in self._entries.items():
            manifest = await asyncio.to_thread(_manifest, entry.path)
            if manifest != entry.manifest:
                await self._replace(name, entry, manifest)
            elif entry.problems:
                self._record_problems(name, entry, ())

    async def _replace(self, name: str, entry: _Entry, manifest: bytes) -> None:
        served = frozenset(entry.scoring.runtime.model_ids)
        try:
            scoring = await self._opener.open(entry.path, served)
        except StartUpError as error:
            self._record_problems(name, entry, (str(error), *error.problems))
            return
        except Exception as error:  # noqa: BLE001  # whatever goes wrong, the old artifact is kept
            self._record_problems(name, entry, (f"cannot be opened: {type(error).__name__}",))
            return
        old, entry.scoring, entry.manifest = entry.scoring, scoring, manifest
        self._record_problems(name, entry, ())
        RELOADS.labels(_label(name), "loaded").inc()
        self._report(name, old, 0)
        self._report(name, entry.scoring, 1)
        version = scoring.runtime.version
        _log.info("reloaded", what=_label(name), version=version, before=old.runtime.version)
        self._tasks.create_task(close_when_idle(old))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._config.artifact_reload_interval_s)
            await self.refresh()

    def _record_problems(self, name: str, entry: _Entry, problems: tuple[str, ...]) -> None:
        if problems and problems != entry.problems:
            RELOADS.labels(_label(name), "refused").inc()
            _log.error("reload_refused", what=_label(name), problems=problems)
        entry.problems = problems
        RELOAD_REFUSED.labels(_label(name)).set(bool(problems))

    def _report(self, name: str, scoring: Scoring, number: int) -> None:
        runtime = scoring.runtime
        labels = (name, runtime.version, runtime.provider, runtime.precision)
        metrics.ARTIFACT.labels(*labels).set(number)


def _manifest(path: Path) -> bytes:
    """Returns the manifest, whose hashes identify the artifact's files; empty if it is missing."""
    try:
        return (path / MANIFEST_FILE).read_bytes()
    except OSError:
        return b""


def _label(name: str) -> str:
    return f"artifact:{name}" if name else "artifact"
