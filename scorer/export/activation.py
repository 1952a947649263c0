"""Moves the link to the artifact that a running scorer serves, in one step.

A scorer that is started with the link follows it. ``activate`` points the link at another artifact,
and ``roll_back`` at the previous one. A second ``roll_back`` undoes the first. A scorer that is worse
than the best single model, or than the one that served, is activated only on request.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from scorer.export.benefit_gate import require_benefit
from scorer.runtime.artifact import load_artifact

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def activate(
    artifact: Path, link: Path, *, even_if_worse: bool, warn: Callable[[str], None]
) -> None:
    """Points a link at an artifact, and keeps its previous target.

    Args:
        artifact: The artifact.
        link: The link that the scorer follows.
        even_if_worse: True to activate a scorer that was measured to be worse too.
        warn: Called with a warning about the benefit of the scorer.

    Raises:
        ArtifactError: The artifact cannot be used; the link stays as it is.
        WorseError: The artifact was measured to be worse; the link stays as it is.
        FileExistsError: ``link`` exists and is not a link.
    """
    require_benefit(
        load_artifact(artifact).manifest.metrics,
        best_single="the best single model",
        even_if_worse=even_if_worse,
        warn=warn,
    )
    if link.exists() and not link.is_symlink():
        raise FileExistsError(
            f"{link} is not a link; start the scorer with a link to {link} instead"
        )
    if link.is_symlink():
        _point(_previous(link), link.readlink())
    _point(link, artifact.resolve())


def roll_back(link: Path) -> Path:
    """Points a link at its previous target, and returns that.

    Raises:
        FileNotFoundError: There is no previous target.
        ArtifactError: The previous target cannot be used; the link stays as it is.
    """
    previous = _previous(link)
    if not (link.is_symlink() and previous.is_symlink()):
        raise FileNotFoundError(f"{link} has not been moved by `activate`")
    now, before = link.readlink(), previous.readlink()
    load_artifact(before)
    _point(link, before)
    _point(previous, now)
    return before


def _previous(link: Path) -> Path:
    return link.with_name(f"{link.name}.previous")


def _point(link: Path, target: Path) -> None:
    new = link.with_name(f"{link.name}.new-{os.getpid()}")
    new.symlink_to(target)
    new.replace(link)
