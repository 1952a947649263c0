"""Each client as its ecosystem packages it: what the package holds, and its README's example, run.

A language whose toolchain is absent, or that `make test-clients` did not build, is skipped and named.
"""

from __future__ import annotations

import os
import re
import sys
import tarfile
from email.parser import Parser
from shutil import copy, which
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest
import pytest_asyncio

from tests.clients.program import ROOT, run
from tests.toolchain import missing

if TYPE_CHECKING:
    from pathlib import Path

    from services.local.stack import Stack

CLIENTS = ROOT / "clients"
ADDRESS = "127.0.0.1:50052"
"""What every example calls."""
ANSWER = "Rayleigh"
"""What the simulated pool says about the sky."""
BASE = {"grpc", "grpc_status", "google", "typing_extensions", "routemoa"}
ONLY_BASE = f"""
import sys
class Only:
    def find_spec(self, name, *_):
        if name.partition(".")[0] not in {BASE!r} | sys.stdlib_module_names:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Only())
import routemoa, routemoa.blocking, routemoa.credentials
print(routemoa.__file__)
"""


def needed(*programs: str, built: Path | None = None) -> None:
    for program in programs:
        if which(program) is None:
            missing(f"{program} is not installed")
    if built is not None and not built.exists():
        missing(f"{built.relative_to(ROOT)} is not there: `make test-clients` builds it")


def example_of(page: Path, language: str, stack: Stack) -> str:
    """Returns the only block of a language on a page, with the stack's address."""
    blocks = re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)
    assert len(blocks) == 1
    return addressed(blocks[0], stack)


def addressed(source: str, stack: Stack) -> str:
    assert ADDRESS in source
    return source.replace(ADDRESS, stack.router_address)


def only(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    await run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    return only(folder, "*.whl")


async def test_the_wheel_holds_the_typed_client_and_needs_the_base_dependencies_only(
    wheel: Path, tmp_path: Path
) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        requirements = Parser().parsestr(archive.read(metadata).decode()).get_all("Requires-Dist")
    assert {"routemoa/py.typed", "routemoa/service_config.json"} <= names
    assert {"routemoa/v1/model_pb2.pyi", "routemoa/v1/model_pb2.py"} <= names
    assert {name.rpartition("/")[2] for name in names} >= {"LICENSE", "NOTICE"}
    assert not [name for name in names if name.startswith(("tests/", "clients/"))]
    base = [line for line in requirements or () if "extra ==" not in line]
    assert {re.split("[>=]", line)[0] for line in base} == {"grpcio", "grpcio-status", "protobuf"}
    environment = os.environ | {"PYTHONPATH": str(wheel)}
    loaded = await run(sys.executable, "-c", ONLY_BASE, folder=tmp_path, environment=environment)
    assert str(wheel) in loaded


@pytest.mark.parametrize("page", ["README.md", "clients/README.md", "clients/python/README.md"])
async def test_pythons_examples_run_with_the_wheel(
    page: str, stack: Stack, wheel: Path, tmp_path: Path
) -> None:
    environment = os.environ | {"PYTHONPATH": str(wheel)}
    example = example_of(ROOT / page, "python", stack)
    output = await run(sys.executable, "-c", example, folder=tmp_path, environment=environment)
    assert ANSWER in output


async def test_gos_example_runs_in_a_module_of_its_own(stack: Stack, tmp_path: Path) -> None:
    needed("go")
    module = "github.com/routemoa/routemoa/clients/go"
    go = CLIENTS / "go"
    example = addressed((go / "example_test.go").read_text(), stack)
    example = example.replace("package routemoa_test", "package main")
    (tmp_path / "main.go").write_text(example.replace("ExampleClient_StreamAnswer", "main"))
    requirements = (go / "go.mod").read_text().replace(f"module {module}", "module example")
    ours = f"require {module} v0.0.0\nreplace {module} => {go}\n"
    (tmp_path / "go.mod").write_text(f"{requirements}\n{ours}")
    copy(go / "go.sum", tmp_path)
    assert ANSWER in await run("go", "run", ".", folder=tmp_path)
    assert not await run("gofmt", "-l", ".", folder=go)


async def test_typescripts_example_runs_with_the_packed_package(
    stack: Stack, tmp_path: Path
) -> None:
    typescript = CLIENTS / "typescript"
    needed("npm", "node", built=typescript / "node_modules")
    await run("npm", "pack", "--silent", "--pack-destination", tmp_path, folder=typescript)
    modules = tmp_path / "node_modules"
    with tarfile.open(only(tmp_path, "*.tgz")) as archive:
        archive.extractall(tmp_path, filter="data")
    (modules / "@routemoa").mkdir(parents=True)
    (tmp_path / "package").rename(modules / "@routemoa/client")
    for dependency in ("@grpc", "@bufbuild"):
        (modules / dependency).symlink_to(typescript / "node_modules" / dependency)
    files = {path.name for path in (modules / "@routemoa/client").rglob("*")}
    assert files >= {"index.js", "index.d.ts", "v1.d.ts", "README.md", "LICENSE", "NOTICE"}
    assert not {"client.test.js", "conformance.js", "node_modules"} & files
    example = example_of(typescript / "README.md", "ts", stack)
    (tmp_path / "example.mjs").write_text(example)
    assert ANSWER in await run("node", "example.mjs", folder=tmp_path)


async def test_javas_example_runs_with_the_archive(stack: Stack, tmp_path: Path) -> None:
    java = CLIENTS / "java"
    version = re.search("<version>(.*?)</version>", (java / "pom.xml").read_text())
    assert version
    archive = java / f"target/routemoa-client-{version[1]}.jar"
    needed("java", built=archive)
    with ZipFile(archive) as jar, ZipFile(archive.with_stem(f"{archive.stem}-sources")) as sources:
        assert {"META-INF/LICENSE", "META-INF/NOTICE"} <= set(jar.namelist())
        assert "io/routemoa/client/service_config.json" in jar.namelist()
        assert not [name for name in jar.namelist() if "Conformance" in name or "Test" in name]
        assert "io/routemoa/client/RouteMoAClient.java" in sources.namelist()
    example = tmp_path / "Example.java"
    source = java / "src/test/java/io/routemoa/client/Example.java"
    example.write_text(addressed(source.read_text(), stack))
    libraries = f"{archive}{os.pathsep}{java / 'target/lib'}/*"
    assert ANSWER in await run("java", "-cp", libraries, example, folder=tmp_path)
