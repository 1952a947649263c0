"""Answers `POST /v1/feedback`, with errors in OpenAI's form."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from services.gateway.caller import metadata_of
from services.gateway.chat.chat_errors import error_body
from services.gateway.endpoint import FAILING_S, IDEMPOTENCY_KEY, send_error
from services.gateway.feedback.feedback_request import read_feedback
from services.gateway.http.client_watch import while_client_stays

if TYPE_CHECKING:
    from services.gateway.api import ApiError
    from services.gateway.endpoint import Core
    from services.gateway.http.exchange import Exchange


class Recording:
    """The work for one request with feedback.

    Args:
        core: The shared parts.
        exchange: The request, and where the reply goes.
    """

    def __init__(self, core: Core, exchange: Exchange) -> None:
        self._core = core
        self._exchange = exchange

    async def answer(self) -> None:
        """Has the router record the feedback, and sends that it has.

        Raises:
            ApiError: The request is wrong, or the router refuses it.
            ClientGoneError: The client went away.
        """
        exchange = self._exchange
        with self._core.bodies.of(exchange) as body:
            values = await body.json()
            request = read_feedback({"feedback_id": exchange.headers.get(IDEMPOTENCY_KEY)} | values)
            async with while_client_stays(exchange):
                response = await self._core.router.feedback(request, metadata_of(exchange))
        reply = {
            "object": "feedback",
            "decision_id": request.decision_id,
            "feedback_id": request.feedback_id,
            "already_recorded": response.already_recorded,
        }
        await exchange.send_json(200, reply, {})

    async def fail(self, error: ApiError) -> None:
        """Sends an error."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FAILING_S):
                if self._exchange.status is None:
                    await send_error(self._exchange, error_body, error)
