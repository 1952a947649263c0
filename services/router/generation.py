"""Runs a call to a model: a call is at present one attempt at the model's only endpoint."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from services.router.calls import CallFailedError
from services.router.wire.client import WireClient, open_wire_client
from services.router.wire.failure import AttemptFailedError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from services.router.calls import ModelCall


class Generator(Protocol):
    """Whatever can run a call."""

    def stream(self, call: ModelCall) -> AsyncGenerator[str, None]:
        """Yields the raw reply in pieces as it comes and keeps the call's record.

        Raises:
            CallFailedError: No whole reply came.
        """
        ...


@asynccontextmanager
async def open_generator() -> AsyncIterator[HttpGenerator]:
    """Opens what all calls share."""
    async with open_wire_client() as client:
        yield HttpGenerator(client)


class HttpGenerator:
    """Runs calls over HTTP. It sets no deadline: whoever awaits it does."""

    def __init__(self, client: WireClient) -> None:
        self._client = client

    async def stream(self, call: ModelCall) -> AsyncGenerator[str, None]:
        """Yields the raw reply in pieces; see `Generator`."""
        try:
            async with aclosing(self._client.stream(call.exchange)) as texts:
                async for text in texts:
                    yield text
        except AttemptFailedError as error:
            raise CallFailedError(error.status) from error
