"""The built images, run as a cluster would: read-only, without privileges, stopped by SIGTERM.

They are looked for where ROUTEMOA_IMAGES says, e.g. `localhost/routemoa` (`make test-images`).
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from routemoa import RouteMoAClient
from routemoa.client import VERSION
from scorer.commands.learn import LEAST_NEW_FEEDBACK
from scorer.rollout.rollout_files import RolloutFiles
from services.local.stack import free_port
from services.simulator.pool import default_pool
from tests.unit.scorer.learning.test_learn import BAD, GOOD, NEW, lines
from tests.unit.scorer.learning.traffic_lines import write_lines

if TYPE_CHECKING:
    from collections.abc import Iterator


PREFIX = os.environ.get("ROUTEMOA_IMAGES", "")
TAG = os.environ.get("ROUTEMOA_IMAGE_TAG", VERSION)
TOOL = os.environ.get("ROUTEMOA_CONTAINER_TOOL", "podman")
ROOT = Path(__file__).parents[2]
SERVICES = ("scorer", "router", "judge", "gateway")
PORTS = {"scorer": 50051, "router": 50052, "judge": 50053, "gateway": 8080}
USER = "65532"
LIMITS = ("--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096")
"""Podman would raise them to what root may lack the right to."""
START_S = 60.0
pytestmark = [
    pytest.mark.skipif(not PREFIX, reason="ROUTEMOA_IMAGES does not say where images are"),
    pytest.mark.timeout(300),
]


def tool(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own arguments
        [TOOL, *arguments], check=check, capture_output=True, text=True, timeout=120
    )


def image(name: str) -> str:
    return f"{PREFIX}/{name}:{TAG}"


def settings_of(name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(tool("image", "inspect", image(name)).stdout)
    settings: dict[str, Any] = found[0]["Config"]
    checked = found[0].get("Healthcheck")  # podman keeps it beside the rest
    return {"Healthcheck": checked, **settings}


@contextmanager
def running(name: str, options: list[str], *arguments: str) -> Iterator[str]:
    """Runs an image with no rights at all and yields the container's id."""
    strict = ["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges"]
    if TOOL == "podman":
        strict.append("--read-only-tmpfs=false")  # not even /tmp can be written
    command = ("run", "--detach", "--network=host", "--no-healthcheck", *LIMITS, *strict, *options)
    container = tool(*command, image(name), *arguments).stdout.strip()
    try:
        yield container
    finally:
        tool("rm", "--force", container)


def options_of(name: str, **settings: str) -> list[str]:
    prefix = f"ROUTEMOA_{name.upper()}_"
    settings.setdefault("METRICS_PORT", str(free_port()))
    return [f"--env={prefix}{key}={value}" for key, value in settings.items()]


def probe_of(name: str, address: str) -> list[str]:
    over_http = ["--http"] if name == "gateway" else []
    return ["python", "-m", "services.health_probe", *over_http, address]


def is_healthy(container: str, name: str, address: str) -> bool:
    probe = probe_of(name, address)
    return tool("exec", container, *probe, check=False).returncode == 0


def wait_until_healthy(container: str, name: str, address: str) -> None:
    until_s = time.monotonic() + START_S
    while not is_healthy(container, name, address):
        assert time.monotonic() < until_s, tool("logs", container).stderr
        time.sleep(0.2)


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    path = tmp_path / "pool.yaml"
    path.write_text(default_pool("http://127.0.0.1:1"))
    tmp_path.chmod(0o755)  # the container's user is another one
    return path


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_runs_without_rights_says_that_it_is_healthy_and_stops_on_sigterm(
    name: str, pool: Path
) -> None:
    address = f"127.0.0.1:{free_port()}"
    options = options_of(name, LISTEN_ADDRESS=address)
    options += [f"--volume={pool}:/etc/routemoa/pool.yaml:ro"] if name == "router" else []
    with running(name, options) as container:
        wait_until_healthy(container, name, address)
        assert tool("exec", container, "id", "-u").stdout.strip() == USER
        assert tool("exec", container, "touch", "/tmp/x", check=False).returncode != 0  # noqa: S108  # that it fails is the point
        started_s = time.monotonic()
        tool("stop", "--time=30", container)
        assert time.monotonic() - started_s < 10
        assert tool("wait", container).stdout.strip() == "0"
        logged = [json.loads(line) for line in tool("logs", container).stderr.splitlines()]
        assert logged[-1]["event"] == "stopped"


@pytest.mark.parametrize("name", [*SERVICES, "simulator", "evaluation"])
def test_an_image_says_what_it_is_and_brings_nothing_to_build_with(name: str) -> None:
    settings = settings_of(name)
    assert settings["User"] == f"{USER}:{USER}"
    assert settings["Entrypoint"] == ["python", "-m", f"services.{name}"]
    labels = settings["Labels"]
    assert labels["org.opencontainers.image.title"] == f"routemoa-{name}"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert len(labels["org.opencontainers.image.revision"]) == 40
    assert labels["org.opencontainers.image.version"]
    tools = "gcc cc c++ make pip pip3 git curl wget"
    look = (
        f"for name in {tools}; do command -v $name; done; ls -A /var/lib/apt/lists;"
        " find / -xdev '(' -name '*.whl' -o -name .cache -o -name '*.deb' ')'"
    )
    # As root, which may look everywhere.
    inside = ("run", "--rm", "--network=none", "--user=0", "--entrypoint=sh", *LIMITS)
    found = tool(*inside, image(name), "-c", look)
    assert found.stdout == ""


def test_the_scorer_runs_an_artifact_that_is_mounted_instead_of_its_own(tmp_path: Path) -> None:
    artifact = tmp_path / "artifact"
    shutil.copytree(ROOT / "scorer/artifacts/default", artifact)
    tmp_path.chmod(0o755)
    address = f"127.0.0.1:{free_port()}"
    options = options_of("scorer", LISTEN_ADDRESS=address, ARTIFACT="/artifact")
    with running("scorer", [*options, f"--volume={artifact}:/artifact:ro"]) as container:
        wait_until_healthy(container, "scorer", address)
    with running("scorer", options) as container:
        assert tool("wait", container).stdout.strip() == "1"
        assert "/artifact" in tool("logs", container).stderr


def test_the_image_of_jobs_learns_a_candidate_and_starts_its_rollout(tmp_path: Path) -> None:
    artifacts, decisions = tmp_path / "artifact", tmp_path / "decisions"
    artifacts.mkdir()
    decisions.mkdir()
    tmp_path.chmod(0o755)  # the container's user is another one
    artifacts.chmod(0o777)
    (artifacts / "current").symlink_to("/app/scorer/artifacts/default")
    said = lines(LEAST_NEW_FEEDBACK, {GOOD: 0.95, BAD: 0.1, NEW: 0.9})
    write_lines(decisions / "decisions-1.jsonl.gz", said)
    volumes = (f"--volume={artifacts}:/artifact", f"--volume={decisions}:/decisions:ro")
    inside = ("run", "--rm", "--network=none", "--entrypoint=python", *LIMITS, *volumes)
    command = ("learn", "scorer/artifacts/default", "/decisions", "--rollout", "/artifact/current")
    done = tool(*inside, image("evaluation"), "-m", "scorer", *command)
    assert "has started" in done.stderr
    assert RolloutFiles(artifacts / "current").state.exists()


@pytest.mark.parametrize("name", SERVICES)
def test_a_services_image_checks_its_own_health(name: str) -> None:
    probe = probe_of(name, f"127.0.0.1:{PORTS[name]}")
    assert settings_of(name)["Healthcheck"]["Test"] == ["CMD", *probe]


def test_the_images_answer_a_query_together(tmp_path: Path) -> None:
    ports = {name: free_port() for name in (*SERVICES, "simulator")}
    addresses = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    pool = tmp_path / "pool.yaml"
    pool.write_text(default_pool(f"http://{addresses['simulator']}"))
    tmp_path.chmod(0o755)
    simulated = ("--simulated", "--port", str(ports["simulator"]))
    options = {name: options_of(name, LISTEN_ADDRESS=addresses[name]) for name in SERVICES}
    options["router"] += options_of(
        "router", SCORER_ADDRESS=addresses["scorer"], JUDGE_ADDRESS=addresses["judge"]
    )
    options["gateway"] += options_of("gateway", ROUTER_ADDRESS=addresses["router"])
    options["router"].append(f"--volume={pool}:/etc/routemoa/pool.yaml:ro")
    with ExitStack() as stack:
        stack.enter_context(running("simulator", [], *simulated))
        for name in SERVICES:
            container = stack.enter_context(running(name, options[name]))
            wait_until_healthy(container, name, addresses[name])
        asyncio.run(ask(addresses["router"]))
        asyncio.run(chat(addresses["gateway"]))


async def chat(address: str) -> None:
    body = {"model": "routemoa", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}
    url = f"http://{address}/v1/chat/completions"
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        assert (await response.json())["choices"][0]["message"]["content"]


async def ask(address: str) -> None:
    async with RouteMoAClient(address) as client:
        response = await client.answer("Why is the sky blue?", timeout_s=60)
    assert response.answer.text
    assert not response.fallbacks
