"""One attempt under way at one replica."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from services.router.backends.call_failure import status_of_exception
from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.replicas.metrics import ATTEMPTS
from services.router.types.model_labels import MODEL_LABELS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from services.router.backends.call import Attempt
    from services.router.backends.replicas.replica import Replica
    from services.router.backends.replicas.replica_set import ReplicaSet
    from services.router.types.ledger import CallStatus
    from services.router.types.pieces import Piece


class AttemptStream:
    """Reads the pieces of one attempt, and reports its end to the replica and its set."""

    def __init__(
        self,
        attempt: Attempt,
        replica: Replica,
        replicas: ReplicaSet,
        pieces: AsyncGenerator[Piece, None],
    ) -> None:
        self.attempt = attempt
        self.replica = replica
        self._replicas = replicas
        self._pieces = pieces
        self._begun = False
        self._closed = False
        replica.in_flight += 1
        ATTEMPTS.labels(MODEL_LABELS.label(replicas.model_id), attempt.kind.name).inc()

    async def next(self) -> Piece | None:
        """Returns the next piece; None at the end of a whole reply. Closes itself on failure.

        Raises:
            AttemptFailedError: The attempt failed.
        """
        try:
            piece = await anext(self._pieces, None)
        except AttemptFailedError as error:
            if error.retry_after_s is not None:
                self.replica.rest(error.retry_after_s)
            await self.close(error.status)
            raise
        except asyncio.CancelledError:
            await self.close(None)
            raise
        except Exception as error:  # a library's, or our own bug: it ends this attempt alone
            status = status_of_exception(error, self.attempt.exchange.model.id)
            await self.close(status)
            raise AttemptFailedError(status) from error
        if not self._begun and piece is not None:
            self._begun = True
            after_s = time.monotonic() - self.attempt.started_s
            self._replicas.record_first_text(self.replica, after_s)
        return piece

    async def close(self, status: CallStatus | None) -> None:
        """Ends the attempt and closes its connection. Only the first call counts.

        Args:
            status: The final status; None if the caller stopped waiting.
        """
        if self._closed:
            return
        self._closed = True
        self.replica.in_flight -= 1
        self.attempt.end(status)
        self._replicas.report(self.replica, status)
        if status is None and not self._begun:
            waited_s = time.monotonic() - self.attempt.started_s
            self._replicas.record_silence(self.replica, waited_s)
        await self._pieces.aclose()
