from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from scripts.answers_dashboard import answers_dashboard
from scripts.gen_chart import (
    ALL_METRICS,
    DASHBOARD,
    SCHEMA,
    all_metrics,
    families,
    label_names,
    values_schema,
)
from tests.chart.chart import COMPONENTS, ROOT, render, run, tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FROM_PROMETHEUS = {"namespace", "pod", "service", "le"}
RECORDED = {"routemoa_scorer_queue_wait_mean_seconds"}
METRIC = re.compile(r"\b((?:routemoa|grpc_server|gen_ai_client)_\w+)(?:\{([^}]*)\})?")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
GROUPED = re.compile(r"\b(?:by|without|on) \(([^)]*)\)")


def known_metrics() -> dict[str, set[str]]:
    """Every series that the services expose, with its labels."""
    suffixes = {
        "counter": ("_total",),
        "gauge": ("",),
        "histogram": ("_bucket", "_count", "_sum"),
    }
    return {
        family.name + suffix: set(label_names(family))
        for family in families()
        for suffix in suffixes[family.type]
    }


def expressions() -> Iterator[tuple[str, str]]:
    for group in rules("ha")["groups"]:
        for rule in group["rules"]:
            yield rule.get("alert") or rule["record"], rule["expr"]
    for file in (DASHBOARD, ALL_METRICS):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", []):
                yield panel["title"], target["expr"]
    for component in COMPONENTS:
        for scenario in ("keda", "gpu-shared"):
            scaled = render(scenario).all("ScaledObject").get(component)
            for trigger in scaled["spec"]["triggers"] if scaled else []:
                yield f"KEDA {component}", trigger["metadata"].get("query", "")


def rules(scenario: str) -> Any:
    return render(scenario).one("PrometheusRule", "routemoa")["spec"]


def test_no_panel_alert_or_trigger_names_a_metric_or_label_that_does_not_exist() -> None:
    known = known_metrics()
    seen = set()
    for place, expression in expressions():
        metrics = METRIC.findall(expression)
        labels = set()
        for name, selector in metrics:
            seen.add(name)
            if name in RECORDED:
                continue
            assert name in known, f"{place}: {name}"
            assert set(LABEL.findall(selector)) <= known[name] | FROM_PROMETHEUS, place
            labels |= known[name]
        for grouped in GROUPED.findall(expression):
            assert set(grouped.split(", ")) <= labels | FROM_PROMETHEUS, place
    assert len(seen) > 20


def test_the_autoscalers_ask_for_metrics_that_exist() -> None:
    scaler = render("gpu", "scorer.autoscaling.callsInFlight=9").one(
        "HorizontalPodAutoscaler", "scorer"
    )
    for metric in scaler["spec"]["metrics"]:
        assert metric["pods"]["metric"]["name"] in known_metrics().keys() | RECORDED


def test_the_dashboard_shows_every_metric() -> None:
    shown = " ".join(
        target["expr"] for panel in all_metrics()["panels"] for target in panel.get("targets", [])
    )
    assert [family.name for family in families() if family.name not in shown] == []


def test_the_generated_files_are_fresh() -> None:
    assert json.loads(DASHBOARD.read_text()) == answers_dashboard(), "run `make gen`"
    assert json.loads(ALL_METRICS.read_text()) == all_metrics(), "run `make gen`"
    schema = json.loads(SCHEMA.read_text())
    assert schema == values_schema(schema), "run `make gen`"


def test_the_dashboards_are_a_configmap_that_grafana_finds() -> None:
    config = render("ha").one("ConfigMap", "dashboard")
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    shown = [json.loads(text) for text in config["data"].values()]
    assert shown == [answers_dashboard(), all_metrics()]
    assert len({dashboard["uid"] for dashboard in shown}) == 2
    for dashboard in shown:
        assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_the_dashboard_asks_an_operators_questions_and_says_how_to_read_each_answer() -> None:
    panels = answers_dashboard()["panels"]
    rows = [panel["title"] for panel in panels if panel["type"] == "row"]
    assert rows == [
        "Are answers good?",
        "Are they fast?",
        "Are they cheap?",
        "Which model fails?",
        "Who spends?",
    ]
    assert all(panel["description"] for panel in panels if panel["type"] != "row")


def test_prometheus_can_read_every_query_of_the_dashboards(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel_{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, (_, expression) in enumerate(expressions())
        if expression
    ]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = run(tool("promtool"), "check", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_pod_monitor_scrapes_each_pod_under_the_name_that_the_alerts_ask_for() -> None:
    rendered = render("platform")
    assert not rendered.all("ServiceMonitor")
    down = "".join(
        rule.get("expr", "") for group in rules("platform")["groups"] for rule in group["rules"]
    )
    for component, deployment in rendered.all("Deployment").items():
        monitor = rendered.one("PodMonitor", component)
        assert monitor["metadata"]["labels"]["release"] == "prometheus"
        template = deployment["spec"]["template"]
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        assert wanted <= template["metadata"]["labels"].items()
        [endpoint] = monitor["spec"]["podMetricsEndpoints"]
        [container] = template["spec"]["containers"]
        assert endpoint["port"] in {port["name"] for port in container["ports"]}
        assert endpoint["relabelings"] == [
            {"targetLabel": "service", "replacement": f"routemoa-{component}"}
        ]
        assert f'service="routemoa-{component}"' in down
    assert rendered.all("PodMonitor").keys() == {"scorer", "judge"}


def test_every_pod_is_scraped_once() -> None:
    rendered = render("ha")
    services = rendered.all("Service").values()
    for component in COMPONENTS:
        monitor = rendered.one("ServiceMonitor", component)["spec"]
        wanted = monitor["selector"]["matchLabels"].items()
        [endpoint] = monitor["endpoints"]
        scraped = [
            service["metadata"]["name"]
            for service in services
            if wanted <= service["metadata"]["labels"].items()
            and endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
        ]
        assert scraped == [f"routemoa-{component}"]


def test_monitors_and_rules_carry_the_labels_by_which_prometheus_selects_them() -> None:
    rule = render("ha").one("PrometheusRule", "routemoa")
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    assert not render().all("PrometheusRule")
    assert not render().all("ServiceMonitor")


def test_every_alert_says_what_to_do() -> None:
    manual = (ROOT / "docs/operations.md").read_text()
    headings = {
        "#" + line.removeprefix("### ").lower()
        for line in manual.splitlines()
        if line.startswith("### ")
    }
    alerts = [rule for group in rules("ha")["groups"] for rule in group["rules"] if "alert" in rule]
    assert len(alerts) == 17
    for alert in alerts:
        page, anchor = alert["annotations"]["runbook_url"].split("#")
        assert page == "https://github.com/routemoa/routemoa/blob/main/docs/operations.md"
        assert f"#{anchor}" in headings
        assert alert["labels"]["severity"] in {"warning", "critical"}
        assert alert["annotations"]["summary"]


def test_without_a_budget_there_is_no_alert_on_it() -> None:
    names = {rule.get("alert") for group in rules("gpu")["groups"] for rule in group["rules"]}
    assert "RouteMoABudget" not in names
    assert "RouteMoADown" in names


def test_a_release_without_a_router_asks_only_for_the_services_it_has() -> None:
    [down] = [
        rule
        for group in rules("platform")["groups"]
        for rule in group["rules"]
        if rule.get("alert") == "RouteMoADown"
    ]
    assert "routemoa-scorer" in down["expr"]
    assert "routemoa-router" not in down["expr"]


@pytest.mark.parametrize("scenario", ["ha", "gpu"])
def test_prometheus_accepts_the_rules(scenario: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(rules(scenario)))
    done = run(tool("promtool"), "check", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alerts_fire_when_they_should_and_are_silent_when_all_is_well(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules("ha")))
    tests = tmp_path / "alerts.yaml"
    tests.write_text((ROOT / "tests/chart/alerts.yaml").read_text())
    done = run(tool("promtool"), "test", "rules", str(tests))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested() -> None:
    tests = yaml.safe_load((ROOT / "tests/chart/alerts.yaml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    firing = {case["alertname"] for case in cases if case.get("exp_alerts")}
    silent = {case["alertname"] for case in cases if not case.get("exp_alerts")}
    alerts = {rule.get("alert") for group in rules("ha")["groups"] for rule in group["rules"]}
    assert alerts - {None} == firing == silent


def test_no_alert_is_silent_in_its_test_for_want_of_its_metric() -> None:
    """The last test of alerts.yaml has every series that the alerts ask for."""
    *_, well = yaml.safe_load((ROOT / "tests/chart/alerts.yaml").read_text())["tests"]
    given = {series["series"].partition("{")[0] for series in well["input_series"]}
    asked = {
        metric
        for group in rules("ha")["groups"]
        for rule in group["rules"]
        if "alert" in rule
        for metric, _ in METRIC.findall(rule["expr"])
    }
    assert asked <= given
