"""Counts the processors that this process may use.

A container sees every processor of its node, even those that it may not use.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")
"""File with this container's quota of processor time and its period, in microseconds (cgroup v2)."""


def usable_cores(limit: Path = CGROUP_LIMIT) -> int:
    """Returns the number of processors that affinity and quota allow, at least one."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(allowed or 1, _quota(limit)))


def _quota(limit: Path) -> int:
    """Returns the quota in processors, rounded up; all processors if there is no quota."""
    try:
        quota, period = limit.read_text(encoding="ascii").split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError, ZeroDivisionError):  # no such file, or "max" in it
        return os.cpu_count() or 1
