from __future__ import annotations

from typing import Any

import pytest

from tests.chart.chart import COMPONENTS, GRPC_SERVICES, Object, render
from tests.chart.test_refusals import model

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_pod_gets_the_variables_volumes_and_containers_of_the_values(component: str) -> None:
    pod, ours = (
        render("extras").pod(component),
        render("extras").container(component),
    )
    assert [variable["name"] for variable in ours["env"]] == ["SSL_CERT_FILE", "NODE_NAME"]
    assert ours["envFrom"] == [
        {"configMapRef": {"name": f"routemoa-{component}"}},
        {"secretRef": {"name": "routemoa-variables"}},
    ]
    assert pod["volumes"][-1]["name"] == ours["volumeMounts"][-1]["name"] == "corporate"
    assert [each["name"] for each in pod["containers"]] == [component, "log-shipper"]
    assert [each["name"] for each in pod["initContainers"]] == ["wait"]
    assert pod["dnsConfig"] == {"options": [{"name": "ndots", "value": "2"}]}
    assert pod["hostAliases"] == [{"ip": "192.0.2.7", "hostnames": ["llm.corp.example"]}]
    assert render("extras").one("Deployment", component)["spec"]["revisionHistoryLimit"] == 3


def test_volumes_of_the_values_stand_beside_the_charts_own() -> None:
    before, after = render(), render("extras")
    for component in ("scorer", "router"):
        for part in ("volumes", "volumeMounts"):
            own = before.pod(component) if part == "volumes" else before.container(component)
            more = after.pod(component) if part == "volumes" else after.container(component)
            assert own[part] == more[part][:-1]


def test_an_init_container_runs_after_the_one_that_fetches_the_artifact() -> None:
    more = 'scorer.initContainers=[{"name":"wait","image":"wait:1"}]'
    names = [
        each["name"] for each in render("artifact-fetch", more).pod("scorer")["initContainers"]
    ]
    assert names == ["fetch-artifact", "wait"]


@pytest.mark.parametrize("component", COMPONENTS)
def test_labels_reach_pods_and_leave_the_selector_alone(component: str) -> None:
    plain, rendered = (
        render(scenario).one("Deployment", component)["spec"] for scenario in ("default", "extras")
    )
    assert rendered["selector"] == plain["selector"]
    labels = rendered["template"]["metadata"]["labels"]
    assert labels.items() >= rendered["selector"]["matchLabels"].items()
    assert labels["example.com/team"] == "ai"
    assert labels["example.com/cost-centre"] == "4711"


def test_common_labels_are_on_every_object_of_the_chart_once() -> None:
    own = [o for o in render("extras").objects if "app.kubernetes.io/name" in labels(o)]
    assert len(own) > 20
    assert {labels(item).get("example.com/cost-centre") for item in own} == {"4711"}
    assert render("extras").text.count("cost-centre") == len(own) + len(COMPONENTS)


def labels(item: Object) -> dict[str, str]:
    found: dict[str, str] = item["metadata"].get("labels", {})
    return found


def test_a_label_of_a_pod_wins_over_a_common_one() -> None:
    rendered = render("extras", 'judge.podLabels={"example.com/cost-centre":"1"}')
    template = rendered.one("Deployment", "judge")["spec"]["template"]
    assert template["metadata"]["labels"]["example.com/cost-centre"] == "1"


def test_pods_may_use_an_account_that_is_there() -> None:
    rendered = render("extras")
    assert rendered.all("ServiceAccount") == {}
    assert {rendered.pod(name)["serviceAccountName"] for name in COMPONENTS} == {"default"}
    named = render("replicas", 'router.serviceAccount={"create":true,"name":"reader"}')
    assert named.one("ServiceAccount", "reader")
    [subject] = next(iter(named.all("RoleBinding").values()))["subjects"]
    assert subject["name"] == named.pod("router")["serviceAccountName"] == "reader"


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("kind", ["LoadBalancer", "NodePort"])
def test_metrics_leave_the_cluster_by_no_service(component: str, kind: str) -> None:
    rendered = render(
        "default",
        f'{component}.service={{"type":"{kind}","annotations":{{"example.com/mesh":"on"}}}}',
        f'{component}.networkPolicy.from=[{{"ipBlock":{{"cidr":"192.0.2.0/24"}}}}]',
    )
    service = rendered.one("Service", component)
    assert service["spec"]["type"] == kind
    assert service["metadata"]["annotations"] == {"example.com/mesh": "on"}
    assert "metrics" not in {port["name"] for port in service["spec"]["ports"]}
    # The gateway's page asks the router's Service, where it has the port.
    assert ("ROUTEMOA_GATEWAY_ROUTER_METRICS_URL" in rendered.environment("gateway")) == (
        component != "router"
    )


@pytest.mark.parametrize("scenario", ["default", "mtls"])
@pytest.mark.parametrize("component", COMPONENTS)
def test_a_timing_of_a_probe_replaces_that_one_alone(component: str, scenario: str) -> None:
    change = f'{component}.probes.startup={{"failureThreshold":200,"initialDelaySeconds":3}}'
    before, after = (render(scenario, *sets).container(component) for sets in ((), (change,)))
    expected = before["startupProbe"] | {"failureThreshold": 200, "initialDelaySeconds": 3}
    assert after["startupProbe"] == expected
    assert after["livenessProbe"] == before["livenessProbe"]


@pytest.mark.parametrize("component", COMPONENTS)
def test_security_contexts_change_field_by_field_on_top_of_the_restricted_ones(
    component: str,
) -> None:
    rendered = render(
        "default",
        f'{component}.podSecurityContext={{"runAsUser":null,"fsGroup":1}}',
        f'{component}.securityContext={{"readOnlyRootFilesystem":false}}',
    )
    pod, others = rendered.pod(component), set(COMPONENTS) - {component}
    assert "runAsUser" not in pod["securityContext"]
    assert pod["securityContext"]["fsGroup"] == 1
    assert pod["securityContext"]["runAsNonRoot"] is True
    expected = RESTRICTED | {"readOnlyRootFilesystem": False}
    assert rendered.container(component)["securityContext"] == expected
    assert all(rendered.container(name)["securityContext"] == RESTRICTED for name in others)
    everywhere = render("default", "securityContext.runAsNonRoot=true")
    assert everywhere.container(component)["securityContext"]["runAsNonRoot"] is True


def test_templates_in_extra_objects_are_filled_in() -> None:
    rendered = render("extras")
    assert "corporate-ca" in rendered.all("ConfigMap")
    assert rendered.one("Secret", "variables")["stringData"] == {"MALLOC_ARENA_MAX": "2"}


def test_monitors_relabel_targets_and_samples() -> None:
    for component in COMPONENTS:
        [endpoint] = render("extras").one("PodMonitor", component)["spec"]["podMetricsEndpoints"]
        assert endpoint["scrapeTimeout"] == "20s"
        # The label that alerts and autoscalers ask for stays the first.
        assert [rule["targetLabel"] for rule in endpoint["relabelings"]] == ["service", "cluster"]
        assert endpoint["metricRelabelings"][0]["action"] == "drop"
        changes = ("enabled=true", 'relabelings=[{"targetLabel":"a"}]', 'scrapeTimeout="10s"')
        sets = (f"monitoring.serviceMonitor.{change}" for change in changes)
        monitor: dict[str, Any] = render("default", *sets).one("ServiceMonitor", component)["spec"]
        assert monitor["endpoints"][0]["relabelings"] == [{"targetLabel": "a"}]
        assert monitor["endpoints"][0]["scrapeTimeout"] == "10s"


@pytest.mark.parametrize("engine", ["hpa", "keda"])
def test_the_behavior_of_an_autoscaler_is_the_values(engine: str) -> None:
    rendered = render(
        "extras", *(f'{component}.autoscaling.engine="{engine}"' for component in COMPONENTS)
    )
    for component in COMPONENTS:
        if engine == "hpa":
            spec = rendered.one("HorizontalPodAutoscaler", component)["spec"]
        else:
            advanced = rendered.one("ScaledObject", component)["spec"]["advanced"]
            spec = advanced["horizontalPodAutoscalerConfig"]
        assert spec["behavior"]["scaleUp"] == {"stabilizationWindowSeconds": 30}
        assert spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 300


@pytest.mark.parametrize("component", COMPONENTS)
def test_contradictions_in_extras_are_refused_all_at_once(component: str) -> None:
    setting = f"ROUTEMOA_{component.upper()}_LOG_LEVEL"
    error = render(
        "default",
        f'{component}.extraEnv=[{{"name":"{setting}","value":"debug"}},{{"name":"A"}},{{"name":"A"}}]',
        f'{component}.extraVolumes=[{{"name":"a","emptyDir":{{}}}},{{"name":"a","emptyDir":{{}}}}]',
        f'{component}.extraVolumeMounts=[{{"name":"b","mountPath":"/b"}}]',
        f'{component}.extraContainers=[{{"name":"{component}","image":"a"}}]',
        f'{component}.podLabels={{"app.kubernetes.io/component":"a"}}',
        f'{component}.serviceAccount={{"create":false,"annotations":{{"a":"b"}}}}',
        f'{component}.service.type="LoadBalancer"',
        f'{component}.probes.liveness={{"periodSeconds":1}}',
        'monitoring.serviceMonitor={"enabled":true,"interval":"1m","scrapeTimeout":"1m1s"}',
        'commonLabels={"app.kubernetes.io/version":"a"}',
    ).error
    for problem in (
        f"extraEnv: {setting} is a setting of the service; set {component}.config.log_level",
        "extraEnv: the variable A is there twice",
        "extraVolumes: the volume a is there twice",
        "extraVolumeMounts: there is no volume b",
        f"the container {component} is there twice",
        "app.kubernetes.io/component is the chart's own, by which pods are selected",
        "create is false, so name the account",
        "annotations are for an account that the chart creates",
        "enable monitoring.podMonitor instead",
        "calls to a Service of type LoadBalancer would be dropped",
        "a busy pod would be killed",
        "scrapeTimeout, 1m1s, is above interval, 1m",
        "commonLabels: app.kubernetes.io/version is the chart's own",
    ):
        assert problem in error


def test_a_volume_of_the_values_must_not_have_the_name_of_the_charts_own() -> None:
    for component, name in (("scorer", "tmp"), ("router", "pool")):
        change = f'{component}.extraVolumes=[{{"name":"{name}","emptyDir":{{}}}}]'
        assert f"the volume {name} is there twice" in render("default", change, model()).error


@pytest.mark.parametrize("component", GRPC_SERVICES)
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ('extraEnv=[{"value":"a"}]', "name"),
        ('extraEnvFrom=[{"secret":"a"}]', "secret"),
        ('extraVolumes=[{"name":"a"}]', "extraVolumes"),
        ('extraContainers=[{"name":"a"}]', "image"),
        ('service.type="ExternalName"', "type"),
        ("probes.readiness.periodSeconds=0", "minimum"),
        ('probes.readiness.grpc={"port":1}', "grpc"),
        ('hostAliases=[{"ip":"192.0.2.1"}]', "hostnames"),
        ("revisionHistoryLimit=-1", "minimum"),
        ("autoscaling.behavior.up={}", "up"),
    ],
)
def test_the_schema_refuses_what_is_no_extra(component: str, change: str, named: str) -> None:
    error = render("default", f"{component}.{change}").error
    assert "schema" in error
    assert named in error
