"""The probe that container platforms run beside a service."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from services.gateway.app import gateway
from services.gateway.config import GatewayServiceConfig
from services.judge.app import judge_app
from services.judge.config import JudgeServiceConfig
from tests.conftest import LOOPBACK
from tests.integration.certificates import SERVER_NAME, issue
from tests.proxies import SILENT_PROXY

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.conftest import Serve

TIMEOUT_S = 60


async def probe(*arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.health_probe", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(TIMEOUT_S):
        text, _ = await process.communicate()
    return process.returncode, text.decode()


async def test_a_service_that_serves_is_healthy(judge_address: str) -> None:
    assert await probe(judge_address) == (0, "SERVING\n")
    assert await probe(judge_address, "routemoa.v1.JudgeService") == (0, "SERVING\n")


async def test_a_proxy_of_the_environment_is_not_asked(
    judge_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SILENT_PROXY.items():
        monkeypatch.setenv(name, value)
    assert await probe(judge_address) == (0, "SERVING\n")


async def test_an_unknown_service_and_a_closed_port_are_not(judge_address: str) -> None:
    status, text = await probe(judge_address, "routemoa.v1.Nobody")
    assert (status, text.split(":")[0]) == (1, "NOT_FOUND")
    status, text = await probe("127.0.0.1:1")
    assert (status, text.split(":")[0]) == (1, "UNAVAILABLE")


async def test_a_server_that_wants_mutual_tls_is_probed_with_a_certificate(
    serve: Serve, tmp_path: Path
) -> None:
    files = issue(tmp_path)
    config = JudgeServiceConfig(
        listen_address=LOOPBACK,
        tls_certificate_file=files.certificate,
        tls_key_file=files.key,
        tls_client_ca_file=files.ca,
    )
    address = await serve(config, judge_app(config))
    trust = ("--ca-file", str(files.ca), "--server-name", SERVER_NAME)
    show = ("--certificate-file", str(files.certificate), "--key-file", str(files.key))
    assert await probe(address, *trust, *show) == (0, "SERVING\n")
    status, _ = await probe(address, *trust)
    assert status == 1
    status, text = await probe(address, "--ca-file", str(tmp_path / "none"))
    assert (status, "No such file" in text) == (1, True)


async def test_the_gateway_is_asked_over_http(tmp_path: Path) -> None:
    plain = GatewayServiceConfig(listen_address=LOOPBACK)
    async with gateway(plain) as address:
        assert await probe("--http", address) == (0, "SERVING\n")
        # There is no router.
        assert await probe("--http", address, "/readyz") == (1, "NOT_SERVING\n")
    status, _ = await probe("--http", address)
    assert status == 1
    files = issue(tmp_path / "gateway")
    tls = GatewayServiceConfig(
        listen_address=LOOPBACK, tls_certificate_file=files.certificate, tls_key_file=files.key
    )
    async with gateway(tls) as address:
        trusted = ("--http", address, "--ca-file", str(files.ca))
        assert await probe(*trusted, "--server-name", SERVER_NAME) == (0, "SERVING\n")
        status, _ = await probe(*trusted, "--server-name", "another.example")
        assert status == 1
