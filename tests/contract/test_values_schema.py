"""The chart's schema of values, which is partly generated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from scripts.gen_chart import MANAGED, SCHEMA, values_schema
from services.gateway.config import GatewayServiceConfig
from services.judge.config import JudgeServiceConfig
from services.router.config import RouterServiceConfig
from services.rpc.config import settings_of
from services.rpc.former_settings import Renamed
from services.scorer.config import ScorerServiceConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.rpc.config import ServerConfig


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def test_every_reference_of_the_schema_leads_somewhere() -> None:
    schema = json.loads(SCHEMA.read_text())
    named = {f"#/$defs/{name}" for name in schema["$defs"]}
    assert set(references(schema)) <= named


def test_the_schema_is_the_one_that_the_code_gives_today() -> None:
    schema = json.loads(SCHEMA.read_text())
    assert values_schema(schema) == schema


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("gatewayConfig", GatewayServiceConfig),
        ("judgeConfig", JudgeServiceConfig),
        ("routerConfig", RouterServiceConfig),
        ("scorerConfig", ScorerServiceConfig),
    ],
)
def test_values_may_have_every_setting_and_the_old_names_are_deprecated(
    name: str, kind: type[ServerConfig]
) -> None:
    allowed = json.loads(SCHEMA.read_text())["$defs"][name]["properties"]
    current = settings_of(kind).keys() - MANAGED
    old = {
        former
        for former, change in kind.former_settings.items()
        if not (isinstance(change, Renamed) and change.name in MANAGED)
    }
    assert allowed.keys() == current | old
    assert {key for key, value in allowed.items() if value.get("deprecated")} == old
