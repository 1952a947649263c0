"""The workflows are valid, and what `make packages` built is what each registry asks for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tarfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from tests.toolchain import missing

ROOT = Path(__file__).resolve().parents[2]
ACTIONLINT = ROOT / ".tools/bin/actionlint"
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
DIST = os.environ.get("ROUTEMOA_DIST", "")
needs_dist = pytest.mark.skipif(not DIST, reason="ROUTEMOA_DIST does not say where packages are")


def unpacked(pattern: str, name: str) -> bytes:
    """Returns a file of the one archive in dist whose name matches."""
    (archive,) = Path(DIST).glob(pattern)
    with tarfile.open(archive) as files:
        member = files.extractfile(name)
        assert member is not None
        return member.read()


def _images() -> list[str]:
    """Returns the images that `make images` builds."""
    found = re.search(r"^IMAGES := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found is not None
    return found[1].split()


def test_workflows_are_valid() -> None:
    if not ACTIONLINT.exists():
        missing("actionlint is not installed: scripts/chart_tools.sh .tools")
    done = subprocess.run(  # noqa: S603  # our own arguments
        [ACTIONLINT, *WORKFLOWS], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_run_targets_that_exist(workflow: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    commands = "\n".join(step.get("run", "") for job in jobs for step in job["steps"])
    used = set(re.findall(r"\bmake (?:--silent )?([a-z-]+)", commands))
    assert used <= targets
    assert used or ".ci/run" in commands


def test_every_image_is_published() -> None:
    release = (ROOT / ".github/workflows/release.yml").read_text()
    assert f"for image in {' '.join(_images())}; do" in release


@needs_dist
def test_the_npm_package_has_what_npm_asks_for() -> None:
    package = json.loads(unpacked("routemoa-client-*.tgz", "package/package.json"))
    assert package["publishConfig"]["provenance"]
    assert package["repository"]["directory"] == "clients/typescript"
    for part in package["exports"].values():
        for name in part.values():
            assert unpacked("routemoa-client-*.tgz", f"package/{name.removeprefix('./')}")
    assert unpacked("routemoa-client-*.tgz", "package/LICENSE")


@needs_dist
def test_the_maven_package_has_what_maven_central_asks_for() -> None:
    jars = {path.name.removeprefix("routemoa-client-") for path in Path(DIST).glob("*.jar")}
    version = next(name for name in jars if "-" not in name).removesuffix(".jar")
    assert jars == {f"{version}{part}.jar" for part in ("", "-sources", "-javadoc")}
    pom = ET.parse(Path(DIST) / "pom.xml").getroot()  # noqa: S314  # our own file
    asked = ("name", "description", "url", "licenses", "developers", "scm")
    assert [part for part in asked if pom.find(f"{{*}}{part}") is None] == []


@needs_dist
def test_the_chart_has_what_artifact_hub_asks_for() -> None:
    chart = yaml.safe_load(unpacked("routemoa-[0-9]*.tgz", "routemoa/Chart.yaml"))
    assert chart["home"]
    assert chart["maintainers"]
    images = yaml.safe_load(chart["annotations"]["artifacthub.io/images"])
    values = yaml.safe_load(unpacked("routemoa-[0-9]*.tgz", "routemoa/values.yaml"))
    assert [image["image"] for image in images] == [
        f"{values[image['name']]['image']['repository']}:{chart['appVersion']}" for image in images
    ]


@needs_dist
def test_every_image_and_package_has_its_bill_of_materials() -> None:
    bills = {path.name.removesuffix(".cdx.json") for path in Path(DIST).glob("*.cdx.json")}
    images = {f"image-{name}" for name in _images()}
    packages = {f"package-{name}" for name in ("python", "go", "typescript", "java")}
    assert images | packages <= bills
