"""What a caller is told whose query would wait too long."""

from __future__ import annotations

import math
from functools import lru_cache

from routemoa.errors import OverloadedError

RETRY_DELAY_S = 0.25
_STEP_S = 0.05


def too_late(wait_s: float) -> OverloadedError:
    """Returns a refusal that tells the wait."""
    return OverloadedError(
        f"the queries before this call's take {wait_s * 1000:.0f} ms, which is longer than it can wait",
        {"wait_ms": f"{wait_s * 1000:.0f}"},
        retry_delay_s=max(wait_s, RETRY_DELAY_S),
    )


def about_too_late(wait_s: float) -> OverloadedError:
    """Returns a refusal that tells the wait in steps: the same one for about the same wait."""
    return _of_steps(math.ceil(wait_s / _STEP_S))


@lru_cache(maxsize=64)
def _of_steps(steps: int) -> OverloadedError:
    return too_late(steps * _STEP_S)
