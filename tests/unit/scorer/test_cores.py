"""The processors that a process may use."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from scorer.runtime.cores import usable_cores

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("200000 100000", 2), ("150000 100000", 2), ("10000 100000", 1), ("max 100000", 8), ("", 8)],
)
def test_the_smaller_of_affinity_and_quota_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    limit = tmp_path / "cpu.max"
    limit.write_text(quota)
    assert usable_cores(limit) == cores


def test_without_a_quota_the_affinity_counts(tmp_path: Path) -> None:
    assert usable_cores(tmp_path / "none") == len(os.sched_getaffinity(0))
