from __future__ import annotations

from typing import Any

import pytest

from services.gateway.http.body import MAX_BODY_BYTES
from services.router.config import RouterServiceConfig
from services.router.servicer import LONGEST_DEADLINE
from tests.chart.chart import COMPONENTS, PORTS, render, scenarios

DNS = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]


def policy(component: str, scenario: str = "default", *sets: str) -> Any:
    return render(scenario, *sets).one("NetworkPolicy", component)["spec"]


def peers_by_port(rules: list[Any]) -> dict[object, list[Any]]:
    return {port["port"]: rule["from"] for rule in rules for port in rule["ports"]}


def component_of(peer: Any) -> str:
    return str(peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"])


def pool(*urls: str) -> str:
    models = ",".join(
        f'{{"id":"{number}","url":"{url}","prompt_price_usd_per_million_tokens":1,'
        f'"completion_price_usd_per_million_tokens":1,"context_window_tokens":9000}}'
        for number, url in enumerate(urls)
    )
    return f"router.pool.models=[{models}]"


def backend_rules(*urls: str) -> list[Any]:
    """What the router may reach beside DNS, the scorer and the judge."""
    return list(policy("router", "default", pool(*urls))["egress"][3:])


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_pod_is_denied_what_is_not_an_arrow_of_the_system(component: str) -> None:
    spec = policy(component)
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    deployment = render().one("Deployment", component)["spec"]
    assert spec["podSelector"] == deployment["selector"]
    assert all(rule["from"] and rule["ports"] for rule in spec["ingress"])
    assert all(rule["to"] for rule in spec["egress"])


@pytest.mark.parametrize("component", ["scorer", "judge"])
def test_only_the_router_and_the_test_call_scorer_and_judge_which_call_nothing(
    component: str,
) -> None:
    spec = policy(component)
    callers = peers_by_port(spec["ingress"])
    assert [component_of(peer) for peer in callers["grpc"]] == ["router", "test"]
    assert spec["egress"] == []


def test_only_monitoring_reads_metrics_and_those_of_the_router_the_gateway_too() -> None:
    namespace = {"kubernetes.io/metadata.name": "monitoring"}
    for component in COMPONENTS:
        readers = peers_by_port(policy(component)["ingress"])["metrics"]
        monitoring, *others = readers
        assert monitoring == {"namespaceSelector": {"matchLabels": namespace}}
        # The console of the gateway shows the health of replicas, which the router measures.
        assert [component_of(peer) for peer in others] == ["gateway"] * (component == "router")


def test_a_gateway_before_another_router_reads_no_metrics_and_neither_does_one_that_is_off() -> (
    None
):
    for change in ('gateway.routerAddress="router:50052"', "gateway.enabled=false"):
        ingress = policy("router", "default", change, "networkPolicy.monitoring=[]")["ingress"]
        assert peers_by_port(ingress).keys() == {"grpc"}


@pytest.mark.parametrize(("component", "port"), [("router", "grpc"), ("gateway", "http")])
def test_router_and_gateway_are_called_from_their_namespace_and_by_whom_the_values_name(
    component: str, port: str
) -> None:
    assert peers_by_port(policy(component)["ingress"])[port] == [{"podSelector": {}}]
    outside = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}}}
    callers = peers_by_port(policy(component, "gateway")["ingress"])[port]
    assert callers == [{"podSelector": {}}, outside]


def test_the_gateway_reaches_dns_and_the_router_alone() -> None:
    dns, router = policy("gateway")["egress"]
    assert dns["ports"] == DNS
    assert [component_of(peer) for peer in router["to"]] == ["router"]
    assert router["ports"] == [{"port": 50052}, {"port": 9090}]
    dns, elsewhere = policy("gateway", "front")["egress"]
    namespace = {"kubernetes.io/metadata.name": "research"}
    assert elsewhere == {"to": [{"namespaceSelector": {"matchLabels": namespace}}]}


def test_the_router_reaches_dns_the_scorer_and_the_judge() -> None:
    dns, scorer, judge, *_ = policy("router")["egress"]
    assert dns["ports"] == DNS
    assert [component_of(peer) for peer in scorer["to"] + judge["to"]] == ["scorer", "judge"]
    assert scorer["ports"] == [{"port": 50051}]
    assert judge["ports"] == [{"port": 50053}]


def test_a_backend_of_the_cluster_opens_its_namespace_only() -> None:
    [rule] = backend_rules(
        "http://llama.models.svc:80/v1", "http://qwen.models.svc.cluster.local/v1"
    )
    labels = {"kubernetes.io/metadata.name": "models"}
    assert rule == {"to": [{"namespaceSelector": {"matchLabels": labels}}]}


def test_a_backend_without_a_namespace_opens_this_one_only() -> None:
    assert backend_rules("http://llama:8000/v1") == [{"to": [{"podSelector": {}}]}]


def test_a_backend_outside_opens_its_port_and_no_private_address() -> None:
    [first, second] = backend_rules("https://openrouter.ai/api/v1", "http://example.com:8080/v1")
    assert [rule["ports"][0]["port"] for rule in (first, second)] == [443, 8080]
    block, block_v6 = (peer["ipBlock"] for peer in first["to"])
    assert block_v6 == {"cidr": "::/0", "except": ["fc00::/7", "fe80::/10"]}
    assert block["cidr"] == "0.0.0.0/0"
    # The metadata services of clouds answer at a link-local address.
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= set(
        block["except"]
    )


@pytest.mark.parametrize(
    ("host", "cidr"), [("10.1.2.3", "10.1.2.3/32"), ("[fd00::5]", "fd00::5/128")]
)
def test_a_backend_at_an_address_opens_that_address(host: str, cidr: str) -> None:
    [rule, default_port] = backend_rules(f"http://{host}:8000/v1", f"https://{host}/v1")
    port = {"protocol": "TCP", "port": 8000}
    assert rule == {"to": [{"ipBlock": {"cidr": cidr}}], "ports": [port]}
    assert default_port["ports"] == [port | {"port": 443}]


def test_a_router_without_its_own_scorer_and_judge_reaches_those_of_the_platform() -> None:
    rules = policy("router", "team")["egress"]
    names = [
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for rule in rules[1:]
        for peer in rule["to"]
    ]
    assert sorted(names) == ["models", "platform"]
    callers = peers_by_port(policy("scorer", "platform")["ingress"])["grpc"]
    assert callers[-1]["namespaceSelector"]["matchLabels"] == {"routemoa.example.com/team": "true"}


def test_a_fetched_artifact_opens_its_host_and_dns_for_the_scorer() -> None:
    dns, source = policy("scorer", "artifact-fetch")["egress"]
    assert dns["ports"] == DNS
    assert source["ports"] == [{"protocol": "TCP", "port": 443}]


def test_rules_can_be_added_and_policies_left_out() -> None:
    rule = '[{"to":[{"ipBlock":{"cidr":"192.0.2.1/32"}}]}]'
    egress = policy("judge", "default", f"judge.networkPolicy.egress={rule}")["egress"]
    assert egress == [{"to": [{"ipBlock": {"cidr": "192.0.2.1/32"}}]}]
    assert render("open").all("NetworkPolicy") == {}


@pytest.mark.parametrize("scenario", sorted(set(scenarios()) - {"open"}))
def test_the_ports_of_policies_services_and_probes_are_those_listened_on(scenario: str) -> None:
    rendered = render(scenario)
    for component in rendered.all("Deployment").keys() - {"demo"}:
        container = rendered.container(component)
        named = {port["name"]: port["containerPort"] for port in container["ports"]}
        environment = rendered.environment(component)
        prefix = f"ROUTEMOA_{component.upper()}"
        listened = int(environment[f"{prefix}_LISTEN_ADDRESS"].rpartition(":")[2])
        protocol = "http" if component == "gateway" else "grpc"
        assert named == {protocol: listened, "metrics": int(environment[f"{prefix}_METRICS_PORT"])}
        assert listened == PORTS[component]
        services = rendered.all("Service")
        assert component in services
        for name in services.keys() & {component, f"{component}-headless"}:
            for port in services[name]["spec"]["ports"]:
                assert named[port["targetPort"]] == port["port"]


def test_calls_from_outside_come_through_a_grpc_route_for_the_router_alone() -> None:
    rendered = render("gateway")
    route = rendered.one("GRPCRoute", "router")["spec"]
    assert route["hostnames"] == ["routemoa.example.com"]
    assert route["parentRefs"][0]["name"] == "public"
    [rule] = route["rules"]
    assert rule["matches"] == [{"method": {"service": "routemoa.v1.RouterService"}}]
    assert rule["backendRefs"] == [{"name": "routemoa-router", "port": 50052}]
    assert not rendered.all("Ingress")


def test_requests_from_outside_come_through_an_http_route_that_lets_long_streams_live() -> None:
    route = render("gateway").one("HTTPRoute", "gateway")["spec"]
    assert route["hostnames"] == ["api.example.com"]
    assert route["parentRefs"][0]["sectionName"] == "https"
    [rule] = route["rules"]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/v1"}}]
    assert rule["backendRefs"] == [{"name": "routemoa-gateway", "port": 8080}]
    assert rule["timeouts"] == {"request": "0s"}
    without = render("gateway", 'gateway.httpRoute.requestTimeout=""')
    [rule] = without.one("HTTPRoute", "gateway")["spec"]["rules"]
    assert "timeouts" not in rule


def test_an_ingress_of_the_gateway_passes_what_the_gateway_takes_and_waits_as_long() -> None:
    rendered = render("ingress")
    ingress = rendered.one("Ingress", "gateway")
    nginx = {
        name.removeprefix("nginx.ingress.kubernetes.io/"): value
        for name, value in ingress["metadata"]["annotations"].items()
    }
    assert nginx["proxy-body-size"] == f"{MAX_BODY_BYTES >> 20}m"
    longest_s = LONGEST_DEADLINE * RouterServiceConfig.model_fields["default_timeout_s"].default
    for direction in ("read", "send"):
        assert float(nginx[f"proxy-{direction}-timeout"]) > longest_s
    assert ingress["spec"]["tls"] == [
        {"hosts": ["api.example.com"], "secretName": "api-example-com"}
    ]
    [path] = ingress["spec"]["rules"][0]["http"]["paths"]
    assert (path["path"], path["pathType"]) == ("/", "Prefix")
    assert path["backend"]["service"] == {"name": "routemoa-gateway", "port": {"name": "http"}}
    plain = render("ingress", 'gateway.ingress.tlsSecretName=""').one("Ingress", "gateway")
    assert "tls" not in plain["spec"]


def test_calls_from_outside_may_come_through_an_ingress_over_tls() -> None:
    ingress = render("ingress").one("Ingress", "router")
    assert ingress["spec"]["tls"][0]["hosts"] == ["routemoa.example.com"]
    assert ingress["metadata"]["annotations"] == {
        "nginx.ingress.kubernetes.io/backend-protocol": "GRPC"
    }
    [path] = ingress["spec"]["rules"][0]["http"]["paths"]
    assert path["path"] == "/routemoa.v1.RouterService/"
    assert path["backend"]["service"] == {"name": "routemoa-router", "port": {"name": "grpc"}}


def test_listed_and_looked_up_replicas_are_reached_and_the_api_server_where_it_is_asked() -> None:
    rules = policy("router", "replicas")["egress"][3:]
    namespaces = [
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for rule in rules
        for peer in rule["to"]
        if "namespaceSelector" in peer
    ]
    assert namespaces == ["one", "two", "models"]
    assert {"to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}], "ports": [{"port": 6443}]} in rules


def test_endpoint_slices_are_read_only_where_values_say_so() -> None:
    rendered = render("replicas")
    (role,) = rendered.all("Role").values()
    assert role["metadata"]["namespace"] == "models"
    assert role["rules"] == [
        {
            "apiGroups": ["discovery.k8s.io"],
            "resources": ["endpointslices"],
            "verbs": ["list", "watch"],
        }
    ]
    (binding,) = rendered.all("RoleBinding").values()
    assert binding["subjects"][0]["name"] == rendered.pod("router")["serviceAccountName"]
    assert rendered.pod("router")["automountServiceAccountToken"] is True
    without = render("default")
    assert not without.all("Role")
    assert without.pod("router")["automountServiceAccountToken"] is False


@pytest.mark.parametrize("component", COMPONENTS)
def test_traces_go_to_the_collector_and_nowhere_else(component: str) -> None:
    before = policy(component)["egress"]
    after = [rule for rule in policy(component, "otel")["egress"] if rule not in before]
    collector = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
    }
    asked = [rule for rule in after if rule.get("ports") != DNS]
    assert [rule["to"] for rule in asked] == [[collector]]
    assert any(rule.get("ports") == DNS for rule in policy(component, "otel")["egress"])


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_service_gets_the_standard_variables_of_traces(component: str) -> None:
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG")
    variables = render("otel").environment(component)
    assert [variables[name] for name in names] == [
        "http://otel-collector.monitoring.svc:4317",
        "parentbased_traceidratio",
        "0.1",
    ]
    assert not [name for name in render().environment(component) if name.startswith("OTEL_")]


def test_an_endpoint_without_a_scheme_is_refused() -> None:
    assert "otel" in render("default", 'otel.endpoint="collector:4317"').error
