"""Opens the candidate of the current rollout, and closes it at the end. The rollout's file decides.

file changes -> running: open, warm up, check -> valid: it scores every query
                                              -> invalid: problems are logged, nothing else changes
             -> ended or gone: closed once its last call has ended
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import structlog

from scorer.rollout.rollout import RolloutError, parse_rollout
from scorer.rollout.rollout_files import RolloutFiles, read_state
from services.rpc.server import StartUpError
from services.rpc.telemetry import RELOAD_REFUSED, RELOADS
from services.scorer import metrics
from services.scorer.artifacts.opener import close_when_idle
from services.scorer.rollout.arms import Arms

if TYPE_CHECKING:
    from scorer.rollout.rollout import Rollout
    from services.scorer.artifacts.artifacts import Artifacts
    from services.scorer.artifacts.opener import Opener
    from services.scorer.config import ScorerServiceConfig
    from services.scorer.scoring import Scoring

_WHAT = "rollout"
_log = structlog.get_logger()


class Candidate:
    """The candidate, which follows the rollout's file until the `async with` block ends."""

    def __init__(self, config: ScorerServiceConfig, artifacts: Artifacts, opener: Opener) -> None:
        self._files = RolloutFiles(config.artifact)
        self._interval_s = config.artifact_reload_interval_s
        self._artifacts = artifacts
        self._opener = opener
        self._state = b""
        self._rollout: Rollout | None = None
        self._scoring: Scoring | None = None
        self._problems: tuple[str, ...] = ()
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        RELOAD_REFUSED.labels(_WHAT).set(0)
        await self.refresh()
        await self._tasks.__aenter__()
        self._watcher = self._tasks.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watcher.cancel()
        await self._tasks.__aexit__(None, None, None)
        if self._scoring is not None:
            await self._scoring.__aexit__()

    @property
    def arms(self) -> Arms | None:
        """Both arms of the rollout; None if there is none, or its active artifact is not served now."""
        rollout, active = self._rollout, self._artifacts.default
        if (
            rollout is None
            or self._scoring is None
            or rollout.active_version != active.runtime.version
        ):
            return None
        return Arms(rollout=rollout, active=active, candidate=self._scoring)

    async def refresh(self) -> None:
        """Follows the rollout's file if it has changed, or its candidate could not be opened."""
        state = await asyncio.to_thread(read_state, self._files.state)
        if state == self._state and not self._problems:
            return
        try:
            rollout = parse_rollout(state, self._files.state) if state else None
            scoring = await self._open(rollout)
        except (StartUpError, RolloutError) as error:
            self._record_problems((str(error), *error.problems))
            return
        except Exception as error:  # noqa: BLE001  # whatever goes wrong, the active artifact serves on
            self._record_problems((f"cannot be opened: {type(error).__name__}",))
            return
        self._record_problems(())
        old, self._scoring = self._scoring, scoring
        if old is not None and old is not scoring:
            self._tasks.create_task(close_when_idle(old))
        self._report(rollout)
        self._state, self._rollout = state, rollout

    async def _open(self, rollout: Rollout | None) -> Scoring | None:
        """Returns the candidate, which may be open already; None if no rollout is running."""
        if rollout is None or not rollout.stage.is_running:
            return None
        if self._rollout is not None and rollout.id == self._rollout.id and self._scoring:
            return self._scoring
        scoring = await self._opener.open(self._files.candidate_of(rollout), frozenset())
        if scoring.runtime.version == rollout.candidate_version:
            return scoring
        await scoring.__aexit__()
        found = scoring.runtime.version
        raise StartUpError(f"the candidate is {found}, not {rollout.candidate_version}", [])

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            await self.refresh()

    def _record_problems(self, problems: tuple[str, ...]) -> None:
        if problems and problems != self._problems:
            RELOADS.labels(_WHAT, "refused").inc()
            _log.error("reload_refused", what=_WHAT, problems=problems)
        self._problems = problems
        RELOAD_REFUSED.labels(_WHAT).set(bool(problems))

    def _report(self, rollout: Rollout | None) -> None:
        if self._rollout is not None:
            metrics.ROLLOUT.labels(self._rollout.candidate_version, self._rollout.stage).set(0)
        if rollout is not None:
            metrics.ROLLOUT.labels(rollout.candidate_version, rollout.stage).set(1)
            _log.info(
                "rollout",
                rollout_id=rollout.id,
                stage=rollout.stage,
                candidate=rollout.candidate_version,
                reason=rollout.reason,
            )
