"""Identifies the caller of each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from services.rpc.interceptors.call import Context

if TYPE_CHECKING:
    from services.rpc.interceptors.call import Call, Check

CallerOf = Callable[[Context], str]
"""Returns the caller of a call, or raises `UnknownTenantError`."""


def identified(caller_of: CallerOf) -> Check:
    """Returns a check that sets the caller and refuses an unknown one."""

    def check(call: Call) -> None:
        call.caller = caller_of(call.context)

    return check
