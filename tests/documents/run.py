"""Runs programs of the machine that change nothing."""

from __future__ import annotations

import subprocess
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT_S = 50


@cache
def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Returns what a program printed, and its exit status; it runs once for the same words."""
    return subprocess.run(  # noqa: S603  # programs that the tables name
        words, cwd=cwd, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
