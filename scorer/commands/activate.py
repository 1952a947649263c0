"""``activate`` and ``roll-back``: which artifact a running scorer serves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scorer.commands import console
from scorer.export import activation

Link = Annotated[Path, typer.Option("--link", help="The link that the scorer was started with.")]


def activate(artifact: console.ArtifactPath, *, link: Link) -> None:
    """Have running scorers that follow a link serve an artifact."""
    with console.friendly():
        activation.activate(artifact, link)
        Console().print(f"{link} is {artifact} now; `roll-back` undoes it")


def roll_back(*, link: Link) -> None:
    """Have them serve what they served before."""
    with console.friendly():
        Console().print(f"{link} is {activation.roll_back(link)} again")
