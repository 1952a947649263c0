"""Runs a scenario on a clock that jumps to the next timer: waits are exact, and take no time."""

from __future__ import annotations

import asyncio
import functools
import selectors
import time
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

MAX_ROUNDS = 5_000
P = ParamSpec("P")
T = TypeVar("T")


class _Selector(selectors.SelectSelector):
    """Waits for nothing: where no event is ready, the time that it would have waited has passed."""

    now_s = 1_000.0
    rounds = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.rounds += 1
        assert self.rounds < MAX_ROUNDS, "the tasks wake one another without end"
        events = super().select(0)
        if not events:
            assert timeout is not None, "every task waits, and no timer would ever wake one"
            self.now_s += timeout
        return events


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.clock = _Selector()
        super().__init__(self.clock)

    def time(self) -> float:
        return self.clock.now_s


def virtually(test: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Turns an asynchronous test into one that runs on such a clock, `time.monotonic` included."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with (
            asyncio.Runner(loop_factory=_Loop) as runner,
            patch.object(time, "monotonic", runner.get_loop().time),
        ):
            return runner.run(test(*args, **kwargs))

    return run
