from __future__ import annotations

import json
import os
import re
import shutil
import textwrap
from pathlib import Path

import pytest
import yaml

from services.simulator.pool import default_pool
from tests.chart.chart import (
    CHART,
    COMPONENTS,
    EXAMPLES,
    NAMESPACE,
    ROOT,
    helm,
    run,
    template,
    tool,
    values_files,
    values_options,
)
from tests.chart.test_scenarios import PYTHON, validate
from tests.toolchain import missing

TEAMS = EXAMPLES / "teams"


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
    files = values_options(*values_files(scenario))
    options = ("--namespace", NAMESPACE, "--dry-run=client")
    return helm("install", "routemoa", str(CHART), *options, *files).text.partition("NOTES:")[2]


def test_the_notes_say_how_to_call_the_router() -> None:
    plain = notes("default")
    assert "routemoa-router.ai.svc:50052." in plain
    assert "port-forward service/routemoa-router 50052" in plain
    assert plain.count("Only pods of the namespace ai may call it.") == 2
    assert "over TLS, for clients with a certificate." in notes("mtls")
    assert "routemoa.example.com through the Gateway API" in notes("gateway")
    assert "routemoa.example.com:443" in notes("ingress")
    assert "dns:///routemoa-scorer-headless.ai.svc:50051" in notes("platform")


def test_the_notes_say_how_to_ask_the_gateway() -> None:
    plain = notes("default")
    assert "export OPENAI_BASE_URL=http://routemoa-gateway.ai.svc:8080/v1\n" in plain
    assert "export OPENAI_API_KEY=any\n" in plain
    assert "port-forward service/routemoa-gateway 8080" in plain
    assert "a tenant's token" in notes("budgets")
    assert "https://routemoa-gateway.ai.svc:8080/v1, for clients with a cert" in notes("mtls")
    assert "https://routemoa-gateway.ai.svc:8080/v1.\n" in notes("front")
    assert "From outside: https://api.example.com/v1 through the Gateway API." in notes("gateway")
    assert "From outside: https://api.example.com/v1." in notes("ingress")
    for scenario in ("platform", "open"):
        assert ("OPENAI_BASE_URL" in notes(scenario)) == (scenario == "open")


@pytest.mark.parametrize("scenario", ["default", "platform", "team", "front", "mtls"])
def test_the_notes_end_with_the_test_and_run_no_parts_together(scenario: str) -> None:
    text = notes(scenario)
    assert text.rstrip().endswith("helm test routemoa --namespace ai")
    assert "\n\n\n" not in text
    assert ("No router here" in text) == (scenario == "platform")


@pytest.mark.parametrize("scenario", ["default", "budgets"])
def test_the_commands_of_the_notes_are_whole(scenario: str) -> None:
    blocks = [part.strip("\n") for part in notes(scenario).split("\n\n") if part.startswith("  ")]
    [python] = [block for block in blocks if "from openai" in block]
    compile(textwrap.dedent(python), "notes", "exec")
    script = "\n".join(block for block in blocks if block != python)
    assert run("bash", "-n", stdin=script).stderr == ""
    [body] = re.findall(r"--data '(.*?)'", script)
    assert json.loads(body)["stream"] is True


def test_the_example_values_hold_the_example_pool() -> None:
    values = yaml.safe_load((EXAMPLES / "values.yaml").read_text())["router"]["pool"]
    pool = yaml.safe_load((EXAMPLES / "pool.yaml").read_text())
    for model in values["models"]:
        model.pop("api_key_file", None)  # pool.yaml has it as a comment, so that it works without
    assert values == pool


def test_the_example_values_install_and_open_the_backends() -> None:
    rendered = template(EXAMPLES / "values.yaml")
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
    router = template(TEAMS / f"{team}.yaml", namespace=team)
    platform = template(TEAMS / "platform.yaml", namespace="platform")
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


def test_shellcheck_finds_nothing_in_our_scripts() -> None:
    shellcheck = PYTHON.with_name("shellcheck")
    if not shellcheck.exists():
        missing(f"{shellcheck} is not here; `make test-chart` installs it")
    folders = ("scripts", "deploy", "tests")
    scripts = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.sh"))]
    assert {"up.sh", "base.sh", "chart_tools.sh", "build.sh"} <= {path.name for path in scripts}
    done = run(str(shellcheck), *map(str, scripts), str(ROOT / ".ci/run"))
    assert done.returncode == 0, done.stdout


def commands_of(script: Path, tmp_path: Path) -> list[list[str]]:
    """Runs a script with stand-ins for the programs it calls; returns what it called them with."""
    log = tmp_path / "commands"
    stand_in = f"#!/bin/sh\nprintf '%s\\n' \"${{0##*/}}\" \"$@\" '' >>{log}\n"
    for name in ("docker", "kind", "kubectl", "helm"):
        (tmp_path / name).write_text(stand_in)
        (tmp_path / name).chmod(0o755)
    done = run("env", f"PATH={tmp_path}:{os.environ['PATH']}", "bash", str(script))
    assert done.returncode == 0, done.stderr
    return [command.split("\n") for command in log.read_text().strip().split("\n\n")]


def test_the_script_of_the_kind_cluster_builds_loads_installs_and_tests(tmp_path: Path) -> None:
    commands = commands_of(EXAMPLES / "kind/up.sh", tmp_path)
    names = (*COMPONENTS, "simulator")
    steps = [" ".join(command[:2]) for command in commands]
    kind = ["kind get", "kind create", "kind load"]
    assert steps == ["docker build"] * len(names) + kind + ["kubectl --context"] * 2 + [
        "helm upgrade",
        "helm test",
    ]
    images = [f"routemoa/{name}:local" for name in names]
    dockerfile = (ROOT / "deploy/docker/Dockerfile").read_text()
    builds = {command[command.index("--target") + 1]: command for command in commands[: len(names)]}
    for name, image in zip(names, images, strict=True):
        assert f" AS {name}\n" in dockerfile
        assert builds[name][builds[name].index("--tag") + 1] == image
    [load] = [command for command in commands if command[:2] == ["kind", "load"]]
    assert sorted(load[-len(names) :]) == sorted(images)
    for command in commands:
        assert all(Path(word).exists() for word in command if word.startswith("/")), command
        named = {"kubectl": "--context", "helm": "--kube-context"}.get(command[0])
        assert named is None or command[command.index(named) + 1] == "kind-routemoa"
    for command in commands[-2:]:
        # With --help, Helm does nothing but read the options before it.
        assert run(tool("helm"), *command[1:], "--help").returncode == 0


def test_the_kind_cluster_runs_what_its_script_builds() -> None:
    folder = EXAMPLES / "kind"
    rendered = template(folder / "values.yaml", namespace="ai")
    simulator = (folder / "simulator.yaml").read_text()
    assert validate(rendered.text) == validate(simulator) == ""
    assert validate((folder / "namespace.yaml").read_text()) == ""
    deployment, service = yaml.safe_load_all(simulator)
    spec = deployment["spec"]["template"]["spec"]
    [container] = spec["containers"]
    built = {f"routemoa/{name}:local" for name in (*COMPONENTS, "simulator")}
    ours = {rendered.container(component)["image"] for component in COMPONENTS}
    assert ours | {container["image"]} == built
    pool = json.loads(rendered.one("ConfigMap", "pool")["data"]["pool.yaml"])
    port = service["spec"]["ports"][0]["port"]
    host = service["metadata"]["name"]
    assert {model["url"] for model in pool["models"]} == {f"http://{host}:{port}/v1"}
    known = {model["id"] for model in yaml.safe_load(default_pool("http://a"))["models"]}
    assert {model["id"] for model in pool["models"]} <= known
    cluster = yaml.safe_load((folder / "cluster.yaml").read_text())
    assert cluster["name"] == "routemoa"


def test_every_file_that_the_documents_name_is_there() -> None:
    for page in (ROOT / "docs/operations.md", ROOT / "deploy/k8s/README.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
