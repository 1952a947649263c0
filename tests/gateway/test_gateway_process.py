"""The gateway as operators meet it: a process with an environment, TLS, signals and exit statuses."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import ssl
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from services.gateway.app import gateway
from services.gateway.config import GatewayServiceConfig
from services.judge.config import JudgeServiceConfig
from services.rpc.server import StartUpError
from tests.conftest import LOOPBACK, Serve
from tests.gateway.conftest import QUESTION
from tests.gateway.scripted_router import (
    ScriptedRouter,
    delta,
    result,
    routing,
    scripted_router_app,
    silence,
)
from tests.integration.certificates import issue
from tests.integration.service_process import logged, refusal, started
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from routemoa.v1 import router_service_pb2 as pb

TIMEOUT_S = 60
BODY = {"model": "routemoa", "messages": [QUESTION], "stream": True}


async def serve_router(serve: Serve, router: ScriptedRouter) -> str:
    config = JudgeServiceConfig(listen_address=LOOPBACK)
    return await serve(config, scripted_router_app(router))


async def test_a_gateway_told_to_stop_finishes_its_streams_and_exits_cleanly(
    serve: Serve,
) -> None:
    go_on = asyncio.Event()

    async def slow(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        yield routing()
        yield delta("Eight ")
        await go_on.wait()
        yield result("Eight ")

    router = await serve_router(serve, ScriptedRouter(slow))
    settings = {"ROUTER_ADDRESS": router, "DRAIN_DELAY_S": "1", "METRICS_PORT": str(free_port())}
    async with started("gateway", **settings) as process, aiohttp.ClientSession() as session:
        url = f"http://{(await logged(process, 'listening'))['address']}"
        async with session.post(f"{url}/v1/chat/completions", json=BODY) as response:
            await response.content.readline()
            assert "connection" not in (await session.get(f"{url}/readyz")).headers
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(TIMEOUT_S):
                while (await session.get(f"{url}/readyz")).status == 200:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            # Else a client would reuse its connection when the server is gone.
            assert (await session.get(f"{url}/readyz")).headers["connection"] == "close"
            metrics = f"http://127.0.0.1:{settings['METRICS_PORT']}/metrics"
            async with session.get(metrics) as scraped:
                assert "routemoa_gateway_requests_total" in await scraped.text()
            go_on.set()
            assert (await response.text()).endswith("data: [DONE]\n\n")
        line = await logged(process, "request")
        assert (line["api"], line["status"], line["reason"]) == ("chat", 200, None)
        assert not {"messages", "content", "key"} & line.keys()
        async with asyncio.timeout(TIMEOUT_S):
            await process.communicate()
    assert process.returncode == 0


async def test_a_stream_that_outlasts_the_time_to_drain_ends_with_an_error(serve: Serve) -> None:
    async def endless(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        yield delta("Eight ")
        await asyncio.Event().wait()

    router = await serve_router(serve, ScriptedRouter(endless))
    settings = {"ROUTER_ADDRESS": router, "DRAIN_TIMEOUT_S": "0.5"}
    async with started("gateway", **settings) as process, aiohttp.ClientSession() as session:
        url = f"http://{(await logged(process, 'listening'))['address']}"
        async with session.post(f"{url}/v1/chat/completions", json=BODY) as response:
            await response.content.readline()
            process.send_signal(signal.SIGTERM)
            blocks = (await response.text()).split("\n\n")
        assert json.loads(blocks[-2].removeprefix("data: "))["error"]["code"] == "overloaded"
        async with asyncio.timeout(TIMEOUT_S):
            await process.communicate()
    assert process.returncode == 0


async def test_a_killed_client_leaves_nothing_behind(serve: Serve) -> None:
    router = ScriptedRouter(silence)
    address = await serve_router(serve, router)
    async with started("gateway", ROUTER_ADDRESS=address) as process:
        host, _, port = str((await logged(process, "listening"))["address"]).rpartition(":")
        data = json.dumps(BODY).encode()
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(data), data)
        )
        async with asyncio.timeout(TIMEOUT_S):
            while not router.requests:  # noqa: ASYNC110  # they are other processes
                await asyncio.sleep(0.01)
            writer.transport.abort()
            await router.cancelled.wait()
        line = await logged(process, "request")
        assert line["status"] == 499


async def test_both_sides_speak_tls_and_the_server_takes_a_new_certificate(
    serve: Serve, tmp_path: Path
) -> None:
    inner, outer = issue(tmp_path / "inner"), issue(tmp_path / "outer")
    config = JudgeServiceConfig(
        listen_address=LOOPBACK,
        tls_certificate_file=inner.certificate,
        tls_key_file=inner.key,
        tls_client_ca_file=inner.ca,
    )
    router = await serve(config, scripted_router_app(ScriptedRouter()))
    settings = {
        "ROUTER_ADDRESS": router,
        "ROUTER_TLS_CA_FILE": str(inner.ca),
        "ROUTER_TLS_CERTIFICATE_FILE": str(inner.certificate),
        "ROUTER_TLS_KEY_FILE": str(inner.key),
        "TLS_CERTIFICATE_FILE": str(outer.certificate),
        "TLS_KEY_FILE": str(outer.key),
    }
    async with started("gateway", **settings) as process:
        fields = await logged(process, "listening")
        assert fields["tls"] == "server"
        url = f"https://{fields['address']}/v1/chat/completions"
        async with aiohttp.ClientSession() as session:
            trusted = ssl.create_default_context(cafile=outer.ca)
            async with session.post(url, json=BODY, ssl=trusted) as response:
                assert (await response.text()).endswith("data: [DONE]\n\n")
        renewed = issue(tmp_path / "outer")
        while (await logged(process, "reloaded"))["what"] != "server_tls":
            pass
        async with aiohttp.ClientSession() as session:
            trusted = ssl.create_default_context(cafile=renewed.ca)
            async with session.post(url, json=BODY, ssl=trusted) as response:
                # Read to its end: no connection is left to close when the gateway is killed.
                assert (await response.text()).endswith("data: [DONE]\n\n")


async def test_settings_that_are_wrong_are_all_named() -> None:
    status, text = await refusal(
        "gateway", KEEP_ALIVE_INTERVAL_S="0", ROUTER_TLS_KEY_FILE="k.pem", COLOUR="red"
    )
    assert status == 2
    assert "ROUTEMOA_GATEWAY_KEEP_ALIVE_INTERVAL_S" in text
    assert "ROUTEMOA_GATEWAY_COLOUR" in text
    status, text = await refusal("gateway", ROUTER_TLS_KEY_FILE="k.pem")
    assert "go together" in text


async def test_a_port_that_is_taken_and_a_missing_certificate_are_told_plainly(
    tmp_path: Path,
) -> None:
    holder = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = holder.sockets[0].getsockname()[1]
    status, text = await refusal("gateway", LISTEN_ADDRESS=f"127.0.0.1:{port}")
    holder.close()
    assert (status, text.splitlines()[-1]) == (
        1,
        f"Cannot start: cannot listen on 127.0.0.1:{port}: is another process there?",
    )
    missing = {"TLS_CERTIFICATE_FILE": str(tmp_path / "no.crt"), "TLS_KEY_FILE": "no.key"}
    status, text = await refusal("gateway", **missing)
    assert status == 1
    assert "Cannot start: the TLS files cannot be used" in text


@pytest.mark.parametrize(
    ("has_ipv6", "bound"),
    [(True, ("::", socket.AF_INET6, True)), (False, ("0.0.0.0", socket.AF_INET, False))],  # noqa: S104  # nothing is opened
)
async def test_all_addresses_are_those_of_both_families_or_of_the_one_that_there_is(
    has_ipv6: bool, bound: tuple[str, int, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def create_server(address: tuple[str, int], **options: Any) -> socket.socket:
        asked.append((address[0], options["family"], options["dualstack_ipv6"]))
        raise OSError

    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: has_ipv6)
    monkeypatch.setattr(socket, "create_server", create_server)
    with pytest.raises(StartUpError):
        async with gateway(GatewayServiceConfig(listen_address="[::]:8080")):
            pass
    assert asked == [bound]
