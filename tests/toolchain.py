"""Programs that some tests need and a machine may lack."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

REQUIRED = "ROUTEMOA_TEST_REQUIRED"
"""Set where a missing program is a failure, as in CI."""


def is_required() -> bool:
    """Returns whether a missing program is a failure."""
    return bool(os.environ.get(REQUIRED))


def missing(reason: str) -> NoReturn:
    """Skips the test that calls it, or fails it where every program is required."""
    if is_required():
        pytest.fail(reason)
    pytest.skip(reason)
