"""What the images promise and can be checked without building them."""

from __future__ import annotations

import ast
import asyncio
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path, PurePosixPath
from typing import Any

import aiohttp
import pytest
import yaml

from services.router.config import RouterServiceConfig
from services.rpc.config import load_config
from services.simulator.pool import default_pool
from tests.contract.dockerfile import APP, ROOT, command, files, instructions, lay_out
from tests.contract.dockerfile import TEXT as DOCKERFILE
from tests.contract.loaded_modules import loaded
from tests.integration.service_process import START_S, logged, started

TARGETS = ("evaluation", "gateway", "judge", "router", "scorer", "scorer-gpu", "simulator")
COMPOSE = ROOT / "deploy/docker/compose.yaml"
LOCK_OF_SERVICE = {
    "evaluation": "serve",
    "gateway": "gateway",
    "judge": "judge",
    "router": "router",
    "simulator": "router",
    "scorer": "scorer",
}
PORTS = {"scorer": 50051, "router": 50052, "judge": 50053, "gateway": 8080}
OURS = {"services", "scorer", "routemoa"}
STOP_S = 30
WITHOUT_THE_CHECKOUT = f"""
import os, runpy, sys
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder
sys.meta_path[:] = [BuiltinImporter, FrozenImporter, PathFinder]
sys.path[1:] = [
    path for path in sys.path[1:]
    if not any(os.path.exists(os.path.join(path, name)) for name in {sorted(OURS)})
]
sys.argv[:] = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""Runs a module. Of the checkout, an editable install leaves its folders or a finder; both go.

PYTHONPATH comes first in sys.path, and with -P nothing does before it."""


def locked(name: str) -> set[str]:
    text = (ROOT / f"requirements/{name}.txt").read_text()
    return set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))


def imported(folders: list[str]) -> set[str]:
    """Returns the top-level names that the modules of some packages import from elsewhere."""
    names: set[str] = set()
    for path in (path for folder in folders for path in (ROOT / folder).glob("**/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
    tops = {name.partition(".")[0] for name in names}
    return tops - OURS - sys.stdlib_module_names


def test_the_scorer_image_holds_every_module_of_the_scorer_package_that_its_service_loads() -> None:
    code = (
        "import sys, services.scorer.app\n"
        "print(*(name for name in sys.modules if name.split('.')[0] == 'scorer'))"
    )
    names = subprocess.run(  # noqa: S603  # our own interpreter and code
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    folders = {name.split(".")[1] for name in names if name.count(".") >= 2}
    assert folders
    stage = DOCKERFILE.partition("AS scorer-build")[2].partition("\nFROM ")[0]
    copied = set(re.findall(r"^COPY scorer/(\w+) scorer/\1$", stage, re.MULTILINE))
    assert copied == folders


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_holds_every_module_that_its_commands_load(target: str) -> None:
    held = {
        path.relative_to(APP): file for path, file in files(target).items() if APP in path.parents
    }
    needed = loaded(modules_run(target), [ROOT, ROOT / "clients/python"])
    assert f"services.{target.removesuffix('-gpu')}.__main__" in needed
    assert len(needed) > 10
    missing = {
        name
        for name, file in needed.items()
        if held.get(PurePosixPath(file.relative_to(import_root(file)).as_posix())) != file
    }
    assert not missing


def modules_run(target: str) -> list[str]:
    """Returns the modules that `python -m` runs in a target, by its own instructions."""
    commands = [command(target, kind) for kind in ("ENTRYPOINT", "HEALTHCHECK")]
    return [words[words.index("-m") + 1] for words in commands if words]


def import_root(file: Path) -> Path:
    clients = ROOT / "clients/python"
    return clients if clients in file.parents else ROOT


def test_both_scorer_images_hold_the_same_files() -> None:
    assert files("scorer") == files("scorer-gpu")


def test_a_module_that_only_a_function_imports_is_one_that_an_image_must_hold(
    tmp_path: Path,
) -> None:
    texts = {
        "a/__init__.py": "",
        "a/__main__.py": "def f():\n    from . import late\n    run('-m', 'a.named')",
        "a/late.py": "if TYPE_CHECKING:\n    import a.typed\nelse:\n    import a.other",
        "a/named.py": "import b.c",
        "a/typed.py": "",
        "a/other.py": "",
        "b/__init__.py": "",
        "b/c.py": "",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    expected = {"a", "a.__main__", "a.late", "a.named", "a.other", "b", "b.c"}
    assert set(loaded(["a"], [tmp_path])) == expected


@pytest.mark.parametrize("service", sorted(PORTS))
async def test_a_service_starts_from_what_its_image_holds_and_stops(
    service: str, tmp_path: Path
) -> None:
    lay_out(service, tmp_path)
    pool = {"POOL_FILE": str(ROOT / "deploy/docker/pool/pool.yaml")} if service == "router" else {}
    run = as_in_image(command(service, "ENTRYPOINT"))
    async with started(service, arguments=run, folder=str(tmp_path), **pool) as process:
        address = str((await logged(process, "listening"))["address"])
        await until_serving(service, address, tmp_path)
        process.terminate()
        await logged(process, "stopped")
        async with asyncio.timeout(STOP_S):
            assert await process.wait() == 0


async def test_the_simulator_starts_from_what_its_image_holds_and_stops(tmp_path: Path) -> None:
    lay_out("simulator", tmp_path)
    words = [*command("simulator", "ENTRYPOINT"), *command("simulator", "CMD"), "--port", "0"]
    async with started("simulator", arguments=as_in_image(words), folder=str(tmp_path)) as process:
        assert process.stderr is not None
        async with asyncio.timeout(START_S):
            text = (await process.stderr.readline()).decode()
        port = re.search(r"http://[^/]*:(\d+)/v1", text)
        assert port, text + (await process.stderr.read()).decode()
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=START_S)) as session,
            session.get(f"http://127.0.0.1:{port[1]}/v1/models") as response,
        ):
            assert (await response.json())["data"]
        process.terminate()
        async with asyncio.timeout(STOP_S):
            assert await process.wait() == 0


def as_in_image(words: list[str]) -> list[str]:
    """Returns Python's arguments for `python -m MODULE ...` without this checkout to import from."""
    python, flag, module, *arguments = words
    assert [python, flag] == ["python", "-m"]
    return ["-P", "-c", WITHOUT_THE_CHECKOUT, module, *arguments]


async def until_serving(service: str, address: str, folder: Path) -> None:
    """Asks with the image's own probe until it says SERVING."""
    *words, _ = command(service, "HEALTHCHECK")
    text = ""
    try:
        async with asyncio.timeout(START_S):
            while text != "SERVING\n":
                probe = as_in_image([*words, address])
                async with started(service, arguments=probe, folder=str(folder)) as process:
                    output, errors = await process.communicate()
                text = (output + errors).decode()
    except TimeoutError:
        pytest.fail(f"{service} does not serve: {text}")


@pytest.mark.parametrize(("service", "lock"), LOCK_OF_SERVICE.items())
def test_an_image_installs_all_that_its_service_imports(service: str, lock: str) -> None:
    packages = packages_distributions()
    names = imported(["services/rpc", f"services/{service}", "clients/python/routemoa/v1"])
    assert len(names) >= 4
    missing = {
        name
        for name in names
        if not {p.lower().replace("_", "-") for p in packages.get(name, [])} & locked(lock)
    }
    assert not missing


def test_services_without_a_model_install_no_model_library() -> None:
    heavy = {"onnxruntime", "onnxruntime-gpu", "torch"}
    assert not heavy & (locked("judge") | locked("router") | locked("gateway"))
    # The judge reads texts with numpy alone; the router decides with it.
    assert "numpy" not in locked("gateway")
    assert "aiohttp" not in locked("judge") | locked("scorer") | locked("gateway")
    assert "onnxruntime" not in locked("scorer-gpu")
    assert locked("scorer-gpu") - {"onnxruntime-gpu"} == locked("scorer") - {"onnxruntime"}


def test_the_composed_services_are_targets_that_cannot_write() -> None:
    services: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    assert set(services) == {"scorer", "router", "judge", "gateway", "simulator"}
    for service in services.values():
        assert f" AS {service['build']['target']}\n" in DOCKERFILE
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


def test_the_composed_pool_is_the_simulators() -> None:
    pool = (ROOT / "deploy/docker/pool/pool.yaml").read_text()
    assert pool == default_pool("http://simulator:8000")


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_has_a_user_without_rights_labels_and_no_step_that_leaves_tools(
    target: str,
) -> None:
    found = instructions(target)
    by_kind = {line.partition(" ")[0]: line for line in found}
    assert by_kind["USER"] == "USER 65532:65532"
    service = target.removesuffix("-gpu")
    assert by_kind["ENTRYPOINT"] == f'ENTRYPOINT ["python", "-m", "services.{service}"]'
    labels = set(re.findall(r"org\.opencontainers\.image\.(\w+)=", " ".join(found)))
    assert labels == {"vendor", "licenses", "title", "description"}
    installs = [line for line in found if line.startswith("RUN")]
    # Python itself, where the base has none; all else is copied from a stage that is left behind.
    assert [line.count(" python3 ") for line in installs] == [1] * (target == "scorer-gpu")
    if target not in {"simulator", "evaluation"}:
        over_http = '"--http", ' if service == "gateway" else ""
        probe = f'"services.health_probe", {over_http}"127.0.0.1:{PORTS[service]}"'
        assert probe in by_kind["HEALTHCHECK"]


def test_the_gpu_image_runs_on_cuda_and_cudnn_and_asks_for_them() -> None:
    found = instructions("scorer-gpu")
    assert found[0] == "FROM ${CUDA_IMAGE} AS cuda"
    base = re.search(r"^ARG CUDA_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert base
    # The runtime of the CUDA that onnxruntime-gpu is built for, and not the one with compilers.
    assert re.fullmatch(r"nvidia/cuda:13\.[\d.]+-cudnn-runtime-\S+", base[1])
    assert any("ROUTEMOA_SCORER_PROVIDER=cuda" in line for line in found)
    built = " ".join(instructions("scorer-gpu-build"))
    assert "--require-hashes -r /tmp/scorer-gpu.txt" in built


def test_the_composed_services_find_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    services: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    router = services["router"]
    assert set(router["depends_on"]) == services.keys() - {"router", "gateway"}
    gateway = services["gateway"]["environment"]["ROUTEMOA_GATEWAY_ROUTER_ADDRESS"]
    assert gateway == f"dns:///router:{PORTS['router']}"
    assert services["gateway"]["depends_on"] == ["router"]
    set_in_image = dict(re.findall(r"(ROUTEMOA_\w+)=(\S+)", " ".join(instructions("router"))))
    for name, value in (set_in_image | router["environment"]).items():
        monkeypatch.setenv(name, value)
    config = load_config(RouterServiceConfig, [])
    assert config.scorer_address == f"dns:///scorer:{PORTS['scorer']}"
    assert config.judge_address == f"dns:///judge:{PORTS['judge']}"
    for service, port in PORTS.items():
        assert services[service]["ports"] == [f"127.0.0.1:{port}:{port}"]
    [volume] = router["volumes"]
    source, target, access = volume.split(":")
    assert access == "ro"
    assert str(config.pool_file) == f"{target}/pool.yaml"
    assert (COMPOSE.parent / source / "pool.yaml").exists()


def test_what_a_target_copies_is_not_kept_from_the_build() -> None:
    """Everything is ignored but what .dockerignore lets through."""
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    let_through = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    assert "*" in ignored
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert len(copied) > 10
    for source in copied:
        path = source.replace("${ARTIFACT}", "scorer/artifacts/default")
        assert any(path == known or path.startswith(f"{known}/") for known in let_through), path
        assert list(ROOT.glob(path)), path
