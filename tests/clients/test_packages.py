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

import grpc.aio
import pytest
import pytest_asyncio

from routemoa.v1 import router_service_pb2 as pb
from routemoa.v1.model_pb2 import ROLE_TOOL
from routemoa.v1.router_service_pb2_grpc import (
    RouterServiceServicer,
    add_RouterServiceServicer_to_server,
)
from tests.clients.program import ROOT, run
from tests.toolchain import missing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from services.local.stack import Stack

CLIENTS = ROOT / "clients"
ADDRESS = "127.0.0.1:50052"
"""What every example calls."""
ANSWER = "Rayleigh"
"""What the simulated pool says about the sky."""
COLD = "4 degrees"
"""What the result of the examples' tool says."""
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


def example_of(page: Path, language: str, address: str, *, number: int = 0) -> str:
    """Returns a block of a language on a page, with an address."""
    blocks = re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)
    return addressed(blocks[number], address)


def addressed(source: str, address: str) -> str:
    assert ADDRESS in source
    return source.replace(ADDRESS, address)


class ToolRouter(RouterServiceServicer):
    """Asks for the weather once, and answers with the result that it gets."""

    async def GenerateAnswer(
        self, request: pb.GenerateAnswerRequest, context: object
    ) -> pb.GenerateAnswerResponse:
        *_, last = request.messages
        answer = pb.GenerateAnswerResponse().answer
        if last.role == ROLE_TOOL:
            asked = request.messages[-2].tool_calls[0]
            assert asked.tool_call_id == last.tool_call_id
            answer.text = f"It is cold: {last.content}."
        else:
            (tool,) = request.options.tools
            answer.tool_calls.add(
                tool_call_id="call-1", name=tool.name, arguments_json='{"city": "Oslo"}'
            )
        return pb.GenerateAnswerResponse(answer=answer)


@pytest.fixture
async def tool_router() -> AsyncIterator[str]:
    """The address of a router whose model asks for a tool."""
    server = grpc.aio.server()
    router = ToolRouter()  # type: ignore[abstract]  # the examples call one method
    add_RouterServiceServicer_to_server(router, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


def only(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    await run(*build, folder=CLIENTS / "python")
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


@pytest.mark.parametrize(
    ("page", "number"),
    [
        ("README.md", 1),  # the first one is OpenAI's SDK: `make test-sdks`
        ("clients/README.md", 0),
        ("clients/python/README.md", 0),
    ],
)
async def test_pythons_examples_run_with_the_wheel(
    page: str, number: int, stack: Stack, wheel: Path, tmp_path: Path
) -> None:
    environment = os.environ | {"PYTHONPATH": str(wheel)}
    example = example_of(ROOT / page, "python", stack.router_address, number=number)
    output = await run(sys.executable, "-c", example, folder=tmp_path, environment=environment)
    assert ANSWER in output


async def test_pythons_example_with_a_tool_runs_with_the_wheel(
    tool_router: str, wheel: Path, tmp_path: Path
) -> None:
    environment = os.environ | {"PYTHONPATH": str(wheel)}
    example = example_of(CLIENTS / "python/README.md", "python", tool_router, number=1)
    output = await run(sys.executable, "-c", example, folder=tmp_path, environment=environment)
    assert COLD in output


async def test_gos_examples_run_in_a_module_of_its_own(
    stack: Stack, tool_router: str, tmp_path: Path
) -> None:
    needed("go")
    go = CLIENTS / "go"
    source = (go / "example_test.go").read_text()
    source = source.replace("package routemoa_test", "package main")
    first = source.replace("ExampleClient_StreamAnswer", "main")
    folder = go_module(addressed(first, stack.router_address), tmp_path / "stream")
    assert ANSWER in await run("go", "run", ".", folder=folder)
    second = source.replace("ExampleClient_GenerateAnswer_tools", "main")
    folder = go_module(addressed(second, tool_router), tmp_path / "tools")
    assert COLD in await run("go", "run", ".", folder=folder)
    assert not await run("gofmt", "-l", ".", folder=go)


def go_module(source: str, folder: Path) -> Path:
    """Returns a folder with a program in a module of its own."""
    module = "github.com/routemoa/routemoa/clients/go"
    go = CLIENTS / "go"
    folder.mkdir()
    (folder / "main.go").write_text(source)
    requirements = (go / "go.mod").read_text().replace(f"module {module}", "module example")
    ours = f"require {module} v0.0.0\nreplace {module} => {go}\n"
    (folder / "go.mod").write_text(f"{requirements}\n{ours}")
    copy(go / "go.sum", folder)
    return folder


async def test_typescripts_examples_run_with_the_packed_package(
    stack: Stack, tool_router: str, tmp_path: Path
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
    page = typescript / "README.md"
    (tmp_path / "example.mjs").write_text(example_of(page, "ts", stack.router_address))
    assert ANSWER in await run("node", "example.mjs", folder=tmp_path)
    (tmp_path / "tools.mjs").write_text(example_of(page, "ts", tool_router, number=1))
    assert COLD in await run("node", "tools.mjs", folder=tmp_path)


async def test_javas_examples_run_with_the_archive(
    stack: Stack, tool_router: str, tmp_path: Path
) -> None:
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
    sources_of = {
        name: (java / f"src/test/java/io/routemoa/client/{name}.java").read_text()
        for name in ("Example", "ToolsExample")
    }
    libraries = f"{archive}{os.pathsep}{java / 'target/lib'}/*"
    for name, address, expected in (
        ("Example", stack.router_address, ANSWER),
        ("ToolsExample", tool_router, COLD),
    ):
        example = tmp_path / f"{name}.java"
        example.write_text(addressed(sources_of[name], address))
        assert expected in await run("java", "-cp", libraries, example, folder=tmp_path)
