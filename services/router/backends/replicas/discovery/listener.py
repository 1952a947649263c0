"""Passes the addresses that discovery finds to a replica set."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from services.router.backends.replicas.metrics import DISCOVERY_FAILURES
from services.router.types.model_labels import MODEL_LABELS

if TYPE_CHECKING:
    from collections.abc import Collection

    from services.router.backends.replicas.replica_set import ReplicaSet

_log = structlog.get_logger()
MAX_REPLICAS = 1024
"""Addresses of one model that are used; those beyond are left out."""


class Listener:
    """Updates a replica set. If a lookup fails, the last addresses stay."""

    def __init__(self, replicas: ReplicaSet) -> None:
        self._replicas = replicas
        self._failing = False
        self._left_out = 0
        self.looked = asyncio.Event()
        """Set after the first lookup, whether it failed or not."""

    def found(self, urls: Collection[str]) -> None:
        """Takes the base URLs of the current replicas."""
        used = list(dict.fromkeys(urls))[:MAX_REPLICAS]
        self._replicas.update(used)
        left_out = len(set(urls)) - len(used)
        if left_out and not self._left_out:
            _log.warning("replicas_left_out", model_id=self._replicas.model_id, left_out=left_out)
        self._left_out = left_out
        self._failing = False
        self.looked.set()

    def failed(self, error: Exception) -> None:
        """Records a failed lookup; logs the first one of a series."""
        DISCOVERY_FAILURES.labels(MODEL_LABELS.label(self._replicas.model_id)).inc()
        if not self._failing:
            _log.warning(
                "replicas_not_found",
                model_id=self._replicas.model_id,
                error=f"{type(error).__name__}: {error}",
            )
        self._failing = True
        self.looked.set()
