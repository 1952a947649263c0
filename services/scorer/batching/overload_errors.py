"""Builds the `OverloadedError` for a query whose wait is too long."""

from __future__ import annotations

import math
from functools import lru_cache

from routemoa.errors import OverloadedError

RETRY_DELAY_S = 0.25
_STEP_S = 0.05


def wait_error(wait_s: float) -> OverloadedError:
    """Returns an error that states the wait."""
    return OverloadedError(
        f"the wait in the queue is {wait_s * 1000:.0f} ms, which is longer than this call can wait",
        {"wait_ms": f"{wait_s * 1000:.0f}"},
        retry_delay_s=max(wait_s, RETRY_DELAY_S),
    )


def rounded_wait_error(wait_s: float) -> OverloadedError:
    """Returns an error that states the wait rounded up: the same object for similar waits."""
    return _cached_error(math.ceil(wait_s / _STEP_S))


@lru_cache(maxsize=64)
def _cached_error(steps: int) -> OverloadedError:
    return wait_error(steps * _STEP_S)
