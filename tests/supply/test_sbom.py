"""Bills of materials: whole, and valid by CycloneDX's own schema."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.sbom import LOCKS, WITH_ARTIFACT, problem_of
from tests.toolchain import missing

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".venv-supply"
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def bills(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Bills of all images and of the Python package, by name."""
    return written(tmp_path_factory.mktemp("bills"), *LOCKS)


def written(folder: Path, *names: str) -> dict[str, Any]:
    if not (TOOLS / "bin/cyclonedx-py").exists():
        missing("no cyclonedx-py here: make .venv-supply/supply.done")
    script = ROOT / "scripts/sbom.py"
    subprocess.run(  # noqa: S603  # our own script
        [sys.executable, str(script), "--tools", str(TOOLS), str(folder), *names], check=True
    )
    return {name: json.loads((folder / f"{name}.cdx.json").read_text()) for name in names}


def test_bills_of_images_and_of_the_package_list_every_locked_package(
    bills: dict[str, Any],
) -> None:
    for name, bill in bills.items():
        text = (ROOT / f"requirements/{LOCKS[name]}.txt").read_text()
        locked = re.findall(r"^([a-zA-Z0-9._-]+)==([^ ;]+)", text, re.MULTILINE)
        libraries = {c["purl"] for c in bill["components"] if c["type"] == "library"}
        assert libraries == {f"pkg:pypi/{package}@{version}" for package, version in locked}
        models = [c for c in bill["components"] if c["type"] == "machine-learning-model"]
        assert len(models) == len(WITH_ARTIFACT.get(name, ()))
        (whole, *_) = bill["dependencies"]
        assert len(whole["dependsOn"]) == len(bill["components"])


def test_the_bill_of_the_scorer_has_the_artifact_with_its_hashes_and_its_data(
    bills: dict[str, Any],
) -> None:
    bill = bills["image-scorer"]
    manifest = json.loads((ROOT / "scorer/artifacts/default/manifest.json").read_text())
    (model,) = [c for c in bill["components"] if c["type"] == "machine-learning-model"]
    assert model["version"] == manifest["version"]
    hashes = {file["name"]: file["hashes"][0]["content"] for file in model["components"]}
    assert hashes == manifest["files"]
    data = [each["name"] for each in model["modelCard"]["modelParameters"]["datasets"]]
    assert data == [source["name"] for source in manifest["data_sources"]]


def test_the_bill_of_the_typescript_client_is_valid(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        missing("no npm here")
    bill = written(tmp_path, "package-typescript")["package-typescript"]
    assert "@grpc/grpc-js" in {f"{c.get('group', '')}{c['name']}" for c in bill["components"]}


def test_a_bill_that_is_not_by_the_schema_has_a_problem(
    bills: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "bill.cdx.json"
    path.write_text(json.dumps(bills["image-judge"]))
    assert problem_of([path], TOOLS) == ""
    path.write_text(json.dumps(bills["image-judge"] | {"components": [{"type": "pudding"}]}))
    assert str(path) in problem_of([path], TOOLS)
