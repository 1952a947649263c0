"""One call to a service: its data, and the time for which it has waited for its caller."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

import grpc
import grpc.aio

from services.rpc.tracing.origin import Origin
from services.rpc.tracing.propagation import REQUEST_ID, TRACEPARENT, TRACESTATE

if TYPE_CHECKING:
    from routemoa.errors import RouteMoAError

CACHE_SALT_KEY = "x-routemoa-cache-salt"
"""The scorer shares no scores between calls whose values of it differ."""
MAX_REQUEST_ID_CHARACTERS = 128
"""A longer id is cut: it goes into every log line of the call and into its error."""
READING_PATIENCE_S = 1.0
"""After a wait this long for a request, a call may be ended for the sake of others."""
WRITING_PATIENCE_S = 10.0
"""The same for a caller that does not take a response: the response has already been worked for."""
MAX_MESSAGE_S = 30.0
"""Longest wait for the message of a call with a single request."""
MAX_QUIET_S = 300.0
"""Longest wait for the next request of a stream, and for a caller to take a response."""

IPV6_NETWORK_BITS = 64
"""One host may use all addresses of such a network."""
MAX_HOSTS = 4096
"""Hosts whose addresses are not parsed again."""

_IDS = frozenset({REQUEST_ID, TRACEPARENT, TRACESTATE})

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """One call: its data that the guards read and set."""

    method: str
    """The full method name, e.g. `/routemoa.v1.ScorerService/RankModels`."""
    context: Context
    streams_requests: bool = False
    """True if the caller may send several requests."""
    request_id: str = ""
    """The caller's `x-request-id`, or a new one."""
    traceparent: str = ""
    """The caller's header of this name; empty if it has none."""
    tracestate: str = ""
    origin: Origin = field(default_factory=Origin)
    """The call as tasks of its work see it; set by the telemetry guard."""
    caller: str = ""
    """The tenant or the host that calls."""
    started_s: float = field(default_factory=time.perf_counter)
    code: grpc.StatusCode = grpc.StatusCode.OK
    """The status that the call ended with; set by the errors guard."""
    reason: str | None = None
    """The name of the `ErrorReason`; None if there is none."""
    reading_since_s: float | None = None
    """The time since when the call waits for a request, on the clock of `time.monotonic`."""
    writing_since_s: float | None = None
    """The time since when the call waits for its caller to take a response."""
    owed_responses: int = 0
    """Requests of a stream that were read and have no response yet."""
    end_error: RouteMoAError | None = None
    """The error that `end` was called with."""
    _task: asyncio.Task[Any] | None = field(default_factory=asyncio.current_task)

    def waits_s(self, now_s: float) -> float:
        """Returns the time for which the service has waited for the caller alone; 0 if it works."""
        if self.writing_since_s is not None:
            return now_s - self.writing_since_s
        if self.reading_since_s is not None and self.owed_responses <= 0:
            return now_s - self.reading_since_s
        return 0.0

    def gives_way(self, now_s: float) -> bool:
        """True if the call may be ended for the sake of others."""
        writes = self.writing_since_s is not None
        return self.waits_s(now_s) >= (WRITING_PATIENCE_S if writes else READING_PATIENCE_S)

    def longest_wait_s(self) -> float:
        """Returns the time after which a wait ends the call."""
        reads_one = self.writing_since_s is None and not self.streams_requests
        return MAX_MESSAGE_S if reads_one else MAX_QUIET_S

    def responded(self) -> None:
        """Records that the caller has taken a response."""
        self.writing_since_s = None
        self.owed_responses -= 1
        if self.reading_since_s is not None:
            self.reading_since_s = time.monotonic()

    def end(self, error: RouteMoAError) -> None:
        """Makes the call end with an error; does nothing if it already ends with one."""
        if self.end_error is None and self._task is not None:
            self.end_error = error
            self._task.cancel()


Guard = Callable[[Call], AbstractContextManager[None]]
"""A context manager around a call: it runs before the handler, and again after it."""
Check = Callable[[Call], None]
"""A check of a call before its request is received; raises the error that refuses it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """The guards and checks of a method, in the order in which a call passes them."""

    measure: Guard
    translate: Guard
    """Turns exceptions into errors of the contract."""
    checks: tuple[Check, ...]
    admit: Guard


def new_call(method: str, context: Context, *, streams_requests: bool = False) -> Call:
    """Returns the call of a context, with its caller's request id or a new one."""
    found: dict[str, str] = {}
    for key, value in context.invocation_metadata() or ():
        if key in _IDS and value:
            found.setdefault(key, cast("str", value))
    request_id = found.get(REQUEST_ID, "")[:MAX_REQUEST_ID_CHARACTERS]
    return Call(
        method=method,
        context=context,
        request_id=request_id or f"{random.getrandbits(128):032x}",  # unique, not secret
        traceparent=found.get(TRACEPARENT, ""),
        tracestate=found.get(TRACESTATE, ""),
        streams_requests=streams_requests,
    )


def host_of(context: Context) -> str:
    """Returns the host that calls: its address without the port, or the network of an IPv6 address."""
    return _host(context.peer().rpartition(":")[0])


@lru_cache(MAX_HOSTS)
def _host(address: str) -> str:
    scheme, _, quoted = address.partition(":")
    if scheme != "ipv6":
        return address
    try:
        parsed = IPv6Address(unquote(quoted).strip("[]").partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return f"ipv4:{parsed.ipv4_mapped}"
    return f"ipv6:{IPv6Network((parsed, IPV6_NETWORK_BITS), strict=False)}"
