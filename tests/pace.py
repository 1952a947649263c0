"""Real time that tests allow: more of it on a busy machine."""

from __future__ import annotations

import os
from pathlib import Path

_MOST = 6.0


def pace() -> float:
    """Returns the factor for times that a test allows or simulates, from 1 to 6.

    It is half the number of processes that want each core, now or in the last minute: the tests
    themselves use two per core.
    """
    runnable = int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].partition("/")[0])
    per_core = max(runnable, os.getloadavg()[0]) / (os.cpu_count() or 1)
    return min(_MOST, max(1.0, per_core / 2))


PACE = pace()
"""The factor at the start of the tests."""
