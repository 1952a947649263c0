"""Shows progress bars on standard error, so that programs can read standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import track as rich_track

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterable[T]:
    """Yields the items while a progress bar counts them; a sequence has its own total."""
    return rich_track(items, description=description, total=total, console=Console(stderr=True))
