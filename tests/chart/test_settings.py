from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from services.gateway.config import GatewayServiceConfig
from services.judge.config import JudgeServiceConfig
from services.router.config import RouterServiceConfig
from services.router.pool.pool import load_pool
from services.rpc.config import load_config
from services.scorer.config import ScorerServiceConfig
from tests.chart.chart import (
    CHART,
    COMPONENTS,
    NAMESPACE,
    Rendered,
    render,
    scenarios,
    values_files,
)

if TYPE_CHECKING:
    from pathlib import Path

    from services.rpc.config import ServerConfig

CONFIGS: dict[str, type[ServerConfig]] = {
    "scorer": ScorerServiceConfig,
    "router": RouterServiceConfig,
    "judge": JudgeServiceConfig,
    "gateway": GatewayServiceConfig,
}
PARTS = {
    "platform": {"scorer", "judge"},
    "team": {"router", "gateway"},
    "front": {"gateway"},
}
"""The components of the scenarios that do not install all."""
INSTALLED = [
    (scenario, component)
    for scenario in scenarios()
    for component in COMPONENTS
    if component in PARTS.get(scenario, COMPONENTS)
]


@pytest.mark.parametrize(("scenario", "component"), INSTALLED)
def test_the_services_take_every_variable_that_the_chart_sets(
    scenario: str, component: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in render(scenario).environment(component).items():
        monkeypatch.setenv(name, value)
    config = load_config(CONFIGS[component], [])
    assert config.listen_address.startswith("[::]:")
    assert config.metrics_port == 9090


def test_settings_of_every_type_arrive_as_they_were_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in render("open").environment("router").items():
        monkeypatch.setenv(name, value)
    config = load_config(RouterServiceConfig, [])
    assert config.reflection is False
    assert config.log_level == "warning"
    assert config.policy.max_cost_usd == 0.25
    assert config.max_concurrent_calls == 100_000_000  # and not 1e+08


def test_a_list_arrives_as_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in render("ingress").environment("gateway").items():
        monkeypatch.setenv(name, value)
    config = load_config(GatewayServiceConfig, [])
    assert config.cors_origins == ("https://chat.example.com", "https://tools.example.com")


def test_values_with_an_old_name_of_a_setting_still_work(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = render("default", "router.config.max_layers=4", "router.config.min_gain=0.1")
    for name, value in rendered.environment("router").items():
        monkeypatch.setenv(name, value)
    config = RouterServiceConfig()  # type: ignore[call-arg]  # the environment has the pool file
    assert config.policy.max_layer_count == 4


@pytest.mark.parametrize(
    "scenario", sorted(set(scenarios()) - {"platform", "front", "secrets", "demo"})
)
def test_the_router_reads_the_pool_that_the_chart_writes(scenario: str, tmp_path: Path) -> None:
    pool_file = tmp_path / "pool.yaml"
    written = render(scenario).one("ConfigMap", "pool")["data"]["pool.yaml"]
    pool_file.write_text(written)
    windows = {model.id: model.context_window_tokens for model in load_pool(pool_file).models}
    given = yaml.safe_load(values_files(scenario)[-1].read_text()).get("router", {}).get("pool", {})
    expected = {m["id"]: m["context_window_tokens"] for m in given.get("models", ())}
    assert windows == (expected or {"small": 8192})


@pytest.mark.parametrize(
    ("scenario", "volume"),
    [
        ("artifact-pvc", {"persistentVolumeClaim": {"claimName": "artifacts", "readOnly": True}}),
        ("artifact-fetch", {"emptyDir": {"sizeLimit": "1Gi"}}),
        (
            "artifact-image",
            {
                "image": {
                    "pullPolicy": "IfNotPresent",
                    "reference": "registry.example.com/ai/scorer-artifact@sha256:"
                    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                }
            },
        ),
    ],
)
def test_the_artifact_is_mounted_read_only_where_the_scorer_looks(
    scenario: str, volume: dict[str, object]
) -> None:
    rendered = render(scenario)
    pod, container = rendered.pod("scorer"), rendered.container("scorer")
    [mount] = [m for m in container["volumeMounts"] if m["name"] == "artifact"]
    assert mount["mountPath"] == rendered.environment("scorer")["ROUTEMOA_SCORER_ARTIFACT"]
    assert mount["readOnly"] is True
    [found] = [v for v in pod["volumes"] if v["name"] == "artifact"]
    assert found == {"name": "artifact"} | volume


def test_a_baked_artifact_needs_no_volume_and_is_the_one_that_is_shipped() -> None:
    assert "ROUTEMOA_SCORER_ARTIFACT" not in render().environment("scorer")
    assert [v["name"] for v in render().pod("scorer")["volumes"]] == ["tmp"]


def test_a_fetched_artifact_is_checked_before_the_scorer_starts() -> None:
    rendered = render("artifact-fetch")
    [init] = rendered.pod("scorer")["initContainers"]
    assert init["command"] == ["python", "/opt/fetch/fetch_artifact.py"]
    url, digest, directory = init["args"]
    assert url == "https://artifacts.example.com/scorer.tar.gz"
    assert len(digest) == 64
    assert directory == "/artifact"
    script = rendered.one("ConfigMap", "fetch")["data"]["fetch_artifact.py"]
    assert script == (CHART / "files/fetch_artifact.py").read_text()


def test_keys_of_backends_are_files_from_references_and_never_values() -> None:
    rendered = render("secrets")
    volumes = {v["name"]: v for v in rendered.pod("router")["volumes"]}
    assert volumes["backend-openrouter"]["secret"]["secretName"] == "openrouter"
    external = rendered.one("ExternalSecret", "external")["spec"]
    assert external["target"]["name"] == volumes["backend-external"]["secret"]["secretName"]
    assert external["data"][0]["secretKey"] == "key"
    assert volumes["backend-vault"]["csi"]["driver"] == "secrets-store.csi.k8s.io"
    mounts = {m["name"]: m["mountPath"] for m in rendered.container("router")["volumeMounts"]}
    pool = json.loads(rendered.one("ConfigMap", "pool")["data"]["pool.yaml"])
    for model in pool["models"]:
        directory = model["api_key_file"].removesuffix("/key")
        assert directory in mounts.values()
    assert not rendered.all("Secret")


def test_tenants_and_redis_are_read_from_the_secrets_that_the_values_name() -> None:
    rendered = render("budgets")
    environment = rendered.environment("router")
    volumes = {v["name"]: v for v in rendered.pod("router")["volumes"]}
    mounts = {m["name"]: m["mountPath"] for m in rendered.container("router")["volumeMounts"]}
    for name, setting, secret in (
        ("tenants", "TENANTS_FILE", "routemoa-tenants"),
        ("budget-redis", "BUDGET_REDIS_URL_FILE", "routemoa-redis"),
    ):
        assert volumes[name]["secret"]["secretName"] == secret
        assert environment[f"ROUTEMOA_ROUTER_{setting}"].startswith(f"{mounts[name]}/")
    assert "ROUTEMOA_ROUTER_TENANTS_FILE" not in render("default").environment("router")


def test_decision_records_go_where_the_values_say() -> None:
    rendered = render("decisions")
    environment = rendered.environment("router")
    assert environment["ROUTEMOA_ROUTER_RECORDS_SINK"] == "postgres"
    volumes = {v["name"]: v for v in rendered.pod("router")["volumes"]}
    mounts = {m["name"]: m["mountPath"] for m in rendered.container("router")["volumeMounts"]}
    for name, setting, secret in (
        ("decision-dsn", "RECORDS_POSTGRES_DSN_FILE", "decisions-database"),
        ("decision-key", "RECORDS_HASH_KEY_FILE", "decisions-key"),
    ):
        assert volumes[name]["secret"]["secretName"] == secret
        assert environment[f"ROUTEMOA_ROUTER_{setting}"].startswith(f"{mounts[name]}/")


@pytest.mark.parametrize(
    ("claim", "volume"),
    [
        ("", {"emptyDir": {"sizeLimit": "192Mi"}}),
        ("records", {"persistentVolumeClaim": {"claimName": "records"}}),
    ],
)
def test_files_of_decision_records_are_on_a_volume(claim: str, volume: dict[str, object]) -> None:
    changes = ('router.decisions.sink="files"', f'router.decisions.claimName="{claim}"')
    rendered = render("default", *changes)
    [mount] = [m for m in rendered.container("router")["volumeMounts"] if m["name"] == "decisions"]
    assert mount["mountPath"] == rendered.environment("router")["ROUTEMOA_ROUTER_RECORDS_DIR"]
    [found] = [v for v in rendered.pod("router")["volumes"] if v["name"] == "decisions"]
    assert found == {"name": "decisions"} | volume


def test_the_team_and_the_platform_fit_together() -> None:
    team, platform = render("team"), render("platform")
    assert team.all("Deployment").keys() == PARTS["team"]
    assert platform.all("Deployment").keys() == PARTS["platform"]
    address = team.environment("router")["ROUTEMOA_ROUTER_SCORER_ADDRESS"]
    service = address.removeprefix("dns:///").partition(".")[0]
    assert service.removeprefix("routemoa-") in platform.all("Service")


def test_every_scenario_says_what_it_shows() -> None:
    for scenario in scenarios():
        lines = values_files(scenario)[-1].read_text().splitlines()
        assert any(line.startswith("# ") and line.endswith(".") for line in lines[:2])


def test_the_gateway_calls_the_router_of_its_release_or_the_one_that_the_values_name() -> None:
    own, elsewhere = (render(name).environment("gateway") for name in ("default", "front"))
    router = "ROUTEMOA_GATEWAY_ROUTER"
    assert own[f"{router}_ADDRESS"] == f"dns:///routemoa-router-headless.{NAMESPACE}.svc:50052"
    assert elsewhere[f"{router}_ADDRESS"] == "dns:///routemoa-router-headless.research.svc:50052"
    service = render().one("Service", "router")
    [metrics] = [port for port in service["spec"]["ports"] if port["name"] == "metrics"]
    host = f"{service['metadata']['name']}.{NAMESPACE}.svc"
    assert own[f"{router}_METRICS_URL"] == f"http://{host}:{metrics['port']}/metrics"
    assert f"{router}_METRICS_URL" not in elsewhere


def test_the_gateway_has_no_tenants_and_no_secret_since_it_passes_keys_on() -> None:
    rendered = render("budgets")
    assert "volumes" not in rendered.pod("gateway")
    assert "TENANTS" not in str(rendered.environment("gateway"))


def test_without_the_gateway_nothing_of_it_is_there() -> None:
    rendered = render("default", "gateway.enabled=false")
    assert "gateway" not in {name.partition("-")[0] for name in names_of_all_objects(rendered)}
    assert rendered.all("Deployment").keys() == {"scorer", "router", "judge"}


def names_of_all_objects(rendered: Rendered) -> set[str]:
    return {item["metadata"]["name"].removeprefix("routemoa-") for item in rendered.objects}
