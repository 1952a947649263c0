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
    REFUSAL = "refusal"
    """A whole reply that refuses, in the field for it."""
    WRONG_TOOL = "wrong_tool"
    """Calls of a tool are calls of another one; with other arguments if there is no other."""
    UNKNOWN_TOOL = "unknown_tool"
    """Calls of a tool are calls of one that does not exist."""
    HALF_JSON = "half_json"
    """Arguments of tools, and JSON where it is asked for, end in the middle."""
    EMPTY = "empty"
    """A whole reply without content."""
    SLOW_START = "slow_start"
    """The first token is late by ``Pacing.slow_start_s``."""
