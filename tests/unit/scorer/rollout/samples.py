"""A rollout that tests share, and artifacts to roll out."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

from scorer import default_artifact_path, load_artifact
from scorer.rollout.rollout import Rollout, RolloutSettings, Stage
from scorer.runtime.artifact import MANIFEST_FILE, seal_artifact

ROLLOUT = Rollout(
    id="0123456789abcdef",
    stage=Stage.SHADOW,
    active_version="active-int8-00000000",
    candidate_version="candidate-int8-11111111",
    candidate=Path("candidate"),
    started="2026-11-30T12:00:00+00:00",
    changed="2026-11-30T12:00:00+00:00",
    reason="started",
    settings=RolloutSettings(),
)


def renamed_artifact(path: Path, names: dict[str, str]) -> Path:
    """Copies the shipped artifact, and gives some models other names."""
    shutil.copytree(default_artifact_path(), path)
    manifest = load_artifact(path).manifest
    ids = tuple(names.get(model_id, model_id) for model_id in manifest.model_ids)
    (path / MANIFEST_FILE).unlink()
    seal_artifact(path, dataclasses.replace(manifest, name="renamed", model_ids=ids))
    return path


def activated(directory: Path) -> Path:
    """Returns a link to the shipped artifact, which `activate` would have made."""
    link = directory / "current"
    link.symlink_to(default_artifact_path())
    return link


def log_lines(link: Path) -> list[dict[str, object]]:
    """Returns the lines of a rollout's log."""
    text = link.with_name(f"{link.name}.rollout-log.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]
