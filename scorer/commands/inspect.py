"""``inspect``: an artifact -> what its manifest says."""

from __future__ import annotations

import dataclasses

from scorer.commands import console, tables
from scorer.runtime.artifact import load_artifact


def inspect(artifact: console.ArtifactPath, *, as_json: console.AsJson = False) -> None:
    """Show what an artifact is, after verifying its hashes."""
    with console.friendly():
        manifest = load_artifact(artifact).manifest
        console.show(tables.manifest(manifest), dataclasses.asdict(manifest), as_json=as_json)
