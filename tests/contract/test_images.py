"""What the images promise and can be checked without building them."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.simulator.pool import default_pool

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text()
COMPOSE = ROOT / "deploy/docker/compose.yaml"
LOCK_OF_SERVICE = {
    "judge": "judge",
    "router": "router",
    "simulator": "router",
    "scorer": "scorer",
}
OURS = {"services", "scorer", "routemoa"}


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
    heavy = {"numpy", "onnxruntime", "onnxruntime-gpu", "tokenizers", "torch"}
    assert not heavy & (locked("judge") | locked("router"))
    assert "aiohttp" not in locked("judge") | locked("scorer")
    assert "onnxruntime" not in locked("scorer-gpu")
    assert locked("scorer-gpu") - {"onnxruntime-gpu"} == locked("scorer") - {"onnxruntime"}


def test_the_composed_services_are_targets_that_cannot_write() -> None:
    services: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    assert set(services) == {"scorer", "router", "judge", "simulator"}
    for service in services.values():
        assert f" AS {service['build']['target']}\n" in DOCKERFILE
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


def test_the_composed_pool_is_the_simulators() -> None:
    pool = (ROOT / "deploy/docker/pool/pool.yaml").read_text()
    assert pool == default_pool("http://simulator:8000")
