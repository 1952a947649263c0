"""An endpoint of a model under check: its list of models, and calls for short replies."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.http.exchange import Exchange
from services.router.pool.model import PoolModel
from services.router.pool.request_shape import TokenLimitField
from services.router.types.conversation import Message, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.backends.client import WireClient
    from services.router.backends.dialects.served_models import Catalogue

    Changes = Mapping[str, str | bool]
    """Fields of `request` in the pool file, with other values than the model's."""

_TEST_PROMPT = (
    Message(role=Role.SYSTEM, content="Be brief."),
    Message(role=Role.USER, content="Say OK."),
)
_TEST_TEMPERATURE = 0.7
"""Sent where the pool file sets none, because `self-moa` sends it."""
_LIMIT_WITH_REASONING = 1024
"""Token limit of a test call whose limit counts the reasoning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCall:
    """A test call, and the failure that ended it."""

    exchange: Exchange
    failure: AttemptFailedError | None
    timed_out: bool
    duration_s: float

    @property
    def answered(self) -> bool:
        """True if it brought a whole reply."""
        return self.failure is None and not self.timed_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint of a model, to be called within a time limit."""

    client: WireClient
    model: PoolModel
    url: str
    timeout_s: float

    async def catalogue(self) -> Catalogue | None:
        """Returns the models that the server lists; None if it has no list, which is no problem."""
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self.client.catalogue(self.model, self.url)
        except (AttemptFailedError, TimeoutError):
            return None

    async def call(self, changes: Changes | None = None, *, limit: int = 1) -> TestCall:
        """Asks for a short reply.

        Args:
            changes: Changes of the model's request shape.
            limit: Most tokens of the reply, where the reasoning is not among them.
        """
        model = _test_model(self.model, changes or {}, limit)
        exchange = Exchange(model=model, base_url=self.url, messages=_TEST_PROMPT)
        started_s = time.monotonic()
        failure, timed_out = None, False
        try:
            async with (
                asyncio.timeout(self.timeout_s),
                aclosing(self.client.stream(exchange)) as texts,
            ):
                async for _ in texts:
                    pass
        except AttemptFailedError as error:
            failure = error
        except TimeoutError:
            timed_out = True
        return TestCall(
            exchange=exchange,
            failure=failure,
            timed_out=timed_out,
            duration_s=time.monotonic() - started_s,
        )


def _test_model(model: PoolModel, changes: Changes, limit: int) -> PoolModel:
    """Returns the model with changes of its request shape, and few tokens in a reply."""
    request = model.request.model_dump(exclude_unset=True) | dict(changes)
    changed = PoolModel.model_validate(model.model_dump(exclude_unset=True) | {"request": request})
    limit_field = changed.shape.token_limit_field
    if limit_field is TokenLimitField.NONE:
        limit = model.max_reply_tokens
    elif limit_field is TokenLimitField.MAX_COMPLETION_TOKENS:
        limit = _LIMIT_WITH_REASONING
    tokens = min(limit, model.max_reply_tokens)
    temperature = _TEST_TEMPERATURE if model.temperature is None else model.temperature
    return changed.model_copy(update={"max_reply_tokens": tokens, "temperature": temperature})
