from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chart.chart import (
    CHART,
    KUBERNETES_VERSIONS,
    ROOT,
    TOOLS,
    render,
    run,
    scenarios,
    tool,
    values_files,
)

PYTHON = Path(os.environ.get("ROUTEMOA_CHART_PYTHON", ROOT / ".venv-chart/bin/python"))
IGNORED = (
    "container-image-pull-policy",  # tags are versions, so a pulled image stays what it is
    "deployment-has-host-podantiaffinity",  # topology spread does it
)
"""Checks of kube-score that the chart answers differently."""
UNSAFE = {"open"}
"""Scenarios that show less secure settings."""


def validate(text: str) -> str:
    if not PYTHON.exists():
        pytest.skip(f"{PYTHON} is not here; `make test-chart` makes it")
    script = Path(__file__).with_name("validate.py")
    done = run(str(PYTHON), str(script), str(TOOLS / "crds"), *KUBERNETES_VERSIONS, stdin=text)
    assert not done.stderr
    return done.stdout


@pytest.mark.parametrize("scenario", scenarios())
def test_every_scenario_is_valid_for_three_versions_of_kubernetes(scenario: str) -> None:
    texts = {render(scenario, kubernetes=version).text for version in KUBERNETES_VERSIONS}
    assert len(texts) == 1, "the chart asks for the version only to refuse"
    assert validate(texts.pop()) == ""


@pytest.mark.parametrize("scenario", scenarios())
def test_every_scenario_passes_helm_lint(scenario: str) -> None:
    files = [argument for path in values_files(scenario) for argument in ("--values", str(path))]
    done = run(tool("helm"), "lint", "--strict", "--quiet", str(CHART), *files)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("scenario", sorted(set(scenarios()) - UNSAFE))
def test_every_safe_scenario_has_no_critical_finding(scenario: str) -> None:
    # No CPU limit: it would throttle bursts; the request already shares the CPU out.
    score = (tool("kube-score"), "score", "--output-format", "ci", "--ignore-container-cpu-limit")
    done = run(*score, "--ignore-test", ",".join(IGNORED), "-", stdin=render(scenario).text)
    assert "[OK]" in done.stdout
    assert [line for line in done.stdout.splitlines() if line.startswith("[CRITICAL]")] == []


def test_the_validation_finds_what_is_wrong() -> None:
    text = render("gateway").text
    assert "maxSkew" in validate(text.replace("maxSkew:", "maxSkewed:", 1))
    assert "parentRef" in validate(text.replace("parentRefs:", "parentRef:"))
    assert "replicas" in validate(text.replace("replicas: 2", "replicas: two", 1))


def test_every_template_is_rendered_in_some_scenario() -> None:
    rendered = "".join(render(scenario).text for scenario in scenarios())
    templates = {
        str(path.relative_to(CHART.parent))
        for path in (CHART / "templates").rglob("*.yaml")
        if path.name != "validate.yaml"
    }
    assert len(templates) > 30
    assert {name for name in templates if f"# Source: {name}\n" not in rendered} == set()


def test_the_components_have_the_same_files() -> None:
    expected = {
        "certificate",
        "configmap",
        "deployment",
        "headless-service",
        "hpa",
        "networkpolicy",
        "pdb",
        "scaledobject",
        "service",
        "serviceaccount",
        "servicemonitor",
    }
    for component in ("scorer", "router", "judge"):
        folder = CHART / "templates" / component
        assert expected <= {path.stem for path in folder.glob("*.yaml")}
