"""The faults that a simulated model can have."""

from __future__ import annotations

import enum


class FaultKind(enum.StrEnum):
    """A fault of a model, as its caller sees it."""

    REFUSE = "refuse"
    """The connection is closed without a reply."""
    HANG = "hang"
    """The request is read and never answered."""
    STALL = "stall"
    """Half of the reply, then silence."""
    DIE_MIDSTREAM = "die_midstream"
    """Half of the reply, then the connection is aborted."""
    MALFORMED_SSE = "malformed_sse"
    """A stream whose events are not JSON."""
    ERROR_500 = "error_500"
    """500 with an error object."""
    ERROR_429 = "error_429"
    """429 with Retry-After and an error object."""
    ERROR_IN_STREAM = "error_in_stream"
    """Half of the reply, then an error object inside the 200 stream."""
    FILTERED = "filtered"
    """Half of the reply, then the finish reason of a content filter."""
    EMPTY = "empty"
    """A whole reply without content."""
    SLOW_START = "slow_start"
    """The first token is late by ``Pacing.slow_start_s``."""
