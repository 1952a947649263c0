from __future__ import annotations

import json
import math
from typing import Any

import pytest

from services.gateway.config import GatewayServiceConfig
from services.gateway.upstream.router_client import PROBE_TIMEOUT_S
from services.router.config import RouterServiceConfig
from services.rpc.config import ServiceConfig
from tests.chart.chart import COMPONENTS, GRPC_SERVICES, NAMESPACE, PORTS, render, scenarios


def pods(scenario: str) -> list[dict[str, Any]]:
    rendered = render(scenario)
    specs = [item["spec"]["template"]["spec"] for item in rendered.all("Deployment").values()]
    return specs + [item["spec"] for item in rendered.all("Pod").values()]


@pytest.mark.parametrize("scenario", sorted(set(scenarios()) - {"open"}))
def test_every_pod_satisfies_the_restricted_profile(scenario: str) -> None:
    for pod in pods(scenario):
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        allowed = {"configMap", "secret", "emptyDir", "csi", "persistentVolumeClaim", "image"}
        for volume in pod.get("volumes", []):
            assert volume.keys() - {"name"} <= allowed
        for container in pod["containers"] + pod.get("initContainers", []):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


@pytest.mark.parametrize("scenario", [name for name in scenarios() if name != "replicas"])
def test_no_pod_has_a_token_and_no_role_is_made(scenario: str) -> None:
    rendered = render(scenario)
    for pod in pods(scenario):
        assert pod["automountServiceAccountToken"] is False
    for account in rendered.all("ServiceAccount").values():
        assert account["automountServiceAccountToken"] is False
    assert not {"Role", "ClusterRole", "RoleBinding"} & {o["kind"] for o in rendered.objects}


def test_no_pod_gets_variables_of_service_links_which_the_services_would_refuse() -> None:
    assert all(pod["enableServiceLinks"] is False for pod in pods("default"))


def test_every_component_has_its_own_account_and_command() -> None:
    rendered = render()
    for component in COMPONENTS:
        assert rendered.pod(component)["serviceAccountName"] == f"routemoa-{component}"
        command = rendered.container(component)["command"]
        assert command == ["python", "-m", f"services.{component}"]


@pytest.mark.parametrize("component", GRPC_SERVICES)
def test_probes_are_grpc_and_readiness_is_not_liveness(component: str) -> None:
    container = render().container(component)
    startup, readiness, liveness = (
        container[f"{name}Probe"] for name in ("startup", "readiness", "liveness")
    )
    name = f"routemoa.v1.{component.capitalize()}Service"
    assert readiness["grpc"] == {"port": PORTS[component], "service": name}
    assert liveness["grpc"] == startup["grpc"] == {"port": PORTS[component]}
    patience_s = {
        probe: settings["periodSeconds"] * settings["failureThreshold"]
        for probe, settings in (("readiness", readiness), ("liveness", liveness))
    }
    assert patience_s["readiness"] < patience_s["liveness"]


def test_probes_of_the_gateway_ask_paths_that_it_serves_and_leave_it_time_to_ask_the_router() -> (
    None
):
    container = render().container("gateway")
    startup, readiness, liveness = (
        container[f"{name}Probe"] for name in ("startup", "readiness", "liveness")
    )
    live = {"path": "/healthz", "port": "http", "scheme": "HTTP"}
    assert liveness["httpGet"] == startup["httpGet"] == live
    assert readiness["httpGet"] == live | {"path": "/readyz"}
    assert readiness["timeoutSeconds"] > PROBE_TIMEOUT_S


def test_the_startup_probe_gives_the_scorer_minutes_to_open_its_artifact() -> None:
    for scenario in ("default", "tls"):
        probe = render(scenario).container("scorer")["startupProbe"]
        assert probe["periodSeconds"] * probe["failureThreshold"] >= 180


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("drain", [(5, 20), (0.5, 90.2), (0, 0)])
def test_the_grace_period_is_longer_than_the_drain(
    component: str, drain: tuple[float, float]
) -> None:
    delay_s, timeout_s = drain
    rendered = render(
        "default",
        f"{component}.config.drain_delay_s={delay_s}",
        f"{component}.config.drain_timeout_s={timeout_s}",
    )
    grace_s = rendered.pod(component)["terminationGracePeriodSeconds"]
    # Beside the drain, the service waits two seconds for cancelled calls.
    assert grace_s >= math.ceil(delay_s) + math.ceil(timeout_s) + 5


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_grace_period_knows_the_drain_of_a_service_that_the_values_leave_alone(
    component: str,
) -> None:
    unset = (f"{component}.config.{name}=null" for name in ("drain_delay_s", "drain_timeout_s"))
    rendered = render("default", *unset)
    assert f"ROUTEMOA_{component.upper()}_DRAIN_TIMEOUT_S" not in rendered.environment(component)
    defaults = (
        ServiceConfig.model_fields[f"drain_{name}_s"].default for name in ("delay", "timeout")
    )
    grace_s = rendered.pod(component)["terminationGracePeriodSeconds"]
    assert grace_s >= sum(defaults) + 5


def test_the_drain_begins_with_time_for_endpoints_to_be_withdrawn() -> None:
    for component in COMPONENTS:
        environment = render().environment(component)
        delay_s = float(environment[f"ROUTEMOA_{component.upper()}_DRAIN_DELAY_S"])
        readiness = render().container(component)["readinessProbe"]
        assert delay_s >= readiness["periodSeconds"]


@pytest.mark.parametrize(
    ("component", "kind"), [("router", RouterServiceConfig), ("gateway", GatewayServiceConfig)]
)
def test_router_and_gateway_drain_as_long_as_an_answer_may_take(
    component: str, kind: type[RouterServiceConfig | GatewayServiceConfig]
) -> None:
    variable = f"ROUTEMOA_{component.upper()}_DRAIN_TIMEOUT_S"
    drain_s = float(render().environment(component)[variable])
    assert drain_s >= kind.model_fields["default_timeout_s"].default


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_rollout_never_has_fewer_pods_than_wanted(component: str) -> None:
    deployment = render().one("Deployment", component)["spec"]
    assert deployment["replicas"] == 2
    assert surge(deployment, 2) == 1
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def surge(deployment: dict[str, Any], replica_count: int) -> int:
    """Returns the pods that a rollout of so many replicas has above them."""
    share = deployment["strategy"]["rollingUpdate"]["maxSurge"].removesuffix("%")
    return math.ceil(replica_count * int(share) / 100)


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_hundred_replicas_are_replaced_in_minutes(component: str) -> None:
    deployment = render("default", f"{component}.replicas=100").one("Deployment", component)["spec"]
    wave_count = math.ceil(100 / surge(deployment, 100))
    start_s = 30
    assert wave_count * (start_s + deployment["minReadySeconds"]) <= 10 * 60


@pytest.mark.parametrize("component", GRPC_SERVICES)
@pytest.mark.parametrize("scenario", scenarios())
def test_an_old_pod_goes_once_every_client_has_found_the_new_one(
    scenario: str, component: str
) -> None:
    deployments = render(scenario).all("Deployment")
    if component in deployments:
        # Clients look the name up anew with every new connection; cluster DNS keeps answers for 5 s.
        age_s = RouterServiceConfig.model_fields["max_connection_age_s"].default * 1.1
        assert deployments[component]["spec"]["minReadySeconds"] >= age_s + 5


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_budget_lets_one_pod_go_at_a_time(component: str) -> None:
    rendered = render()
    budget = rendered.one("PodDisruptionBudget", component)["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert budget["selector"] == rendered.one("Deployment", component)["spec"]["selector"]


@pytest.mark.parametrize(
    ("scenario", "host"), [("default", "ScheduleAnyway"), ("ha", "DoNotSchedule")]
)
def test_pods_spread_over_zones_and_nodes(scenario: str, host: str) -> None:
    for component in COMPONENTS:
        deployment = render(scenario).one("Deployment", component)["spec"]
        spread = deployment["template"]["spec"]["topologySpreadConstraints"]
        actions = {item["topologyKey"]: item["whenUnsatisfiable"] for item in spread}
        assert actions == {
            "topology.kubernetes.io/zone": "ScheduleAnyway",
            "kubernetes.io/hostname": host,
        }
        assert all(item["labelSelector"] == deployment["selector"] for item in spread)
        # Pods of the old revision must not count while rolling out.
        assert all(item["matchLabelKeys"] == ["pod-template-hash"] for item in spread)


def test_a_changed_setting_restarts_the_pods_and_a_changed_pool_does_not() -> None:
    before = render().one("Deployment", "router")
    setting = render("default", "router.config.policy_max_layer_count=3").one(
        "Deployment", "router"
    )
    pool = render("default", 'router.pool.aggregator="small"').one("Deployment", "router")
    assert before["spec"]["template"] != setting["spec"]["template"]
    assert before["spec"]["template"] == pool["spec"]["template"]
    assert before["metadata"]["annotations"] != pool["metadata"]["annotations"]


def test_the_pool_is_mounted_as_a_directory_so_that_it_follows_its_configmap() -> None:
    rendered = render()
    [mount] = [m for m in rendered.container("router")["volumeMounts"] if m["name"] == "pool"]
    assert "subPath" not in mount
    [volume] = [v for v in rendered.pod("router")["volumes"] if v["name"] == "pool"]
    assert volume["configMap"] == {"name": "routemoa-pool"}
    pool_file = rendered.environment("router")["ROUTEMOA_ROUTER_POOL_FILE"]
    key = pool_file.removeprefix(f"{mount['mountPath']}/")
    assert key in rendered.one("ConfigMap", "pool")["data"]


@pytest.mark.parametrize("component", COMPONENTS)
def test_pods_run_where_and_as_the_values_say(component: str) -> None:
    affinity: dict[str, Any] = {
        "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}
    }
    toleration = {"key": "batch", "operator": "Exists"}
    rendered = render(
        "default",
        f'{component}.priorityClassName="serving"',
        f'{component}.nodeSelector={{"pool":"serving"}}',
        f"{component}.tolerations=[{json.dumps(toleration)}]",
        f"{component}.affinity={json.dumps(affinity)}",
        f'{component}.podAnnotations={{"example.com/owner":"ai"}}',
        f'{component}.serviceAccount.annotations={{"example.com/role":"r"}}',
        f"{component}.maxUnavailable=2",
    )
    pod = rendered.pod(component)
    assert pod["priorityClassName"] == "serving"
    assert pod["nodeSelector"] == {"pool": "serving"}
    assert pod["tolerations"] == [toleration]
    assert pod["affinity"] == affinity
    template = rendered.one("Deployment", component)["spec"]["template"]
    assert template["metadata"]["annotations"]["example.com/owner"] == "ai"
    account = rendered.one("ServiceAccount", component)["metadata"]
    assert account["annotations"] == {"example.com/role": "r"}
    assert rendered.one("PodDisruptionBudget", component)["spec"]["maxUnavailable"] == 2


def test_requests_are_there_and_memory_is_limited() -> None:
    for component in COMPONENTS:
        resources = render().container(component)["resources"]
        assert {"cpu", "memory"} <= resources["requests"].keys()
        assert "memory" in resources["limits"]
        assert "cpu" not in resources["limits"]


@pytest.mark.parametrize(
    ("scenario", "resource"),
    [("gpu", "nvidia.com/mig-1g.10gb"), ("gpu-shared", "nvidia.com/gpu.shared")],
)
def test_a_gpu_scorer_asks_for_one_and_runs_where_there_are_some(
    scenario: str, resource: str
) -> None:
    rendered = render(scenario)
    container, pod = rendered.container("scorer"), rendered.pod("scorer")
    assert container["resources"]["limits"][resource] == 1
    assert container["resources"]["limits"]["memory"] == "4Gi"
    assert container["image"] == "routemoa/scorer-gpu:0.1.0"
    assert pod["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert pod["tolerations"][0]["key"] == "nvidia.com/gpu"
    assert pod.get("runtimeClassName") == ("nvidia" if scenario == "gpu" else None)
    assert rendered.environment("scorer")["ROUTEMOA_SCORER_PROVIDER"] == "cuda"
    rollout = rendered.one("Deployment", "scorer")["spec"]["strategy"]["rollingUpdate"]
    # Of a few pods a tenth is none, and then Kubernetes replaces one.
    assert rollout == {"maxSurge": 0, "maxUnavailable": "10%"}


def test_without_a_gpu_the_scorer_asks_for_none() -> None:
    assert not [key for key in render().container("scorer")["resources"]["limits"] if "/" in key]
    assert render().environment("scorer")["ROUTEMOA_SCORER_PROVIDER"] == "cpu"


def test_images_are_named_by_registry_tag_or_digest() -> None:
    assert render().container("judge")["image"] == "routemoa/judge:0.1.0"
    assert (
        render("ha").container("judge")["image"] == "registry.example.com/ai/routemoa/judge:0.1.0"
    )
    assert "@sha256:" in render("open").container("router")["image"]
    tagged = render("default", 'image.tag="2"', 'judge.image.tag="3"')
    assert tagged.container("judge")["image"] == "routemoa/judge:3"
    assert tagged.container("router")["image"] == "routemoa/router:2"
    assert render("ha").pod("judge")["imagePullSecrets"] == [{"name": "registry"}]


def test_callers_balance_over_pods_through_headless_services() -> None:
    rendered = render()
    for component in GRPC_SERVICES:
        service = rendered.one("Service", f"{component}-headless")["spec"]
        assert service["clusterIP"] == "None"
        assert service["publishNotReadyAddresses"] is True
        selector = rendered.one("Deployment", component)["spec"]["selector"]["matchLabels"]
        assert service["selector"] == selector
    environment = rendered.environment("router")
    for component in ("scorer", "judge"):
        address = environment[f"ROUTEMOA_ROUTER_{component.upper()}_ADDRESS"]
        host = f"routemoa-{component}-headless.{NAMESPACE}.svc"
        assert address == f"dns:///{host}:{PORTS[component]}"


def test_the_service_of_the_gateway_tells_proxies_its_protocol() -> None:
    for scenario, protocol in (("default", "http"), ("tls", "https")):
        ports = render(scenario).one("Service", "gateway")["spec"]["ports"]
        assert {"http": protocol, "metrics": None} == {
            port["name"]: port.get("appProtocol") for port in ports
        }


def test_names_follow_the_release_and_can_be_replaced() -> None:
    names = render("default", 'fullnameOverride="moa"').all("Deployment")
    assert names.keys() == {f"moa-{component}" for component in COMPONENTS}


def test_new_pods_are_found_within_a_minute() -> None:
    # A tenth is added at random; then the client resolves the name anew.
    assert RouterServiceConfig.model_fields["max_connection_age_s"].default * 1.1 < 60
    for component in GRPC_SERVICES:
        variable = f"ROUTEMOA_{component.upper()}_MAX_CONNECTION_AGE_S"
        assert variable not in render().environment(component)
