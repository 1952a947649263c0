"""Shows one progress bar per step on standard error, so that programs can read standard output.

A step within a step shows nothing: of all fits of a cross-validation, people want to see one bar.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.progress import track as rich_track

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

_in_step: ContextVar[bool] = ContextVar("_in_step", default=False)


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterable[T]:
    """Yields the items while a progress bar counts them; without a bar within another step.

    A sequence has its own total.
    """
    if _in_step.get():
        yield from items
        return
    _in_step.set(True)
    try:
        console = Console(stderr=True)
        yield from rich_track(items, description=description, total=total, console=console)
    finally:
        _in_step.set(False)


@contextlib.contextmanager
def step(description: str) -> Iterator[None]:
    """Shows a bar with the time that the block takes; no bar within another step."""
    if _in_step.get():
        yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    _in_step.set(True)
    try:
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(description, total=None)
            yield
            bar.update(task, total=1, completed=1)
    finally:
        _in_step.set(False)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Shows no bar within the block, for work whose progress another process shows."""
    before = _in_step.get()
    _in_step.set(True)
    try:
        yield
    finally:
        _in_step.set(before)
