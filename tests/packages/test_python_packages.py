"""The wheels, installed as a stranger does: what they bring, need and can do.

They need an index of packages, so `make test-packages` runs them and `make test` does not.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.integration.service_process import logged, started

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text())["project"]
MAX_CLIENT_BYTES = 300_000
PYTHONS = [
    path
    for path in (shutil.which(f"python3.{minor}") for minor in (11, 12, 13, 14))
    if path and subprocess.run([path, "-V"], check=False, capture_output=True).returncode == 0  # noqa: S603
]
"""Those that are installed here."""
FLOORS = [requirement.replace(">=", "==") for requirement in PROJECT["dependencies"]]
ASK = """
import sys
from routemoa.blocking import BlockingClient
with BlockingClient(sys.argv[1]) as client:
    print(*(model.model_id for model in client.models()), client.router_info().default_strategy)
"""
START_S = 120


def run(*command: str | Path, **environment: str) -> str:
    """Runs a command away from the checkout and returns its output; it must succeed."""
    done = subprocess.run(  # noqa: S603  # our own arguments
        [str(part) for part in command],
        cwd="/",
        env=os.environ | {"PYTHONPATH": "", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Builds the wheels of client and server."""
    folder = tmp_path_factory.mktemp("packages")
    bin_folder = Path(sys.executable).parents[1]
    run(ROOT / "scripts/build_packages.sh", folder, "python", VENV=str(bin_folder))
    return {path.name.split("-")[0]: path for path in folder.glob("*.whl")}


@pytest.fixture
def server(wheels: dict[str, Path], tmp_path: Path) -> Path:
    """Installs client and server beside the libraries of this environment; returns its programs."""
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    programs = tmp_path / "venv/bin"
    run(programs / "pip", "install", "--no-deps", *wheels.values())
    ours = Path(
        run(
            programs / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"
        ).strip()
    )
    (ours / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return programs


def metadata(wheel: Path) -> dict[str, list[str]]:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        message = Parser().parsestr(archive.read(name).decode())
    return {key: message.get_all(key, []) for key in message}


def names(wheel: Path) -> set[str]:
    """Returns the names that a wheel puts into site-packages."""
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    return {name for name in tops if not name.endswith(".dist-info")}


def test_a_wheel_puts_one_name_into_site_packages_and_the_client_is_small(
    wheels: dict[str, Path],
) -> None:
    assert {name: names(wheel) for name, wheel in wheels.items()} == {
        "routemoa": {"routemoa"},
        "routemoa_server": {"routemoa_server"},
    }
    assert wheels["routemoa"].stat().st_size <= MAX_CLIENT_BYTES


@pytest.mark.parametrize("name", ["routemoa", "routemoa_server"])
def test_metadata_is_complete(wheels: dict[str, Path], name: str) -> None:
    found = metadata(wheels[name])
    assert found["Version"] == [PROJECT["version"]]
    assert found["License-Expression"] == ["Apache-2.0"]
    assert found["License-File"] == ["LICENSE", "NOTICE"]
    assert found["Description-Content-Type"] == ["text/markdown"]
    assert {"Summary", "Author", "Keywords", "Requires-Python"} <= found.keys()
    assert len(found["Project-URL"]) == 3
    assert "Programming Language :: Python :: 3.13" in found["Classifier"]


def test_the_server_needs_the_client_of_its_version(wheels: dict[str, Path]) -> None:
    assert f"routemoa=={PROJECT['version']}" in metadata(wheels["routemoa_server"])["Requires-Dist"]


@pytest.mark.parametrize("python", PYTHONS, ids=lambda path: Path(path).name)
@pytest.mark.parametrize("requirements", [FLOORS, []], ids=["floors", "newest"])
async def test_the_client_asks_a_router(
    wheels: dict[str, Path], tmp_path: Path, python: str, requirements: list[str]
) -> None:
    run(python, "-m", "venv", tmp_path / "venv")
    programs = tmp_path / "venv/bin"
    run(programs / "pip", "install", "--prefer-binary", wheels["routemoa"], *requirements)
    pool = str(ROOT / "deploy/pools/small.yaml")
    async with started("router", POOL_FILE=pool) as process:
        address = str((await logged(process, "listening"))["address"])
        said = await asyncio.to_thread(run, programs / "python", "-W", "error", "-c", ASK, address)
    assert said.endswith(" routemoa\n")
    assert len(said.split()) > 2


def test_installed_commands_find_the_server_and_nothing_else_does(server: Path) -> None:
    for name in ("services", "scorer"):
        code = f"import importlib.util, sys; sys.exit(bool(importlib.util.find_spec({name!r})))"
        run(server / "python", "-c", code)
    folder = next(
        server.parent.glob("lib/*/site-packages/routemoa_server/scorer/artifacts/default")
    )
    assert "routemoa-edge" in run(server / "routemoa", "scorer", "inspect", folder)
    pool = ROOT / "deploy/pools/small.yaml"
    assert "No problems" in run(server / "routemoa", "pool", "validate", "--pool", pool)


async def test_an_installed_service_starts(server: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        server / "routemoa",
        "serve",
        "judge",
        cwd="/",
        env=os.environ | {"PYTHONPATH": "", "ROUTEMOA_JUDGE_LISTEN_ADDRESS": "127.0.0.1:0"},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert (await logged(process, "listening"))["address"]
    finally:
        process.terminate()
        await process.communicate()
    assert process.returncode == 0


async def test_an_installed_up_starts_every_service(server: Path) -> None:
    ports = [f"--{name}-port=0" for name in ("scorer", "router", "judge", "gateway", "simulator")]
    process = await asyncio.create_subprocess_exec(
        server / "routemoa",
        "up",
        *ports,
        cwd="/",
        env=os.environ | {"PYTHONPATH": ""},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            shown = await process.stdout.readuntil(b"Ctrl-C")
    finally:
        process.terminate()
        await process.communicate()
    assert b"OPENAI_BASE_URL" in shown
