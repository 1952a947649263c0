"""Shows progress bars on standard error, so that programs can read standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import track as rich_track

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

T = TypeVar("T")


def track(items: Sequence[T], description: str) -> Iterable[T]:
    """Yields the items while a progress bar counts them."""
    return rich_track(items, description=description, console=Console(stderr=True))
