"""Which artifact a running scorer serves: a link to its directory, moved in one step.

A scorer that is started with the link follows it: ``activate`` has it take another artifact, and
``roll_back`` the one before. A second ``roll_back`` undoes the first.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from scorer.runtime.artifact import load_artifact

if TYPE_CHECKING:
    from pathlib import Path


def activate(artifact: Path, link: Path) -> None:
    """Points a link at an artifact, and remembers what it pointed at.

    Raises:
        ArtifactError: The artifact cannot be used; the link stays as it is.
        FileExistsError: There is something at ``link`` that is not a link.
    """
    load_artifact(artifact)
    if link.exists() and not link.is_symlink():
        raise FileExistsError(
            f"{link} is not a link; start the scorer with a link to {link} instead"
        )
    if link.is_symlink():
        _point(_previous(link), link.readlink())
    _point(link, artifact.resolve())


def roll_back(link: Path) -> Path:
    """Points a link at what it pointed at before, and returns that.

    Raises:
        FileNotFoundError: Nothing is remembered.
        ArtifactError: What is remembered cannot be used; the link stays as it is.
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
