"""The calls with a request id that run or have ended."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from services.router.repeats.kept_responses import (
    decode,
    encode,
    fingerprint_of,
    is_result,
    shortened,
)
from services.router.repeats.metrics import REPEATED
from services.router.repeats.shared_call import SharedCall
from services.rpc.validation import Violations

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from google.protobuf.message import Message

    from services.router.repeats.request_identity import RequestIdentity
    from services.router.values.values import Values

    Start = Callable[[], AsyncGenerator["ResponseT", None]]
    """Starts a call that yields responses."""

ResponseT = TypeVar("ResponseT", bound="Message")
KEPT_S = 600.0
"""Time for which responses are kept; the contract names it."""
READ_WAIT_S = 0.1
"""Longest wait for kept responses in Redis: to miss them costs a whole answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    fingerprint: bytes
    call: SharedCall[Any]


class Repeats:
    """Answers a call that is repeated under the same request id by the first one.

    Callers join a call that runs on the same router. Its responses are kept once it has ended well; a
    failed or cancelled call leaves nothing, so that the next one runs.

    Args:
        kept: Keeps the responses of calls that have ended.
    """

    def __init__(self, kept: Values) -> None:
        self._kept = kept
        self._running: dict[str, _Running] = {}

    async def responses(
        self, identity: RequestIdentity, kind: type[ResponseT], start: Start[ResponseT]
    ) -> AsyncGenerator[ResponseT, None]:
        """Yields the responses to a request: those of the call that runs, kept ones, or new ones.

        Args:
            identity: The request, and its id.
            kind: The class of the responses.
            start: Starts the call.

        Raises:
            InvalidFieldError: The id names another request.
        """
        running = self._running.get(identity.key)
        if running is None:
            running = self._start(identity, kind, start)
        elif running.fingerprint == identity.fingerprint:
            REPEATED.labels("joined").inc()
        else:
            _refuse()
        async with aclosing(running.call.items()) as responses:
            async for response in responses:
                yield response

    def _start(
        self, identity: RequestIdentity, kind: type[ResponseT], start: Start[ResponseT]
    ) -> _Running:
        running: _Running | None = None

        def forget() -> None:
            if self._running.get(identity.key) is running:
                self._running.pop(identity.key, None)

        call = SharedCall(lambda: self._kept_or_new(identity, kind, start), forget)
        running = _Running(fingerprint=identity.fingerprint, call=call)
        self._running[identity.key] = running
        return running

    async def _kept_or_new(
        self, identity: RequestIdentity, kind: type[ResponseT], start: Start[ResponseT]
    ) -> AsyncGenerator[ResponseT, None]:
        data = await self._kept.get(identity.key)
        if data is not None:
            if fingerprint_of(data) != identity.fingerprint:
                _refuse()
            kept = decode(data, kind)
            if kept:
                REPEATED.labels("replayed").inc()
                for response in kept:
                    yield response
                return
        responses = []
        async with aclosing(start()) as new:
            async for response in new:
                responses.append(response)
                if not is_result(response):
                    yield response
        data = encode(identity, shortened(responses))
        if data is not None:
            self._kept.put(identity.key, data, KEPT_S)
        # Only now: the caller may leave with it, and a repeated call must find it.
        if responses and is_result(responses[-1]):
            yield responses[-1]


def _refuse() -> None:
    """Raises InvalidFieldError."""
    REPEATED.labels("refused").inc()
    violations = Violations()
    violations.add("request_id", "names another request of the last ten minutes")
    violations.raise_if_any()
