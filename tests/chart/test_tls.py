from __future__ import annotations

import pytest

from services import health_probe
from tests.chart.chart import COMPONENTS, GRPC_SERVICES, render


@pytest.mark.parametrize("component", COMPONENTS)
def test_tls_is_served_from_a_mounted_secret(component: str) -> None:
    rendered = render("tls")
    environment, pod = rendered.environment(component), rendered.pod(component)
    prefix = f"ROUTEMOA_{component.upper()}_TLS"
    assert environment[f"{prefix}_CERTIFICATE_FILE"] == "/run/secrets/tls/tls.crt"
    assert environment[f"{prefix}_KEY_FILE"] == "/run/secrets/tls/tls.key"
    assert f"{prefix}_CLIENT_CA_FILE" not in environment
    secrets = {v["name"]: v["secret"]["secretName"] for v in pod["volumes"] if "secret" in v}
    own = "our-scorer-certificate" if component == "scorer" else f"routemoa-{component}-tls"
    assert secrets == {"tls": own}


@pytest.mark.parametrize(
    ("component", "prefix"),
    [("router", "ROUTEMOA_ROUTER_DEPENDENCY_TLS"), ("gateway", "ROUTEMOA_GATEWAY_ROUTER_TLS")],
)
def test_with_tls_a_caller_trusts_the_ca_and_with_mtls_it_shows_its_certificate(
    component: str, prefix: str
) -> None:
    tls, mtls = (render(scenario).environment(component) for scenario in ("tls", "mtls"))
    assert tls[f"{prefix}_CA_FILE"] == mtls[f"{prefix}_CA_FILE"] == "/run/secrets/tls/ca.crt"
    assert f"{prefix}_CERTIFICATE_FILE" not in tls
    assert mtls[f"{prefix}_CERTIFICATE_FILE"] == "/run/secrets/tls/tls.crt"
    assert mtls[f"{prefix}_KEY_FILE"] == "/run/secrets/tls/tls.key"


@pytest.mark.parametrize("component", COMPONENTS)
def test_mtls_asks_clients_for_certificates(component: str) -> None:
    variable = f"ROUTEMOA_{component.upper()}_TLS_CLIENT_CA_FILE"
    assert render("mtls").environment(component)[variable] == "/run/secrets/tls/ca.crt"


def test_with_mtls_callers_of_the_gateway_may_do_with_their_key() -> None:
    environment = render("front").environment("gateway")
    assert "ROUTEMOA_GATEWAY_TLS_CLIENT_CA_FILE" not in environment
    own = "/run/secrets/tls/tls.crt"
    assert environment["ROUTEMOA_GATEWAY_ROUTER_TLS_CERTIFICATE_FILE"] == own
    assert environment["ROUTEMOA_GATEWAY_TLS_CERTIFICATE_FILE"] == own


@pytest.mark.parametrize("scenario", ["tls", "front"])
def test_the_kubelet_probes_a_gateway_with_tls_itself(scenario: str) -> None:
    container = render(scenario).container("gateway")
    for name, path in (("startup", "/healthz"), ("readiness", "/readyz"), ("liveness", "/healthz")):
        asked = container[f"{name}Probe"]["httpGet"]
        assert asked == {"path": path, "port": "http", "scheme": "HTTPS"}


def test_a_gateway_that_wants_certificates_is_probed_with_one() -> None:
    container = render("mtls").container("gateway")
    for name, path in (("startup", ""), ("readiness", "/readyz"), ("liveness", "")):
        probe = container[f"{name}Probe"]
        assert probe["timeoutSeconds"] >= 5, "a process is started for each probe"
        python, flag, module, *arguments = probe["exec"]["command"]
        assert [python, flag, module] == ["python", "-m", "services.health_probe"]
        options = health_probe._parser().parse_args(arguments)
        assert (options.http, options.service) == (True, path)
        assert options.address == f"localhost:{container['ports'][0]['containerPort']}"
        assert options.server_name == "routemoa-gateway"
        assert None not in {options.ca_file, options.certificate_file, options.key_file}


@pytest.mark.parametrize("scenario", ["tls", "mtls"])
@pytest.mark.parametrize("component", GRPC_SERVICES)
def test_with_tls_probes_run_the_probe_command_which_takes_their_arguments(
    component: str, scenario: str
) -> None:
    rendered = render(scenario)
    container = rendered.container(component)
    for name in ("startup", "readiness", "liveness"):
        probe = container[f"{name}Probe"]
        assert probe["timeoutSeconds"] >= 5, "a process is started for each probe"
        python, flag, module, *arguments = probe["exec"]["command"]
        assert [python, flag, module] == ["python", "-m", "services.health_probe"]
        options = health_probe._parser().parse_args(arguments)
        assert options.address == f"localhost:{container['ports'][0]['containerPort']}"
        assert (options.certificate_file is not None) == (scenario == "mtls")
        assert options.server_name == f"routemoa-{component}"
        own = f"routemoa.v1.{component.capitalize()}Service"
        assert options.service == (own if name == "readiness" else "")


@pytest.mark.parametrize("component", COMPONENTS)
def test_cert_manager_writes_the_secret_that_is_mounted_for_every_name_that_is_called(
    component: str,
) -> None:
    rendered = render("mtls")
    certificate = rendered.one("Certificate", component)["spec"]
    [volume] = [v for v in rendered.pod(component)["volumes"] if v["name"] == "tls"]
    assert certificate["secretName"] == volume["secret"]["secretName"]
    assert certificate["issuerRef"]["name"] == "internal-ca"
    assert {"server auth", "client auth"} <= set(certificate["usages"])
    names = set(certificate["dnsNames"])
    called = {
        address.removeprefix("dns:///").partition(":")[0]
        for caller in ("router", "gateway")
        for variable, address in rendered.environment(caller).items()
        if variable.endswith(f"{component.upper()}_ADDRESS") and "LISTEN" not in variable
    }
    assert len(called) == (component != "gateway")
    assert called <= names
    # By these the probes and `helm test` call.
    assert f"routemoa-{component}" in names


def test_without_tls_nothing_of_it_is_there() -> None:
    text = render().text
    assert "_TLS_" not in text
    assert "Certificate" not in text
