"""A gateway on loopback, before a router that a test scripts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from services.gateway.app import gateway
from services.gateway.config import GatewayServiceConfig
from services.judge.config import JudgeServiceConfig
from tests.conftest import LOOPBACK, Serve
from tests.gateway.scripted_router import ScriptedRouter, scripted_router_app

if TYPE_CHECKING:
    from collections.abc import Mapping

QUESTION = {"role": "user", "content": "How many legs has a spider?"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A response of the gateway, read to its end."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def events(self) -> list[Any]:
        """The data of the events of a stream; `[DONE]` as a text."""
        blocks = [block for block in self.text.split("\n\n") if block.startswith("data: ")]
        data = [block.removeprefix("data: ") for block in blocks]
        return [item if item == "[DONE]" else json.loads(item) for item in data]


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """A running gateway, its router and a client."""

    router: ScriptedRouter
    session: aiohttp.ClientSession
    address: str

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    async def chat(self, *, headers: Mapping[str, str] | None = None, **body: Any) -> Reply:
        """Asks for a chat completion."""
        whole = {"model": "routemoa", "messages": [QUESTION]} | body
        return await self.post("/v1/chat/completions", json=whole, headers=headers)

    async def post(self, path: str, **request: Any) -> Reply:
        async with self.session.post(f"{self.url}{path}", **request) as response:
            return await _reply(response)

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        async with self.session.get(f"{self.url}{path}", headers=headers) as response:
            return await _reply(response)


async def _reply(response: aiohttp.ClientResponse) -> Reply:
    text = await response.text()
    return Reply(status=response.status, headers=response.headers, text=text)


StartFront = Callable[..., Awaitable[Front]]


@pytest.fixture
async def start_front(serve: Serve) -> AsyncIterator[StartFront]:
    """Starts a gateway with settings of its own."""
    async with AsyncExitStack() as stack:

        async def start(
            router: ScriptedRouter | None = None, *, router_address: str = "", **settings: Any
        ) -> Front:
            router = router or ScriptedRouter()
            if not router_address:
                config = JudgeServiceConfig(listen_address=LOOPBACK)
                router_address = await serve(config, scripted_router_app(router))
            address = await stack.enter_async_context(
                gateway(
                    GatewayServiceConfig(
                        listen_address=LOOPBACK,
                        router_address=router_address,
                        **{"drain_timeout_s": 1.0} | settings,
                    )
                )
            )
            session = await stack.enter_async_context(aiohttp.ClientSession())
            return Front(router=router, session=session, address=address)

        yield start


@pytest.fixture
async def front(start_front: StartFront) -> Front:
    """A gateway before a router that knows how many legs a spider has."""
    return await start_front()
