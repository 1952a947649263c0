"""Keeps what is measured and what measures it on processors of their own."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def split() -> frozenset[int]:
    """Keeps this process, and threads that it starts from now on, to one half of its processors.

    Returns:
        The other half, for what is measured.

    Raises:
        RuntimeError: There is one processor only.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise RuntimeError("one processor cannot be shared out")
    half = len(cores) // 2
    os.sched_setaffinity(0, cores[half:])
    return frozenset(cores[:half])


@contextmanager
def on(cores: frozenset[int] | None) -> Iterator[None]:
    """Has processes that are started within the block run on these processors; None: on all of ours."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before if cores is None else cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
