"""A console for tests, as text of a fixed width."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDTH_COLUMNS = 100


def plain_console() -> Console:
    """Returns a console that is no terminal and keeps what it shows; `shown` reads it."""
    return Console(file=StringIO(), width=WIDTH_COLUMNS, highlight=False)


def shown(console: Console) -> str:
    """Returns what a `plain_console` has shown so far."""
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def rendered(renderable: RenderableType) -> str:
    """Returns what a renderable looks like."""
    console = plain_console()
    console.print(renderable)
    return shown(console)
