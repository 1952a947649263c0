"""One call's way over the replicas: the first attempt, retries, a hedge, and going on after a break."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from services.router.backends.call import CallFailedError
from services.router.backends.dialects.registry import dialect_of
from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.replicas.attempt_stream import Lane
from services.router.backends.replicas.hedge import race
from services.router.backends.replicas.metrics import ATTEMPTS_WITHHELD
from services.router.backends.replicas.resume import continuation
from services.router.backends.replicas.retry import RESUMED, RETRIED, backoff_s
from services.router.budgets.reservation import NoRoomError
from services.router.types.ledger import AttemptKind, CallStatus

if TYPE_CHECKING:
    from services.router.backends.call import ModelCall
    from services.router.backends.client import WireClient
    from services.router.backends.replicas.replica import Replica
    from services.router.backends.replicas.replica_set import ReplicaSet
    from services.router.backends.replicas.resume import Continuation, Seam


class Course:
    """Decides where the next attempt goes, and whether there is one."""

    def __init__(self, call: ModelCall, replicas: ReplicaSet, client: WireClient) -> None:
        self._call = call
        self._replicas = replicas
        self._client = client
        self._tried: set[Replica] = set()
        self._retries = 0
        self._continuation: Continuation | None = None

    async def begin(self) -> tuple[Lane, str | None]:
        """Returns an attempt that has begun to write, and what; None for a reply without text.

        Raises:
            CallFailedError: No attempt that may be made has.
        """
        self._replicas.note_call()
        return await self._begin(AttemptKind.FIRST, CallStatus.UNREACHABLE)

    async def resume(self, broken: CallStatus) -> tuple[Lane, str | None, Seam]:
        """Returns an attempt that goes on where one broke off, its first text, and how that joins on.

        Raises:
            CallFailedError: None may be made, or none has begun.
        """
        if broken not in RESUMED or not self._may_try_again:
            raise CallFailedError(broken)
        exact = dialect_of(self._call.model).continues
        self._continuation = continuation(self._call, exact=exact)
        lane, text = await self._begin(AttemptKind.RESUME, broken)
        return lane, text, self._continuation.seam

    @property
    def _may_try_again(self) -> bool:
        attempts_left = self._replicas.settings.retry.max_attempts - len(self._call.attempts)
        return attempts_left > 0 and self._replicas.has_others(self._tried)

    async def _begin(self, kind: AttemptKind, failure: CallStatus) -> tuple[Lane, str | None]:
        while (lane := await self._open(kind)) is not None:
            try:
                delay_s = self._hedge_delay_s(kind)
                if delay_s is None:
                    return lane, await lane.next()
                lane, text = await race(lane, delay_s=delay_s, hedge=self._hedge)
            except AttemptFailedError as error:
                failure = error.status
                if not await self._await_retry(error):
                    break
                kind = AttemptKind.RETRY if kind is AttemptKind.FIRST else kind
            else:
                self._tried = {lane.replica}  # the one that lost the race has not failed
                return lane, text
        raise CallFailedError(failure)

    async def _open(self, kind: AttemptKind) -> Lane | None:
        """Starts an attempt at a replica that was not tried; None without replica or budget."""
        replica = self._replicas.choose(
            session=self._call.session, tried=self._tried, trials=kind is AttemptKind.FIRST
        )
        if replica is None:
            return None
        self._tried.add(replica)
        goes_on = self._continuation
        try:
            attempt = await self._call.attempt(
                replica.url,
                kind,
                messages=None if goes_on is None else goes_on.messages,
                partial="" if goes_on is None else goes_on.partial,
            )
        except NoRoomError:
            return None  # the attempts before stand as they are
        return Lane(attempt, replica, self._replicas, self._client)

    def _hedge_delay_s(self, kind: AttemptKind) -> float | None:
        if kind is not AttemptKind.FIRST or not self._may_try_again:
            return None
        return self._replicas.hedge_delay_s

    async def _hedge(self) -> Lane | None:
        if not self._may_try_again or not self._allowed(AttemptKind.HEDGE):
            return None
        return await self._open(AttemptKind.HEDGE)

    async def _await_retry(self, error: AttemptFailedError) -> bool:
        """Waits for as long as the next attempt has to; false if there is to be none."""
        settings = self._replicas.settings.retry
        if error.status not in RETRIED or len(self._call.attempts) >= settings.max_attempts:
            return False
        self._retries += 1
        if self._replicas.has_others(self._tried):
            wait_s = backoff_s(self._retries, self._replicas.draw.random)
        elif self._call.patient and error.retry_after_s is not None:
            # There is nobody else, but the backend says when it will be ready again.
            wait_s = error.retry_after_s
            self._tried.clear()
        else:
            return False
        deadline = self._call.deadline
        if wait_s > settings.max_wait_s or (deadline and wait_s >= deadline.remaining_s()):
            return False
        if not self._is_move and not self._allowed(AttemptKind.RETRY):
            return False
        await asyncio.sleep(wait_s)
        return True

    @property
    def _is_move(self) -> bool:
        """Whether the next attempt only moves the call to where calls go well.

        All calls that a replica takes down with it may move at once: they load the others no more than
        if it had never been there. In a total outage no replica is sound, and the share counts.
        """
        ejected = all(not replica.ejection.serves for replica in self._tried)
        return ejected and any(r.sound for r in self._replicas.replicas if r not in self._tried)

    def _allowed(self, kind: AttemptKind) -> bool:
        """Says whether the share of extra attempts has room for one more, and takes it."""
        replicas = self._replicas
        allowance = replicas.hedges if kind is AttemptKind.HEDGE else replicas.retries
        allowed = allowance.take()
        if not allowed:
            ATTEMPTS_WITHHELD.labels(replicas.model_id, kind.name).inc()
        return allowed
