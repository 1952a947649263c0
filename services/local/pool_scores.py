"""Shows which models of a pool file are guessed, or known to the scorer by another name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from routemoa.cli.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from services.router.check.score_report import ScoreReport


def show_scores(console: Console, scores: Sequence[ScoreReport]) -> None:
    """Shows what an operator should know of the scores; nothing if the scorer knows all models."""
    # Imported here, as is the pool's reader: they take half a second that `demo` does without.
    from services.router.check.score_report import summary  # noqa: PLC0415

    for line in summary(scores):
        console.print(Text(printable(line), style="yellow"), soft_wrap=True)


def pool_scores(pool_file: Path, artifact: Path | None) -> list[ScoreReport]:
    """Returns the sources of the scores of a pool that a router has already read."""
    from services.router.check.score_report import (  # noqa: PLC0415
        read_artifact_models,
        score_reports,
    )
    from services.router.pool.pool import load_pool  # noqa: PLC0415

    known = read_artifact_models(artifact)
    return [] if known is None else score_reports(load_pool(pool_file), known)
