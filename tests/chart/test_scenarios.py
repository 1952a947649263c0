from __future__ import annotations

import copy
import json
import os
from pathlib import Path

import pytest

from tests.chart.chart import (
    CHART,
    COMPONENTS,
    GRPC_SERVICES,
    KUBERNETES_VERSIONS,
    PORTS,
    ROOT,
    TOOLS,
    Rendered,
    render,
    run,
    scenarios,
    tool,
    values_files,
    values_options,
)
from tests.toolchain import missing

PYTHON = Path(os.environ.get("ROUTEMOA_CHART_PYTHON", ROOT / ".venv-chart/bin/python"))
IGNORED = (
    "container-image-pull-policy",  # tags are versions, so a pulled image stays what it is
    "deployment-has-host-podantiaffinity",  # topology spread does it
)
"""Checks of kube-score that the chart answers differently."""
ALIKE = {
    "certificate": GRPC_SERVICES,
    "deployment": ("judge", "gateway"),
    "headless-service": GRPC_SERVICES,
    "hpa": ("router", "judge", "gateway"),
    "pdb": COMPONENTS,
    "podmonitor": COMPONENTS,
    "scaledobject": ("router", "judge", "gateway"),
    "service": GRPC_SERVICES,
    "serviceaccount": COMPONENTS,
    "servicemonitor": COMPONENTS,
}
"""Manifests, and the components that have the same but for names. Plain files repeat themselves."""
UNSAFE = {"open"}
"""Scenarios that show less secure settings."""


def validate(text: str) -> str:
    if not PYTHON.exists():
        missing(f"{PYTHON} is not here; `make test-chart` makes it")
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
    files = values_options(*values_files(scenario))
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


@pytest.mark.parametrize("stem", ALIKE)
def test_a_manifest_that_the_components_share_is_changed_in_all_of_them(stem: str) -> None:
    assert len({neutral(template_text(name, stem), name) for name in ALIKE[stem]}) == 1


@pytest.mark.parametrize("stem", ["hpa", "scaledobject"])
def test_an_autoscaler_of_the_scorer_has_the_lines_of_the_others_and_more(stem: str) -> None:
    scorer, router = (neutral(template_text(name, stem), name) for name in ("scorer", "router"))
    assert set(router.splitlines()) <= set(scorer.splitlines())


@pytest.mark.parametrize("scenario", ["default", "ha", "mtls"])
def test_the_deployments_differ_in_volumes_resources_and_patience_alone(scenario: str) -> None:
    rendered = render(scenario)
    seen = {neutral_spec(rendered, component) for component in GRPC_SERVICES}
    assert len(seen) == 1


@pytest.mark.parametrize("scenario", ["default", "ha", "mtls"])
def test_the_deployment_of_the_gateway_differs_from_the_others_in_protocol_alone(
    scenario: str,
) -> None:
    rendered = render(scenario)
    protocol = ("ports", "startupProbe", "readinessProbe", "livenessProbe", "minReadySeconds")
    judge, gateway = (neutral_spec(rendered, name, protocol) for name in ("judge", "gateway"))
    assert judge == gateway


def neutral_spec(rendered: Rendered, component: str, also: tuple[str, ...] = ()) -> str:
    """Returns a Deployment without its names, and without what may differ."""
    spec = copy.deepcopy(rendered.one("Deployment", component)["spec"])
    pod = spec["template"]["spec"]
    [container] = pod["containers"]
    del container["startupProbe"]["failureThreshold"]
    del spec["template"]["metadata"]["annotations"]["checksum/config"]
    names = ("volumes", "terminationGracePeriodSeconds", "affinity", "priorityClassName")
    for key in (*names, "volumeMounts", "resources", *also):
        for part in (spec, pod, container):
            part.pop(key, None)
    return neutral(json.dumps(spec, sort_keys=True), component)


def template_text(component: str, stem: str) -> str:
    return (CHART / f"templates/{component}/{stem}.yaml").read_text()


def neutral(text: str, component: str) -> str:
    """Returns a manifest with the component's name and port left out."""
    text = text.replace(component, "<name>").replace(component.capitalize(), "<Name>")
    return text.replace(str(PORTS[component]), "<port>")
