"""What the clients of all languages have in common stays in step."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "clients"
JAVA_TESTS = "java/src/test/java/io/routemoa/client"
CONTRACT = ROOT / "proto/routemoa/v1/service_config.json"


def test_every_client_has_the_version_of_the_services() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    pom = ET.parse(CLIENTS / "java/pom.xml").getroot()  # noqa: S314  # our own file
    versions = {
        "python": found(r'^VERSION = "(.*)"', "python/routemoa/client.py"),
        "python's package": found(r'^version = "(.*)"', "python/pyproject.toml"),
        "python's server": found(r'"routemoa==(.*?)"', "../pyproject.toml"),
        "go": found(r'Version = "(.*)"', "go/options.go"),
        "typescript": found('VERSION = "(.*)"', "typescript/src/version.ts"),
        "typescript's package": read("typescript/package.json")["version"],
        "typescript's lock": read("typescript/package-lock.json")["version"],
        "java": pom.findtext("{*}version"),
        "java's readme": found("<version>(.*)</version>", "java/README.md"),
        "the chart": found(r"^version: (\S+)", "../deploy/k8s/routemoa/Chart.yaml"),
        "the chart's images": found(r"^appVersion: (\S+)", "../deploy/k8s/routemoa/Chart.yaml"),
        "the compose file's images": found(r"routemoa/\w+:(\S+)", "../deploy/docker/compose.yaml"),
    }
    assert versions == dict.fromkeys(versions, version)


def test_stubs_are_generated_by_the_version_that_runs_them() -> None:
    script = (ROOT / "scripts/gen_stubs.sh").read_text()
    runtime = found(r"google.golang.org/protobuf (v\S+)", "go/go.mod")
    assert f"protoc-gen-go@{runtime}" in script
    package = read("typescript/package.json")
    runtime = package["dependencies"]["@bufbuild/protobuf"]
    assert package["devDependencies"]["@bufbuild/protoc-gen-es"] == runtime


def read(file: str) -> Any:
    return json.loads((CLIENTS / file).read_text())


def found(pattern: str, file: str) -> str:
    match = re.search(pattern, (CLIENTS / file).read_text(), re.MULTILINE)
    return match[1] if match else ""


def test_every_client_has_the_contracts_service_config() -> None:
    config = CONTRACT.read_text()
    assert (CLIENTS / "python/routemoa/service_config.json").read_text() == config
    assert (CLIENTS / "go/service_config.json").read_text() == config
    assert config.strip() in (CLIENTS / "typescript/src/gen/service_config.ts").read_text()
    assert "../../proto/routemoa/v1</directory>" in (CLIENTS / "java/pom.xml").read_text()


@pytest.mark.parametrize(
    ("language", "compiled"),
    [
        ("go", ["go/example_test.go", "go/example_test.go"]),
        ("typescript", ["typescript/test/example.ts", "typescript/test/tools.ts"]),
        ("java", [f"{JAVA_TESTS}/Example.java", f"{JAVA_TESTS}/ToolsExample.java"]),
    ],
)
def test_the_examples_of_a_readme_are_those_that_are_compiled(
    language: str, compiled: list[str]
) -> None:
    blocks = re.findall(r"```(?:go|ts|java)\n(.*?)```", readme(language), re.DOTALL)
    assert len(blocks) == len(compiled)
    for block, file in zip(blocks, compiled, strict=True):
        source = squeezed((CLIENTS / file).read_text())
        example = block.replace("@routemoa/client/v1", "../src/v1.js")
        example = example.replace("@routemoa/client", "../src/index.js")
        assert squeezed(example) in source


def readme(language: str) -> str:
    return (CLIENTS / language / "README.md").read_text()


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_no_lock_file_names_a_registry() -> None:
    lock = read("typescript/package-lock.json")
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
