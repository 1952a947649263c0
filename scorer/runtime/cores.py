"""How many processors this process may keep busy.

A container sees every processor of its node, whatever share of them it was given.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")
"""Time per period that the processes of this container may use, in microseconds (cgroup v2)."""


def usable_cores(limit: Path = CGROUP_LIMIT) -> int:
    """Returns the processors that this process may use, at least one: its affinity and its quota."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(allowed or 1, _quota(limit)))


def _quota(limit: Path) -> int:
    """Returns the processors that the quota is worth, rounded up; all if there is none."""
    try:
        quota, period = limit.read_text(encoding="ascii").split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError, ZeroDivisionError):  # no such file, or "max" in it
        return os.cpu_count() or 1
