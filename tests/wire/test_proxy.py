"""Backends behind an HTTP proxy, which is a process of its own."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import trustme
import uvloop

from services.router.check.probe import check_pool
from services.router.pool.pool import Pool
from services.router.types.ledger import CallStatus
from tests.wire.attempt import attempt, pool_model
from tests.wire.forward_proxy import running_proxy
from tests.wire.playback import Response, playing
from tests.wire.test_faults import WHOLE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.wire.attempt import Attempted

HOST = "llm.internal.invalid"
"""A host that only the proxy can reach."""
BACKEND = Response(body=WHOLE)
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxy_around_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


async def test_a_proxy_of_the_environment_leads_to_backends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with playing(BACKEND) as backend, running_proxy(port_of(backend.url)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.address)
        attempted = await attempt(pool_model(f"http://{HOST}/v1"))
        assert attempted.exchange.text == "Eight."
        request = await proxy.next_request()
    assert request["line"] == f"POST http://{HOST}/v1/chat/completions HTTP/1.1"


async def through_a_tunnel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Attempted, str]:
    """Returns an attempt at a TLS backend through a proxy, and the request that the proxy got."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(tls)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    async with playing(BACKEND, tls=tls) as backend, running_proxy(port_of(backend.url)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        attempted = await attempt(pool_model(f"https://{HOST}/v1", ca_file=folder / "ca.pem"))
        return attempted, (await proxy.next_request())["line"]


def test_a_tunnel_leads_to_a_backend_with_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempted, line = uvloop.run(through_a_tunnel(tmp_path, monkeypatch))  # as in service
    assert attempted.exchange.text == "Eight."
    assert line == f"CONNECT {HOST}:443 HTTP/1.1"


async def test_loopback_and_no_proxy_are_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playing(BACKEND) as backend, running_proxy(port_of(backend.url)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", ".invalid")
        here = await attempt(pool_model(backend.url))
        elsewhere = await attempt(pool_model(f"http://{HOST}/v1"))
        assert await proxy.requests_so_far() == []
    assert here.exchange.text == "Eight."
    assert elsewhere.failure is not None
    assert elsewhere.failure.status is CallStatus.UNREACHABLE


async def test_the_pool_file_may_name_a_proxy_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playing(BACKEND) as backend, running_proxy(port_of(backend.url)) as proxy:
        through = await attempt(pool_model(backend.url, proxy=proxy.url))
        assert through.exchange.text == "Eight."
        assert (await proxy.next_request())["line"].startswith("POST http://localhost:")
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        direct = await attempt(pool_model(f"http://{HOST}/v1", proxy="none"))
        assert await proxy.requests_so_far() == []
    assert direct.failure is not None
    assert direct.failure.status is CallStatus.UNREACHABLE


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_wants_credentials_is_named(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    async with playing(BACKEND) as backend, running_proxy(port_of(backend.url), "u:p") as proxy:
        monkeypatch.setenv(f"{scheme.upper()}_PROXY", proxy.url)
        model = pool_model(f"{scheme}://{HOST}/v1")
        attempted = await attempt(model)
        (report,) = await check_pool(Pool(models=(model,)), timeout_s=20)
    assert attempted.failure is not None
    assert attempted.failure.status is CallStatus.UNREACHABLE
    assert attempted.failure.http_status == 407
    assert "proxy asks for credentials" in report.problems[0]


async def test_credentials_of_the_environment_reach_the_proxy_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with playing(BACKEND) as backend, running_proxy(port_of(backend.url), "u:p") as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://u:p@{proxy.address}")
        attempted = await attempt(pool_model(f"http://{HOST}/v1"))
        assert attempted.exchange.text == "Eight."
        assert "authorization" not in {name.lower() for name in backend.headers}


async def test_a_proxy_that_is_gone_is_named_without_its_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@127.0.0.1:1")
    attempted = await attempt(pool_model(f"http://{HOST}/v1"))
    assert attempted.failure is not None
    assert attempted.failure.status is CallStatus.UNREACHABLE
    assert attempted.exchange.backend_message == "the proxy 127.0.0.1:1 cannot be reached"


@pytest.mark.parametrize("proxy", ["socks5://p:1", "http://", "://", "http://a..b:1", "p:99999"])
async def test_a_bad_proxy_of_the_environment_makes_backends_unreachable(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    attempted = await attempt(pool_model(f"http://{HOST}/v1"))
    assert attempted.failure is not None
    assert attempted.failure.status is CallStatus.UNREACHABLE


async def test_passwords_of_a_netrc_file_are_never_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {HOST} login u password p\nmachine localhost login u password p\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with playing(BACKEND) as backend, running_proxy(port_of(backend.url)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        for url in (f"http://{HOST}/v1", backend.url):
            assert (await attempt(pool_model(url))).exchange.text == "Eight."
            assert "authorization" not in {name.lower() for name in backend.headers}
