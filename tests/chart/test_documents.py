from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.chart.chart import CHART, EXAMPLES, NAMESPACE, ROOT, helm, run, tool, values_files
from tests.chart.test_scenarios import validate

if TYPE_CHECKING:
    from pathlib import Path

TEAMS = EXAMPLES / "teams"


def install(*values: Path, namespace: str = NAMESPACE) -> Any:
    files = [argument for path in values for argument in ("--values", str(path))]
    return helm("template", "routemoa", str(CHART), "--namespace", namespace, *files)


def test_every_value_is_documented_and_the_readme_is_fresh(tmp_path: Path) -> None:
    copy = tmp_path / "routemoa"
    shutil.copytree(CHART, copy)
    assert run(tool("helm-docs"), "--chart-search-root", str(copy)).returncode == 0
    readme = (copy / "README.md").read_text()
    assert readme == (CHART / "README.md").read_text(), "run `make gen-chart`"
    rows = [line for line in readme.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 100
    assert [row for row in rows if row.rstrip(" |").endswith("|") or row.endswith("|  |")] == []


def notes(scenario: str) -> str:
    files = [argument for path in values_files(scenario) for argument in ("--values", str(path))]
    options = ("--namespace", NAMESPACE, "--dry-run=client")
    return helm("install", "routemoa", str(CHART), *options, *files).text.partition("NOTES:")[2]


def test_the_notes_say_how_to_call_the_router() -> None:
    plain = notes("default")
    assert "routemoa-router.ai.svc:50052." in plain
    assert "helm test routemoa --namespace ai" in plain
    assert "port-forward service/routemoa-router 50052" in plain
    assert "Only pods of the namespace ai may call it." in plain
    assert "over TLS, for clients with a certificate." in notes("mtls")
    assert "routemoa.example.com through your gateway" in notes("gateway")
    assert "routemoa.example.com:443" in notes("ingress")
    assert "dns:///routemoa-scorer-headless.ai.svc:50051" in notes("platform")


def test_the_example_values_hold_the_example_pool() -> None:
    values = yaml.safe_load((EXAMPLES / "values.yaml").read_text())["router"]["pool"]
    pool = yaml.safe_load((EXAMPLES / "pool.yaml").read_text())
    for model in values["models"]:
        model.pop("api_key_file", None)  # pool.yaml has it as a comment, so that it works without
    assert values == pool


def test_the_example_values_install_and_open_the_backends() -> None:
    rendered = install(EXAMPLES / "values.yaml")
    egress = rendered.one("NetworkPolicy", "router")["spec"]["egress"]
    assert "models" in str(egress)
    assert "443" in str(egress)
    assert validate(rendered.text) == ""


def test_the_example_backends_are_valid_and_are_those_of_the_pool() -> None:
    text = (EXAMPLES / "backends.yaml").read_text()
    assert validate(text) == ""
    objects = [item for item in yaml.safe_load_all(text) if item]
    urls = {
        f"http://{item['metadata']['name']}.{item['metadata']['namespace']}.svc:"
        f"{item['spec']['ports'][0]['port']}/v1"
        for item in objects
        if item["kind"] == "Service"
    }
    pool = yaml.safe_load((EXAMPLES / "pool.yaml").read_text())
    assert urls == {m["url"] for m in pool["models"] if m["url"].startswith("http://")}
    labels = {
        item["metadata"]["name"]: item["spec"]["template"]["metadata"]["labels"]
        for item in objects
        if item["kind"] == "Deployment"
    }
    for item in objects:
        if item["kind"] == "Service":
            assert labels[item["metadata"]["name"]] == item["spec"]["selector"]


@pytest.mark.parametrize("team", ["research", "support"])
def test_a_team_reaches_the_platform_and_the_platform_admits_it(team: str) -> None:
    router = install(TEAMS / f"{team}.yaml", namespace=team)
    platform = install(TEAMS / "platform.yaml", namespace="platform")
    assert validate(router.text) == validate(platform.text) == ""
    environment = router.environment("router")
    for component in ("scorer", "judge"):
        address = environment[f"ROUTEMOA_ROUTER_{component.upper()}_ADDRESS"]
        service, namespace = address.removeprefix("dns:///").split(".")[:2]
        assert platform.one("Service", service.removeprefix("routemoa-"))
        assert namespace == "platform"
        [callers, _] = platform.one("NetworkPolicy", component)["spec"]["ingress"]
        admitted = callers["from"][-1]
        namespaces = {
            item["metadata"]["name"]: item["metadata"]["labels"]
            for item in yaml.safe_load_all((TEAMS / "namespaces.yaml").read_text())
        }
        wanted = admitted["namespaceSelector"]["matchLabels"].items()
        assert wanted <= namespaces[team].items()
        labels = router.one("Deployment", "router")["spec"]["template"]["metadata"]["labels"]
        assert admitted["podSelector"]["matchLabels"].items() <= labels.items()


def test_the_scripts_are_shell() -> None:
    scripts = (
        EXAMPLES / "kind/up.sh",
        ROOT / "scripts/chart_tools.sh",
        ROOT / "tests/chart/cluster/build.sh",
    )
    for script in scripts:
        assert run("bash", "-n", str(script)).returncode == 0


def test_every_file_that_the_documents_name_is_there() -> None:
    for page in (ROOT / "docs/operations.md", ROOT / "deploy/k8s/README.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
