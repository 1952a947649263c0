"""Ends a process with the one that started it, however that one ends.

The parent holds one end of a pipe, and its children have the other end as their standard input. When
the parent is gone, even by SIGKILL, the kernel closes its end, and every child reads the end of input.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_VARIABLE = "ROUTEMOA_ENDS_WITH_PARENT"
_STDIN = 0
DRAIN_S = 3.0
"""Time for a child whose parent is gone to drain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifeline:
    """The standard input and the environment of children that end with this process."""

    stdin: int
    environment: Mapping[str, str]


@contextmanager
def open_lifeline() -> Iterator[Lifeline]:
    """Opens the pipe. All children that have it must end before the block does."""
    stdin, held = os.pipe()
    try:
        yield Lifeline(stdin=stdin, environment={_VARIABLE: "1"})
    finally:
        os.close(stdin)
        os.close(held)


def end_with_parent() -> None:
    """Lets this process end with its parent if that holds its lifeline; else changes nothing."""
    # Removed, since the children of this process have another standard input.
    if os.environ.pop(_VARIABLE, None) is not None:
        threading.Thread(target=_wait_and_end, name="lifeline", daemon=True).start()


def _wait_and_end() -> None:
    with suppress(OSError):
        while os.read(_STDIN, 1):
            continue
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(DRAIN_S)
    os.kill(os.getpid(), signal.SIGKILL)
