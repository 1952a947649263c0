"""Skips the chart's tests, and says so, where Helm is not installed."""

from __future__ import annotations

import pytest

from tests.chart.chart import tool


@pytest.fixture(autouse=True)
def _helm() -> None:
    tool("helm")
