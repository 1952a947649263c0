"""The artifacts that a scorer serves, by name; each may be replaced while it serves.

manifest changes -> open, warm up, check -> good: swapped in, the old one ends with its last call
                                          -> bad: problems are logged, the old one serves on
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

import structlog

from scorer import ArtifactError, Provider, ProviderUnavailableError, Runtime, load_artifact
from scorer.runtime.artifact import MANIFEST_FILE
from scorer.runtime.cores import usable_cores
from services.rpc.server import StartUpError
from services.rpc.telemetry import RELOAD_REFUSED, RELOADS
from services.scorer import metrics
from services.scorer.artifacts.low_priority_thread import in_background
from services.scorer.artifacts.reload_checks import problems_of
from services.scorer.scoring import Scoring

if TYPE_CHECKING:
    from pathlib import Path

    from services.scorer.config import ScorerServiceConfig

DEFAULT = ""
"""Name of the artifact that serves requests which name none."""

_log = structlog.get_logger()


@dataclass(slots=True, kw_only=True, eq=False)
class _Place:
    """What stands under a name."""

    path: Path
    manifest: bytes
    scoring: Scoring
    problems: tuple[str, ...] = ()
    """Of the newest files, where they were refused."""


class Artifacts:
    """Opens artifacts and follows their files, from `async with` until the block ends.

    Raises:
        StartUpError: An artifact is bad, or the provider is not to be had.
    """

    def __init__(self, config: ScorerServiceConfig) -> None:
        self._config = config
        self._places: dict[str, _Place] = {}
        self._tasks = asyncio.TaskGroup()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for name, path in self._config.artifact_paths.items():
            manifest = _manifest(path)
            scoring = await self._started(await self._opened(path, frozenset()))
            self._places[name] = _Place(path=path, manifest=manifest, scoring=scoring)
            RELOAD_REFUSED.labels(_label(name)).set(0)
            self._count(name, scoring, 1)
        await self._tasks.__aenter__()
        self._follower = self._tasks.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._follower.cancel()
        await self._tasks.__aexit__(None, None, None)
        async with asyncio.TaskGroup() as tasks:
            for place in self._places.values():
                tasks.create_task(place.scoring.__aexit__())

    @property
    def default(self) -> Scoring:
        """What scores for requests that name no artifact."""
        return self._places[DEFAULT].scoring

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a request may give."""
        return tuple(name for name in self._places if name != DEFAULT)

    def get(self, name: str) -> Scoring | None:
        """Returns what scores under a name now; None if nothing does."""
        place = self._places.get(name)
        return None if place is None else place.scoring

    async def refresh(self) -> None:
        """Replaces every artifact whose files are others than those in use, unless they are bad."""
        for name, place in self._places.items():
            manifest = await asyncio.to_thread(_manifest, place.path)
            if manifest != place.manifest:
                await self._replace(name, place, manifest)
            elif place.problems:
                self._note(name, place, ())

    async def _replace(self, name: str, place: _Place, manifest: bytes) -> None:
        served = frozenset(place.scoring.runtime.model_ids)
        try:
            runtime = await self._opened(place.path, served)
        except StartUpError as error:
            self._note(name, place, (str(error), *error.problems))
            return
        except Exception as error:  # noqa: BLE001  # whatever files do, the old artifact serves on
            self._note(name, place, (f"cannot be opened: {type(error).__name__}",))
            return
        old, place.scoring, place.manifest = place.scoring, await self._started(runtime), manifest
        self._note(name, place, ())
        RELOADS.labels(_label(name), "loaded").inc()
        self._count(name, old, 0)
        self._count(name, place.scoring, 1)
        _log.info(
            "reloaded", what=_label(name), version=runtime.version, before=old.runtime.version
        )
        self._tasks.create_task(_retired(old))

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._config.artifact_reload_interval_s)
            await self.refresh()

    async def _started(self, runtime: Runtime) -> Scoring:
        scoring = Scoring(runtime, self._config.batch_limits, self._config.cache_queries)
        return await scoring.__aenter__()

    async def _opened(self, path: Path, served: frozenset[str]) -> Runtime:
        """Opens an artifact in a thread; raises as `_open`."""
        threads = self._config.intra_op_threads or usable_cores()
        if threads > 1 or self._config.provider is not Provider.CPU:
            # The session keeps threads, which would have the low priority of its opening for good.
            return await asyncio.to_thread(self._open, path, served)
        # There may be one core only, and it is that of the answers.
        return await in_background(partial(self._open, path, served))

    def _open(self, path: Path, served: frozenset[str]) -> Runtime:
        """Opens, warms up and checks an artifact; raises `StartUpError`."""
        path = path.resolve()  # so that a link which moves meanwhile does not mix two artifacts
        try:
            runtime = Runtime.open(
                load_artifact(path),
                provider=self._config.provider,
                provider_options=self._config.provider_options,
                intra_op_threads=self._config.intra_op_threads,
                intra_op_affinities=self._config.intra_op_affinities,
                allow_fallback=self._config.allow_provider_fallback,
            )
        except ArtifactError as error:
            raise StartUpError(f"{error.path} is not a usable artifact", error.problems) from error
        except ProviderUnavailableError as error:
            raise StartUpError("the hardware asked for is not to be had", [str(error)]) from error
        problems = problems_of(runtime, frozenset() if self._config.allow_fewer_models else served)
        if problems:
            raise StartUpError(f"{path} cannot serve", problems)
        if runtime.provider is not self._config.provider:
            _log.warning(
                "provider_fallback", asked_for=self._config.provider, used=runtime.provider
            )
        _log.info("artifact_opened", version=runtime.version, provider=runtime.provider)
        return runtime

    def _note(self, name: str, place: _Place, problems: tuple[str, ...]) -> None:
        if problems and problems != place.problems:
            RELOADS.labels(_label(name), "refused").inc()
            _log.error("reload_refused", what=_label(name), problems=problems)
        place.problems = problems
        RELOAD_REFUSED.labels(_label(name)).set(bool(problems))

    def _count(self, name: str, scoring: Scoring, number: int) -> None:
        runtime = scoring.runtime
        metrics.ARTIFACT.labels(name, runtime.version, runtime.provider).set(number)


async def _retired(scoring: Scoring) -> None:
    """Ends what took its last call."""
    await scoring.idle()
    await scoring.__aexit__()


def _manifest(path: Path) -> bytes:
    """Returns the manifest, whose hashes tell one artifact from another; empty if it is not there."""
    try:
        return (path / MANIFEST_FILE).read_bytes()
    except OSError:
        return b""


def _label(name: str) -> str:
    return f"artifact:{name}" if name else "artifact"
