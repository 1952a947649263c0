"""Dispatches a call to the replicas of its model: first attempt, retries, a hedge, resumption."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from services.router.backends.call_failure import CallFailedError
from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.replicas.attempt_stream import AttemptStream
from services.router.backends.replicas.hedge import first_to_write
from services.router.backends.replicas.metrics import ATTEMPTS_WITHHELD
from services.router.backends.replicas.resume import resume_request
from services.router.backends.replicas.retry import RESUMED, RETRIED, RETRY_MAX_WAIT_S, backoff_s
from services.router.budgets.reservation import NoRoomError
from services.router.pool.backend import CONTINUING_BACKENDS
from services.router.routing.events import Resumed
from services.router.types.ledger import AttemptKind, CallStatus
from services.router.types.model_labels import MODEL_LABELS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping

    from services.router.backends.call import ModelCall
    from services.router.backends.http.exchange import Send
    from services.router.backends.replicas.replica import Replica
    from services.router.backends.replicas.replica_set import ReplicaSet
    from services.router.backends.replicas.resume import OverlapFilter, ResumeRequest
    from services.router.types.pieces import Piece


class ReplicaGenerator:
    """Runs calls over the replicas of their models. Whoever awaits it sets the deadline."""

    def __init__(self, send: Send, sets: Mapping[str, ReplicaSet]) -> None:
        self._send = send
        self._sets = sets

    def unreachable(self, model_ids: Iterable[str]) -> frozenset[str]:
        """Returns those of the models that have no replica."""
        sets = self._sets
        return frozenset([model_id for model_id in model_ids if not sets[model_id].replicas])

    def usual_silence_s(self, model_id: str) -> float | None:
        """Returns the time within which 95 % of a model's calls begin; None while it is unknown."""
        return self._sets[model_id].usual_silence_s

    async def stream(self, call: ModelCall) -> AsyncGenerator[Piece | Resumed, None]:
        """Yields the raw reply in pieces as it comes; see `Generator`."""
        dispatcher = Dispatcher(call, self._sets[call.model.id], self._send)
        stream, piece = await dispatcher.begin()
        overlap: OverlapFilter | None = None
        while True:
            broken: CallStatus | None = None
            try:
                while piece is not None:
                    if overlap is not None:
                        for part in overlap.feed_piece(piece):
                            call.add(part)
                            yield part
                    else:
                        call.add(piece)
                        yield piece
                    piece = await stream.next()
                await stream.close(CallStatus.OK)
            except AttemptFailedError as error:
                broken = error.status
            finally:
                await stream.close(None)
            if overlap is not None and (rest := overlap.finish()):
                call.add(rest)
                yield rest
            if broken is None:
                return
            stream, piece, overlap = await dispatcher.resume(broken)
            yield Resumed(model_id=call.model.id, status=broken)


class Dispatcher:
    """Decides for one call whether there is a next attempt, and where it goes."""

    def __init__(self, call: ModelCall, replicas: ReplicaSet, send: Send) -> None:
        self._call = call
        self._replicas = replicas
        self._send = send
        self._tried: set[Replica] = set()
        self._retries = 0
        self._resume: ResumeRequest | None = None

    async def begin(self) -> tuple[AttemptStream, Piece | None]:
        """Returns the first attempt that begins to write, and its first piece; None for an empty reply.

        Raises:
            CallFailedError: Every attempt failed.
        """
        self._replicas.record_call()
        return await self._begin(AttemptKind.FIRST, CallStatus.UNREACHABLE)

    async def resume(self, broken: CallStatus) -> tuple[AttemptStream, Piece | None, OverlapFilter]:
        """Returns an attempt that resumes a broken reply, its first piece, and the filter of overlap.

        Raises:
            CallFailedError: No further attempt is allowed, or all of them failed.
        """
        if broken not in RESUMED or not self._may_try_again or not self._call.is_text_alone:
            raise CallFailedError(broken)
        exact = self._call.model.backend in CONTINUING_BACKENDS
        self._resume = resume_request(self._call, exact=exact)
        stream, piece = await self._begin(AttemptKind.RESUME, broken)
        return stream, piece, self._resume.overlap

    @property
    def _may_try_again(self) -> bool:
        attempts_left = self._replicas.tuning.max_attempt_count - len(self._call.attempts)
        return attempts_left > 0 and self._replicas.has_others(self._tried)

    async def _begin(
        self, kind: AttemptKind, failure: CallStatus
    ) -> tuple[AttemptStream, Piece | None]:
        while (stream := await self._open(kind)) is not None:
            try:
                delay_s = self._hedge_delay_s(kind)
                if delay_s is None:
                    return stream, await stream.next()
                stream, piece = await first_to_write(stream, delay_s=delay_s, hedge=self._hedge)
            except AttemptFailedError as error:
                failure = error.status
                if not await self._await_retry(error):
                    break
                kind = AttemptKind.RETRY if kind is AttemptKind.FIRST else kind
            else:
                self._tried = {stream.replica}  # the attempt that was slower has not failed
                return stream, piece
        raise CallFailedError(failure)

    async def _open(self, kind: AttemptKind) -> AttemptStream | None:
        """Starts an attempt at an untried replica; None if there is no replica or no budget left."""
        replica = self._replicas.choose(
            session=self._call.session, tried=self._tried, trials=kind is AttemptKind.FIRST
        )
        if replica is None:
            return None
        self._tried.add(replica)
        resume = self._resume
        try:
            attempt = await self._call.attempt(
                replica.url,
                kind,
                messages=None if resume is None else resume.messages,
                partial="" if resume is None else resume.partial,
                options=None if resume is None else resume.options,
                replica=replica.index,
            )
        except NoRoomError:
            return None  # earlier attempts keep their status
        return AttemptStream(attempt, replica, self._replicas, self._send(attempt.exchange))

    def _hedge_delay_s(self, kind: AttemptKind) -> float | None:
        if kind is not AttemptKind.FIRST or not self._may_try_again:
            return None
        return self._replicas.hedge_delay_s

    async def _hedge(self) -> AttemptStream | None:
        if not self._may_try_again or not self._allowed(AttemptKind.HEDGE):
            return None
        return await self._open(AttemptKind.HEDGE)

    async def _await_retry(self, error: AttemptFailedError) -> bool:
        """Waits before the next attempt; returns False if there must be none."""
        if (
            error.status not in RETRIED
            or len(self._call.attempts) >= self._replicas.tuning.max_attempt_count
        ):
            return False
        self._retries += 1
        if self._replicas.has_others(self._tried):
            wait_s = backoff_s(self._retries, self._replicas.draw.random)
        elif self._call.patient and error.retry_after_s is not None:
            # No other replica is left, but this one says when it will be ready again.
            wait_s = error.retry_after_s
            self._tried.clear()
        else:
            return False
        deadline = self._call.deadline
        if wait_s > RETRY_MAX_WAIT_S or (deadline and wait_s >= deadline.remaining_s()):
            return False
        if not self._is_move and not self._allowed(AttemptKind.RETRY):
            return False
        await asyncio.sleep(wait_s)
        return True

    @property
    def _is_move(self) -> bool:
        """True if the next attempt moves the call from ejected replicas to a sound one.

        Such a move needs no retry budget: the other replicas carry no more load than if the ejected
        one had never existed. In a total outage no replica is sound, so the budget applies.
        """
        ejected = all(not replica.ejection.serves for replica in self._tried)
        return ejected and any(r.sound for r in self._replicas.replicas if r not in self._tried)

    def _allowed(self, kind: AttemptKind) -> bool:
        """Takes one attempt from the budget of its kind; returns whether the budget allowed it."""
        replicas = self._replicas
        budget = replicas.hedges if kind is AttemptKind.HEDGE else replicas.retries
        allowed = budget.take()
        if not allowed:
            ATTEMPTS_WITHHELD.labels(MODEL_LABELS.label(replicas.model_id), kind.name).inc()
        return allowed
