"""An attempt under way at one replica."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.replicas.metrics import ATTEMPTS

if TYPE_CHECKING:
    from services.router.backends.call import Attempt
    from services.router.backends.client import WireClient
    from services.router.backends.replicas.replica import Replica
    from services.router.backends.replicas.replica_set import ReplicaSet
    from services.router.types.ledger import CallStatus


class Lane:
    """Reads one attempt's text, and reports how it ended to everyone who keeps count."""

    def __init__(
        self, attempt: Attempt, replica: Replica, replicas: ReplicaSet, client: WireClient
    ) -> None:
        self.attempt = attempt
        self.replica = replica
        self._replicas = replicas
        self._texts = client.stream(attempt.exchange)
        self._wrote = False
        self._closed = False
        replica.in_flight += 1
        ATTEMPTS.labels(replicas.model_id, attempt.kind.name).inc()

    async def next(self) -> str | None:
        """Returns the next text, or None where the reply is whole; closed if none of the two comes.

        Raises:
            AttemptFailedError: The attempt failed.
        """
        try:
            text = await anext(self._texts, None)
        except AttemptFailedError as error:
            if error.retry_after_s is not None:
                self.replica.rest(error.retry_after_s)
            await self.close(error.status)
            raise
        except asyncio.CancelledError:
            await self.close(None)
            raise
        if not self._wrote and text is not None:
            self._wrote = True
            after_s = time.monotonic() - self.attempt.started_s
            self._replicas.note_first_text(self.replica, after_s)
        return text

    async def close(self, status: CallStatus | None) -> None:
        """Ends the attempt, with its connection if that is still open; the first status counts.

        Args:
            status: How it ended; None if whoever waited for it stopped.
        """
        if self._closed:
            return
        self._closed = True
        self.replica.in_flight -= 1
        self.attempt.end(status)
        self._replicas.report(self.replica, status)
        if status is None and not self._wrote:
            waited_s = time.monotonic() - self.attempt.started_s
            self._replicas.note_silence(self.replica, waited_s)
        await self._texts.aclose()
