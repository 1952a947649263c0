"""A gateway on loopback answers the programs of its machine, and no web page of a stranger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.gateway.app import gateway_app
from services.gateway.config import GatewayServiceConfig
from services.gateway.foreign_pages import ForeignPages
from services.gateway.upstream.health import Health
from services.gateway.upstream.router_client import RouterClient
from services.gateway.upstream.router_tls import router_connection

if TYPE_CHECKING:
    from tests.gateway.conftest import Front, StartFront

ALLOWED = "https://chat.example"
MESSAGE = {"model": "routemoa", "max_tokens": 9, "messages": [{"role": "user", "content": "Legs?"}]}


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:1", "LOCALHOST.", "127.0.0.1", "127.0.0.2:80", "[::1]:8080"]
)
async def test_every_name_of_this_machine_is_answered(front: Front, host: str) -> None:
    assert (await front.chat(headers={"host": host})).status == 200
    assert (await front.get("/", headers={"host": host})).status == 200


@pytest.mark.parametrize(
    "host",
    ["rebound.example", "rebound.example:8080", "localhost.rebound.example", "10.0.0.1", "["],
)
async def test_another_name_is_refused_everywhere(front: Front, host: str) -> None:
    headers = {"host": host, "authorization": "Bearer any"}
    reply = await front.chat(headers=headers)
    assert (reply.status, reply.error["code"]) == (403, "permission_denied")
    assert "CORS_ORIGINS" in reply.error["message"]
    for path in ("/", "/v1/models", "/console/pool", "/healthz"):
        assert (await front.get(path, headers=headers)).status == 403
    assert not front.router.requests


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://stranger.example"},
        {"origin": "null"},
        {"origin": "http://localhost.stranger.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:3000"},
    ],
)
async def test_a_page_of_a_stranger_may_not_ask(front: Front, headers: dict[str, str]) -> None:
    assert (await front.chat(headers=headers)).status == 403
    assert not front.router.requests


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://localhost:3000", "sec-fetch-site": "same-site"},
        {"origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"},
        {"origin": "app://desktop", "sec-fetch-site": "none"},
        {},
    ],
)
async def test_programs_and_pages_of_this_machine_may_ask(
    front: Front, headers: dict[str, str]
) -> None:
    assert (await front.chat(headers=headers)).status == 200


async def test_each_api_refuses_in_its_own_form(front: Front) -> None:
    headers = {"host": "rebound.example", "x-request-id": "mine"}
    reply = await front.post("/v1/messages", json=MESSAGE, headers=headers)
    assert reply.status == 403
    assert (reply.json["type"], reply.error["type"]) == ("error", "permission_error")
    assert reply.headers["request-id"] == "mine"
    reply = await front.post("/v1/responses", json={}, headers=headers)
    assert (reply.status, reply.error["code"]) == (403, "permission_denied")


async def test_an_allowed_origin_may_ask_and_its_host_is_a_name_of_the_gateway(
    start_front: StartFront,
) -> None:
    front = await start_front(cors_origins=ALLOWED)
    page = {"origin": ALLOWED, "sec-fetch-site": "cross-site"}
    reply = await front.chat(headers=page)
    assert reply.status == 200
    assert reply.headers["access-control-allow-origin"] == ALLOWED
    assert (await front.chat(headers={"host": "chat.example"})).status == 200
    assert (await front.chat(headers={"origin": "https://stranger.example"})).status == 403
    assert (await front.chat(headers={"host": "rebound.example"})).status == 403


async def test_all_origins_are_allowed_where_the_setting_says_so(start_front: StartFront) -> None:
    front = await start_front(cors_origins="*")
    headers = {"origin": "https://any.example", "sec-fetch-site": "cross-site", "host": "any"}
    assert (await front.chat(headers=headers)).status == 200


@pytest.mark.parametrize(
    ("listen_address", "guarded"),
    [
        ("127.0.0.1:8080", True),
        ("[::1]:8080", True),
        ("localhost:8080", True),
        ("10.0.0.1:8080", False),
        ("[::]:8080", False),
        ("gateway:8080", False),
    ],
)
async def test_only_a_gateway_on_loopback_looks_at_these_headers(
    listen_address: str, guarded: bool
) -> None:
    config = GatewayServiceConfig(listen_address=listen_address)
    async with router_connection(config) as connection:
        router = RouterClient(connection)
        app = gateway_app(config, router, Health(router))
    names = [str(each) for each in app.user_middleware]
    assert any(ForeignPages.__name__ in name for name in names) is guarded
