"""Starts, advances, promotes and stops a rollout. Every function may be repeated after a kill.

A change is written to the log, then to the rollout's file. A promotion also moves the link: the stage
``promoting`` says so beforehand, and the next command finishes what a killed one has begun.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets
from typing import TYPE_CHECKING

from scorer.export import activation
from scorer.export.benefit_gate import require_benefit
from scorer.rollout.rollout import Rollout, RolloutSettings, Stage
from scorer.runtime.artifact import load_artifact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from scorer.rollout.rollout_files import RolloutFiles


class RolloutRefusedError(Exception):
    """Raised if a rollout cannot be started or changed; ``problems`` lists every reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def start(
    files: RolloutFiles,
    candidate: Path,
    settings: RolloutSettings,
    *,
    allow_fewer_models: bool,
    even_if_worse: bool,
    warn: Callable[[str], None],
) -> Rollout:
    """Starts a rollout in the shadow stage, and returns it.

    Args:
        files: The files beside the link that the scorers follow.
        candidate: Directory of the candidate.
        settings: The settings of the rollout.
        allow_fewer_models: True if the candidate may lack models of the active artifact.
        even_if_worse: True if the candidate may be worse than the best single model.
        warn: Called with a warning about the benefit of the candidate.

    Raises:
        ArtifactError: One of the artifacts cannot be used.
        WorseError: The candidate is worse than the best single model.
        RolloutRefusedError: A rollout is running, or the candidate cannot take the place.
    """
    if not files.link.is_symlink():
        raise RolloutRefusedError([f"{files.link} is not a link; make it with `activate`"])
    active, new = load_artifact(files.link.resolve()), load_artifact(candidate)
    running = files.read()
    problems = list(settings.problems)
    if running is not None and running.stage.is_running:
        problems.append(f"rollout {running.id} is running; stop it first")
    if new.manifest.version == active.manifest.version:
        problems.append(f"{candidate} is the active artifact, {new.manifest.version}")
    missing = sorted(set(active.manifest.model_ids) - set(new.manifest.model_ids))
    if missing and not allow_fewer_models:
        problems.append(f"{candidate} lacks models of the active artifact: {', '.join(missing)}")
    if problems:
        raise RolloutRefusedError(problems)
    require_benefit(
        new.manifest.metrics,
        best_single="the best single model",
        even_if_worse=even_if_worse,
        warn=warn,
    )
    now = _now()
    rollout = Rollout(
        id=secrets.token_hex(8),
        stage=Stage.SHADOW,
        active_version=active.manifest.version,
        candidate_version=new.manifest.version,
        candidate=_relative(candidate.resolve(), files.link.parent.resolve()),
        started=now,
        changed=now,
        reason="started",
        settings=settings,
    )
    _write(files, rollout, {})
    return rollout


def advance(
    files: RolloutFiles, rollout: Rollout, stage: Stage, reason: str, figures: Mapping[str, object]
) -> Rollout:
    """Brings a running rollout to another stage, and returns it; moves the link to promote it.

    Raises:
        ArtifactError: The candidate to promote cannot be used; the link stays as it is.
    """
    promoted = stage is Stage.PROMOTED
    changed = dataclasses.replace(
        rollout, stage=Stage.PROMOTING if promoted else stage, changed=_now(), reason=reason
    )
    _write(files, changed, figures)
    return finish(files, changed)


def finish(files: RolloutFiles, rollout: Rollout) -> Rollout:
    """Finishes a promotion that has begun; returns any other rollout as it is.

    Raises:
        ArtifactError: The candidate cannot be used; the link stays as it is.
    """
    if rollout.stage is not Stage.PROMOTING:
        return rollout
    candidate = files.candidate_of(rollout)
    if files.link.resolve() != candidate.resolve():
        # The benefit was checked at the start.
        activation.activate(candidate, files.link, even_if_worse=True, warn=lambda _: None)
    promoted = dataclasses.replace(rollout, stage=Stage.PROMOTED, changed=_now())
    _write(files, promoted, {})
    return promoted


def _write(files: RolloutFiles, rollout: Rollout, figures: Mapping[str, object]) -> None:
    files.record(rollout, figures)
    files.write(rollout)


def _relative(path: Path, directory: Path) -> Path:
    return path.relative_to(directory) if path.is_relative_to(directory) else path


def _now() -> str:
    return dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds")
