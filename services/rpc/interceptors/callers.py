"""Identifies the caller of each call."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

from services.rpc.interceptors.call import Context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.rpc.interceptors.call import Call, Guard

CallerOf = Callable[[Context], str]
"""Returns the caller of a call, or raises `UnknownTenantError`."""


def identified(caller_of: CallerOf) -> Guard:
    """Returns a guard that sets the caller, and refuses an unknown one before its request is read."""

    @contextmanager
    def guard(call: Call) -> Iterator[None]:
        call.caller = caller_of(call.context)
        yield

    return guard
