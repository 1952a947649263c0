"""Sends a streamed reply: events of the router -> bytes of the API."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from services.gateway.api import ApiError, ErrorKind
from services.gateway.http.exchange import EVENT_STREAM
from services.gateway.report import known, result_facts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from routemoa.v1 import router_service_pb2 as pb
    from services.gateway.api import Call, EventWriter
    from services.gateway.http.exchange import Exchange

_MAX_TEXTS = 1024
"""Names of models and the like whose form in headers is kept."""


class StreamReply:
    """One streamed reply. It begins with the first bytes of an event, or when it was quiet for long.

    Args:
        exchange: The request, and where the reply goes.
        writer: Writes the API's events.
        call: The call that is answered; its decisions are kept.
        keep_alive_s: Time without a byte after which a comment is sent.
    """

    def __init__(
        self, exchange: Exchange, writer: EventWriter, call: Call, *, keep_alive_s: float
    ) -> None:
        self._exchange = exchange
        self._call = call
        self._writer = writer
        self._keep_alive_s = keep_alive_s
        self._sent_s = time.monotonic()
        self._headers: dict[str, str] = {}

    async def send(self, events: AsyncIterator[pb.StreamAnswerResponse]) -> None:
        """Sends the whole reply.

        Raises:
            ApiError: The call failed.
        """
        async for event in events:
            kind = event.WhichOneof("event")
            if kind is None:
                continue  # newer than this gateway
            if kind == "routing":
                self._call.routing.append(event.routing)
                self._headers = self._headers or routing_headers(event.routing)
            elif kind == "layer":
                self._call.layers.append(event.layer)
            elif kind == "result":
                self._exchange.origin.facts.update(result_facts(event.result))
            data = self._writer.event(event)
            if data or kind == "result":
                await self._write(data, more=kind != "result")
        if not self._exchange.is_whole:
            raise ApiError(ErrorKind.INTERNAL, "the router's stream ended without a result")

    async def fail(self, error: ApiError) -> None:
        """Ends a reply that has begun with an error."""
        await self._exchange.write(self._writer.fail(error, self._exchange.request_id), more=False)

    async def keep_alive(self) -> None:
        """Sends a comment if nothing was sent for long; called at short intervals."""
        if time.monotonic() - self._sent_s >= self._keep_alive_s:
            await self._write(self._writer.keep_alive())

    async def _write(self, data: bytes, *, more: bool = True) -> None:
        if self._exchange.status is None:
            await self._exchange.start(200, EVENT_STREAM, self._headers, None)
            data = self._writer.begin() + data
        self._sent_s = time.monotonic()
        await self._exchange.write(data, more=more)


def routing_headers(routing: pb.RoutingDecision) -> dict[str, str]:
    """Returns the headers that are known when the first layer begins."""
    headers = {"x-routemoa-models": ",".join(map(header_text, routing.selected_model_ids))}
    uncertainty = known(routing, "uncertainty")
    if uncertainty is not None:
        headers["x-routemoa-uncertainty"] = f"{uncertainty:.3f}"
    return headers


def result_headers(result: pb.GenerateAnswerResponse) -> dict[str, str]:
    """Returns the headers that are known when the answer is whole."""
    headers = {
        "x-routemoa-model": header_text(result.answer.model_id),
        "x-routemoa-strategy": header_text(result.strategy),
        "x-routemoa-layers": str(len(result.layers)),
        "x-routemoa-cost-usd": f"{result.cost_usd:.9f}".rstrip("0").rstrip("."),
    }
    if result.decision_id:
        headers["x-routemoa-decision-id"] = header_text(result.decision_id)
    return headers


@lru_cache(_MAX_TEXTS)
def header_text(text: str) -> str:
    """Returns a text as a header can hold it."""
    return quote(text, safe="/:.@+-_~")
