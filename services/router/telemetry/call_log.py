"""A log line for a failed call to a model, with its cause and without any text of the call.

While a model keeps failing, there is one line per second and cause, with the number of those between.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import structlog

from services.router.types.ledger import CallStatus
from services.router.types.model_labels import MODEL_LABELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.router.types.ledger import LedgerEntry

INTERVAL_S = 1.0
"""Least time between two lines about one model and cause."""
_NO_FAILURE = frozenset({CallStatus.OK, CallStatus.CANCELLED})
_log = structlog.get_logger()


class CallLog:
    """Logs failed calls. Its memory is bounded by the labels of models."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_s: dict[tuple[str, CallStatus], float] = {}
        self._left_out: Counter[tuple[str, CallStatus]] = Counter()

    def record(self, entry: LedgerEntry) -> None:
        """Logs a failed attempt, or counts it if a line about its like was logged just now."""
        if entry.status in _NO_FAILURE:
            return
        key, now_s = (MODEL_LABELS.label(entry.model_id), entry.status), self._clock()
        if now_s < self._next_s.get(key, now_s):
            self._left_out[key] += 1
            return
        self._next_s[key] = now_s + INTERVAL_S
        _log.warning(
            "model_call_failed",
            model_id=entry.model_id,
            status=entry.status.name,
            http_status=entry.http_status,
            replica=entry.replica,
            attempt_kind=entry.attempt_kind.name,
            purpose=entry.purpose.name,
            layer_number=entry.layer_number,
            duration_ms=round(entry.duration_s * 1000, 3),
            left_out=self._left_out.pop(key, 0),
        )


CALL_LOG = CallLog()
"""The log of this process."""
