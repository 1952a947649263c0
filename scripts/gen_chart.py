"""Writes the parts of the Helm chart that follow from the code.

settings classes, pool file -> `$defs` of values.schema.json; metric registry -> the Grafana dashboard
of all metrics, beside the one of `answers_dashboard`.
So a value of a setting that does not exist is refused before anything is applied, and no panel can name
a metric that does not exist.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import REGISTRY

import services.gateway.app
import services.judge.app
import services.router.app
import services.scorer.app
from scripts.answers_dashboard import answers_dashboard
from services.gateway.config import GatewayServiceConfig
from services.judge.config import JudgeServiceConfig
from services.router.config import RouterServiceConfig
from services.router.pool.pool import Pool
from services.rpc.config import group_of
from services.rpc.former_settings import Removed
from services.scorer.config import ScorerServiceConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric

    from services.rpc.config import ServerConfig

CHART = Path(__file__).parents[1] / "deploy/k8s/routemoa"
SCHEMA = CHART / "values.schema.json"
DASHBOARD = CHART / "files/dashboard.json"
ALL_METRICS = CHART / "files/all-metrics.json"
APPS = (
    services.gateway.app,
    services.judge.app,
    services.router.app,
    services.scorer.app,
)
"""Modules that register the metrics when they are imported."""

MANAGED = {
    "artifact",
    "budget_redis_url_file",
    "dependency_tls_ca_file",
    "dependency_tls_certificate_file",
    "dependency_tls_key_file",
    "judge_address",
    "listen_address",
    "metrics_port",
    "pool_file",
    "provider",
    "records_dir",
    "records_hash_key_file",
    "records_postgres_dsn_file",
    "records_sink",
    "router_address",
    "router_metrics_url",
    "router_tls_ca_file",
    "router_tls_certificate_file",
    "router_tls_key_file",
    "scorer_address",
    "tenants_file",
    "tls_certificate_file",
    "tls_client_ca_file",
    "tls_key_file",
}
"""Settings that the chart's templates set, from other values."""

_QUERIES = {
    "counter": "sum by ({by}) (rate({name}_total{{{where}}}[$__rate_interval]))",
    "gauge": "sum by ({by}) ({name}{{{where}}})",
    "histogram": "histogram_quantile({quantile}, "
    "sum by ({by}) (rate({name}_bucket{{{where}}}[$__rate_interval])))",
}
_WHERE = 'namespace="$namespace",service=~"$service"'
_PANEL_WIDTH, _PANEL_HEIGHT, _COLUMNS = 8, 7, 3


def values_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Returns the schema with the settings and the pool as the code has them today."""
    kinds: dict[str, type[ServerConfig]] = {
        "gatewayConfig": GatewayServiceConfig,
        "judgeConfig": JudgeServiceConfig,
        "routerConfig": RouterServiceConfig,
        "scorerConfig": ScorerServiceConfig,
    }
    generated: dict[str, Any] = {}
    for name, kind in kinds.items():
        generated[name] = _clean({"type": "object", "properties": settings_schema(kind)})
        generated[name]["additionalProperties"] = False
    pool = Pool.model_json_schema()
    parts = pool.pop("$defs")
    pool["properties"]["models"]["items"] = parts.pop("PoolModel")
    generated |= {name: _clean(part) for name, part in parts.items()}
    # The chart's default is no model at all, which its checks refuse with a word of what to do.
    generated["pool"] = _clean({k: v for k, v in pool.items() if k != "required"})
    return schema | {"$defs": schema["$defs"] | generated}


def settings_schema(kind: type[ServerConfig]) -> dict[str, dict[str, Any]]:
    """Returns the schema of every setting that values may have, old names marked as deprecated."""
    schema = kind.model_json_schema()
    current: dict[str, dict[str, Any]] = {}
    for name, field in kind.model_fields.items():
        group = group_of(field)
        if group is None:
            current[name] = schema["properties"][name]
        else:
            of_group = schema["$defs"][group.__name__]["properties"]
            current |= {f"{name}_{inner}": value for inner, value in of_group.items()}
    settings = {name: value for name, value in current.items() if name not in MANAGED}
    for old, change in kind.former_settings.items():
        if isinstance(change, Removed):
            settings[old] = {"deprecated": True}
        elif change.name in settings:
            settings[old] = settings[change.name] | {"deprecated": True}
    return settings


def _clean(node: Any) -> Any:
    """Drops the parts that Helm ignores or that tell a reader nothing: titles, defaults, formats."""
    if isinstance(node, list):
        return [_clean(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: {name: _clean(value) for name, value in child.items()}
        if key == "properties"
        else _clean(child)
        for key, child in node.items()
        if key not in {"title", "default", "format", "description"}
    }
    if node.get("format") == "uri":
        kept["pattern"] = "^https?://."
    return kept


def families() -> Iterator[Metric]:
    """Yields our metric families, sorted by name."""
    found = {family.name: family for family in REGISTRY.collect()}
    for name in sorted(found):
        if name.startswith(("routemoa_", "grpc_server_", "gen_ai_")):
            yield found[name]


def label_names(family: Metric) -> tuple[str, ...]:
    """Returns the labels of a family's metrics, which it has even before there are samples."""
    # The registry's public interface lists no labels; this mapping has been there since its beginning.
    collector: Any = REGISTRY._names_to_collectors[family.name]  # noqa: SLF001  # see above
    return tuple(collector._labelnames)  # noqa: SLF001  # see above


def all_metrics() -> dict[str, Any]:
    """Returns the dashboard of all metrics: a row per kind of metric, a panel per family."""
    groups: dict[str, list[Metric]] = {}
    for family in families():
        groups.setdefault(_group(family.name), []).append(family)
    panels: list[dict[str, Any]] = []
    y = 0
    for title, members in groups.items():
        panels.append({"type": "row", "title": title, "gridPos": {"h": 1, "w": 24, "x": 0, "y": y}})
        y += 1
        for place, family in enumerate(members):
            position = {
                "h": _PANEL_HEIGHT,
                "w": _PANEL_WIDTH,
                "x": place % _COLUMNS * _PANEL_WIDTH,
                "y": y + place // _COLUMNS * _PANEL_HEIGHT,
            }
            panels.append(_panel(family) | {"gridPos": position})
        y += (len(members) + _COLUMNS - 1) // _COLUMNS * _PANEL_HEIGHT
    numbered = [panel | {"id": number} for number, panel in enumerate(panels, start=1)]
    return {
        "title": "RouteMoA: all metrics",
        "uid": "routemoa-all-metrics",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": _variables()},
        "panels": numbered,
    }


def _group(name: str) -> str:
    for service in ("scorer", "router", "judge", "gateway"):
        if name.startswith(f"routemoa_{service}_"):
            return service.capitalize()
    return "Calls to models" if name.startswith("gen_ai_") else "Calls"


def _panel(family: Metric) -> dict[str, Any]:
    labels = ("service", *label_names(family))
    legend = " ".join(f"{{{{{label}}}}}" for label in labels)
    targets: list[dict[str, str]] = []
    for quantile in (0.5, 0.95, 0.99) if family.type == "histogram" else (None,):
        by = (*labels, "le") if quantile else labels
        query = _QUERIES[family.type].format(
            name=family.name, by=", ".join(by), where=_WHERE, quantile=quantile
        )
        name = f"p{quantile * 100:.0f} {legend}" if quantile else legend
        targets.append({"refId": "ABC"[len(targets)], "expr": query, "legendFormat": name})
    return {
        "type": "timeseries",
        "title": family.documentation,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "targets": targets,
        "fieldConfig": {"defaults": {"unit": _unit(family)}, "overrides": []},
    }


def _unit(family: Metric) -> str:
    if family.name.endswith("_usd"):
        return "currencyUSD"
    if family.type == "counter":
        return "cps"
    return "s" if family.name.endswith("_seconds") else "short"


def _variables() -> list[dict[str, Any]]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    common = {"type": "query", "datasource": source, "refresh": 2}
    in_flight = "routemoa_calls_in_flight_count"
    selected = f'{in_flight}{{namespace="$namespace"}}'
    return [
        {"name": "datasource", "type": "datasource", "query": "prometheus"},
        common | {"name": "namespace", "query": f"label_values({in_flight}, namespace)"},
        common
        | {"name": "service", "query": f"label_values({selected}, service)"}
        | {"includeAll": True, "multi": True, "allValue": ".*"},
    ]


def main() -> None:
    """Writes the schema and the dashboards."""
    schema = values_schema(json.loads(SCHEMA.read_text()))
    SCHEMA.write_text(json.dumps(schema, indent=2) + "\n")
    DASHBOARD.write_text(json.dumps(answers_dashboard(), indent=2) + "\n")
    ALL_METRICS.write_text(json.dumps(all_metrics(), indent=2) + "\n")


if __name__ == "__main__":
    main()
