from __future__ import annotations

import asyncio
import hashlib
import http.server
import io
import sys
import tarfile
import threading
from typing import TYPE_CHECKING

import pytest
import trustme

from services.gateway.app import gateway
from services.gateway.config import GatewayServiceConfig
from services.router.app import router_app
from services.router.config import RouterServiceConfig
from tests.chart.chart import CHART, COMPONENTS, PORTS, render, run
from tests.conftest import LOOPBACK, Serve

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

FETCH = CHART / "files/fetch_artifact.py"
CALL = CHART / "files/call.py"


def archive(files: dict[str, bytes], *, link: str | None = None) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as made:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
        if link is not None:
            member = tarfile.TarInfo("link")
            member.type = tarfile.SYMTYPE
            member.linkname = link
            made.addfile(member)
    return stream.getvalue()


@pytest.fixture
def source(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server of files on loopback: its URL and its directory."""
    directory = tmp_path / "served"
    directory.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(directory))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}", directory
        server.shutdown()


def fetch(url: str, sha256: str, target: Path) -> subprocess.CompletedProcess[str]:
    target.mkdir()
    # Isolated: the pod has the standard library and nothing of ours at this point.
    return run(sys.executable, "-I", str(FETCH), url, sha256, str(target))


def test_an_artifact_with_the_expected_digest_is_unpacked(
    source: tuple[str, Path], tmp_path: Path
) -> None:
    url, directory = source
    content = archive({"manifest.json": b"{}", "model/weights.bin": b"\0" * 3_000_000})
    (directory / "a.tar.gz").write_bytes(content)
    target = tmp_path / "artifact"
    done = fetch(f"{url}/a.tar.gz", hashlib.sha256(content).hexdigest().upper(), target)
    assert done.returncode == 0, done.stderr
    found = {str(p.relative_to(target)): p.stat().st_size for p in target.rglob("*") if p.is_file()}
    assert found == {"manifest.json": 2, "model/weights.bin": 3_000_000}


def test_an_artifact_with_another_digest_is_refused_and_nothing_is_left(
    source: tuple[str, Path], tmp_path: Path
) -> None:
    url, directory = source
    (directory / "a.tar.gz").write_bytes(archive({"manifest.json": b"{}"}))
    target = tmp_path / "artifact"
    done = fetch(f"{url}/a.tar.gz", "0" * 64, target)
    assert done.returncode == 1
    assert "SHA-256" in done.stderr
    assert list(target.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        archive({"../outside": b"x"}),
        archive({"/outside": b"x"}),
        archive({}, link="/etc/passwd"),
        b"no archive",
    ],
    ids=["above", "absolute", "link", "no archive"],
)
def test_an_archive_that_leads_elsewhere_is_refused(
    content: bytes, source: tuple[str, Path], tmp_path: Path
) -> None:
    url, directory = source
    (directory / "a.tar.gz").write_bytes(content)
    target = tmp_path / "artifact"
    done = fetch(f"{url}/a.tar.gz", hashlib.sha256(content).hexdigest(), target)
    assert done.returncode == 1
    assert done.stderr.startswith("Cannot fetch the artifact")
    assert list(target.iterdir()) == []
    assert not (tmp_path / "outside").exists()


def test_an_artifact_that_is_not_there_is_told(source: tuple[str, Path], tmp_path: Path) -> None:
    done = fetch(f"{source[0]}/missing.tar.gz", "0" * 64, tmp_path / "artifact")
    assert done.returncode == 1
    assert "404" in done.stderr
    other = fetch("file:///etc/passwd", "0" * 64, tmp_path / "other")
    assert "no http or https URL" in other.stderr


async def call(*options: str, **addresses: str) -> tuple[int, str]:
    """Runs the script of `helm test` against services, beside the event loop that serves them."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(CALL)),
        *options,
        *(f"--{name}={address}" for name, address in addresses.items()),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 150)
    return process.returncode or 0, output.decode()


@pytest.fixture
def pool_file(tmp_path: Path) -> Path:
    pool_file = tmp_path / "pool.yaml"
    pool_file.write_text(
        "models: [{id: a, url: 'http://127.0.0.1:9/v1', prompt_price_usd_per_million_tokens: 1,"
        " completion_price_usd_per_million_tokens: 1, context_window_tokens: 8192}]"
    )
    return pool_file


async def test_helm_test_calls_all_services(
    serve: Serve, scorer_address: str, judge_address: str, pool_file: Path
) -> None:
    config = RouterServiceConfig(
        listen_address=LOOPBACK,
        pool_file=pool_file,
        scorer_address=scorer_address,
        judge_address=judge_address,
    )
    router_address = await serve(config, router_app(config))
    front = GatewayServiceConfig(listen_address=LOOPBACK, router_address=router_address)
    async with gateway(front) as gateway_address:
        status, output = await call(
            scorer=scorer_address,
            router=router_address,
            judge=judge_address,
            gateway=gateway_address,
        )
    assert status == 0, output
    assert "models ranked" in output
    assert "make 0.62" in output
    assert "1 models in the pool" in output
    assert "names of models" in output


async def test_helm_test_is_content_with_a_router_that_refuses_whoever_is_no_tenant(
    serve: Serve, pool_file: Path, tmp_path: Path
) -> None:
    tenants_file = tmp_path / "tenants.yaml"
    tenants_file.write_text(f'tenants: [{{id: a, token_sha256: ["{"0" * 64}"]}}]')
    open_config = RouterServiceConfig(listen_address=LOOPBACK, pool_file=pool_file)
    config = open_config.model_copy(update={"tenants_file": tenants_file})
    address = await serve(config, router_app(config))
    refused = "router: refuses a call without a token\n"
    assert await call("--router-has-tenants", router=address) == (0, refused)
    open_address = await serve(open_config, router_app(open_config))
    status, output = await call("--router-has-tenants", router=open_address)
    assert status == 1
    assert "answers a call without a token" in output
    closed, opened = (
        GatewayServiceConfig(listen_address=LOOPBACK, router_address=router)
        for router in (address, open_address)
    )
    async with gateway(closed) as front, gateway(opened) as open_front:
        refused = "gateway: refuses a request without a key\n"
        assert await call("--router-has-tenants", gateway=front) == (0, refused)
        assert await call(gateway=front) == (
            0,
            refused,
        )  # a router elsewhere, which may have tenants
        status, output = await call("--router-has-tenants", gateway=open_front)
    assert (status, output) == (
        1,
        f"{open_front}: the gateway answers a request without a key with 200\n",
    )


async def test_helm_test_speaks_tls_with_a_gateway_that_wants_a_certificate(
    serve: Serve, pool_file: Path, tmp_path: Path
) -> None:
    config = RouterServiceConfig(listen_address=LOOPBACK, pool_file=pool_file)
    router_address = await serve(config, router_app(config))
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    certificate.private_key_pem.write_to_path(tmp_path / "tls.key")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "tls.crt")
    front = GatewayServiceConfig(
        listen_address=LOOPBACK,
        router_address=router_address,
        tls_certificate_file=tmp_path / "tls.crt",
        tls_key_file=tmp_path / "tls.key",
        tls_client_ca_file=tmp_path / "ca.crt",
    )
    async with gateway(front) as address:
        status, output = await call(f"--tls-directory={tmp_path}", gateway=address)
        assert (status, "names of models" in output) == (0, True), output
        status, _ = await call(gateway=address)
        assert status == 1


async def test_helm_test_fails_and_names_the_service_that_is_down(
    scorer_address: str,
) -> None:
    status, output = await call(scorer=scorer_address, router="127.0.0.1:9", judge="127.0.0.1:9")
    assert status == 1
    assert "127.0.0.1:9: DEADLINE_EXCEEDED" in output or "127.0.0.1:9: UNAVAILABLE" in output


async def test_helm_test_calls_the_services_of_its_release_alone(judge_address: str) -> None:
    status, output = await call(judge=judge_address)
    assert (status, output) == (0, "judge: prior 0.5 and grade 0.9 make 0.62\n")


@pytest.mark.parametrize(
    ("scenario", "named"),
    [
        ("default", COMPONENTS),
        ("budgets", COMPONENTS),
        ("platform", ("scorer", "judge")),
        ("team", ("router", "gateway")),
        ("front", ("gateway",)),
    ],
)
def test_the_pod_of_helm_test_names_and_reaches_the_services_of_its_release(
    scenario: str, named: tuple[str, ...]
) -> None:
    rendered = render(scenario)
    [container] = rendered.one("Pod", "test")["spec"]["containers"]
    arguments = [word for word in container["command"] if word.startswith("--")]
    addresses = {f"--{name}=routemoa-{name}:{PORTS[name]}" for name in named}
    options = {"--router-has-tenants"} if scenario == "budgets" else set()
    options |= {"--tls-directory=/run/secrets/tls"} if scenario == "front" else set()
    assert set(arguments) == addresses | options
    assert rendered.all("Service").keys() >= set(named)
    assert container["image"] in {rendered.container(name)["image"] for name in named}
    _, *egress = rendered.one("NetworkPolicy", "test")["spec"]["egress"]
    reached = [
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        for rule in egress
        for peer in rule["to"]
    ]
    assert set(reached) == set(named)
    for component, rule in zip(reached, egress, strict=True):
        assert rule["ports"][0]["port"] == rendered.container(component)["ports"][0]["name"]
