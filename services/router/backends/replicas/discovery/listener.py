"""Whoever follows a model's replicas tells a listener what it finds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from services.router.backends.replicas.metrics import DISCOVERY_FAILURES

if TYPE_CHECKING:
    from collections.abc import Collection

    from services.router.backends.replicas.replica_set import ReplicaSet

_log = structlog.get_logger()


class Listener:
    """Keeps a set of replicas as it is found. What was found last stays until something else is."""

    def __init__(self, replicas: ReplicaSet) -> None:
        self._replicas = replicas
        self._failing = False
        self.looked = asyncio.Event()
        """Set once there was a first look, whatever it brought."""

    def found(self, urls: Collection[str]) -> None:
        """Takes the base URLs of the replicas that there are."""
        self._replicas.update(urls)
        self._failing = False
        self.looked.set()

    def failed(self, error: Exception) -> None:
        """Takes note that nobody could say; logged once until it works again."""
        DISCOVERY_FAILURES.labels(self._replicas.model_id).inc()
        if not self._failing:
            _log.warning(
                "replicas_not_found",
                model_id=self._replicas.model_id,
                error=f"{type(error).__name__}: {error}",
            )
        self._failing = True
        self.looked.set()
