"""One definition per setting: the counts, the names and the defaults of the router's settings."""

from __future__ import annotations

import ast
import dataclasses
import re
from typing import TYPE_CHECKING, get_type_hints

import pytest

from routemoa.v1.router_service_pb2 import RoutingPolicy
from scripts.gen_docs import ROOT
from services.gateway.config import GatewayServiceConfig
from services.judge.config import JudgeServiceConfig
from services.router.config import RouterServiceConfig
from services.router.former_settings import FORMER_SETTINGS
from services.router.routing.policy import FormerWeights, Policy, PolicySettings
from services.router.tuning import Tuning
from services.rpc.config import group_of, settings_of
from services.rpc.former_settings import Renamed
from services.scorer.config import ScorerServiceConfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic import BaseModel

    from services.rpc.config import ServerConfig

MAX_SETTINGS = 50
SERVICES: tuple[type[ServerConfig], ...] = (
    GatewayServiceConfig,
    JudgeServiceConfig,
    RouterServiceConfig,
    ScorerServiceConfig,
)
ROUTER = ROOT / "services/router"
NOT_IN_SETTINGS = {"model_ids", "preset"}
"""Fields of the contract's policy that belong to one request."""
ELSEWHERE = {"strategy"}
"""Fields of the contract's policy that are settings of their own, since no preset may set them."""
IN_SECONDS = {"max_expected_latency": "max_expected_latency_s"}
"""Durations of the contract; in code a number of seconds has the unit in its name."""


def test_the_router_has_no_more_settings_than_an_operator_can_read() -> None:
    assert len(settings_of(RouterServiceConfig)) <= MAX_SETTINGS


def test_the_settings_of_a_policy_have_the_names_of_the_contract() -> None:
    wire = [field.name for field in RoutingPolicy.DESCRIPTOR.fields]
    expected = {IN_SECONDS.get(name, name) for name in wire} - NOT_IN_SETTINGS - ELSEWHERE
    assert {*PolicySettings.model_fields, *FormerWeights.model_fields} == expected
    assert set(settings_of(RouterServiceConfig)) >= ELSEWHERE


def test_a_policy_has_every_field_of_its_settings_with_the_same_type() -> None:
    fields = {item.name for item in dataclasses.fields(Policy)}
    of_requests = {*FormerWeights.model_fields, "strategy", "kept_answer_count", "model_ids"}
    assert fields == {*PolicySettings.model_fields, *of_requests}
    assert all(item.default is dataclasses.MISSING for item in dataclasses.fields(Policy))
    settings, policy = get_type_hints(PolicySettings), get_type_hints(Policy)
    assert {name: settings[name] for name in PolicySettings.model_fields} == {
        name: policy[name] for name in PolicySettings.model_fields
    }


@pytest.mark.parametrize("kind", SERVICES)
def test_former_settings_are_none_and_lead_to_settings(kind: type[ServerConfig]) -> None:
    current = settings_of(kind)
    assert not current.keys() & kind.former_settings.keys()
    new = [change.name for change in kind.former_settings.values() if isinstance(change, Renamed)]
    assert set(new) <= current.keys()


@pytest.mark.parametrize("kind", SERVICES)
def test_no_setting_is_taken_for_one_of_a_group(kind: type[ServerConfig]) -> None:
    groups = [name for name, field in kind.model_fields.items() if group_of(field)]
    alone = kind.model_fields.keys() - set(groups)
    assert not [name for name in alone if name.startswith(tuple(f"{group}_" for group in groups))]


@pytest.mark.parametrize("kind", SERVICES)
def test_every_setting_is_described_in_sentences(kind: type[ServerConfig]) -> None:
    for name, field in settings_of(kind).items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_every_documented_variable_is_a_setting_or_an_old_name() -> None:
    known = {*settings_of(RouterServiceConfig), *RouterServiceConfig.model_fields, *FORMER_SETTINGS}
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", *(ROOT / "deploy").rglob("*.md")]
    named = {
        name.lower()
        for page in pages
        for name in re.findall(r"ROUTEMOA_ROUTER_([A-Z_]*[A-Z])", page.read_text(encoding="utf-8"))
    }
    assert named <= known


def defaults_in(path: Path) -> Iterator[tuple[str, str]]:
    """Yields name and value of every default that is written as a literal in a class."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ClassDef):
            continue
        for item in node.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                value = item.value
                if isinstance(value, ast.Call):
                    value = next((k.value for k in value.keywords if k.arg == "default"), None)
                if isinstance(value, ast.Constant) and isinstance(value.value, int | float):
                    yield item.target.id, f"{path.name}:{node.name}"


def test_no_default_of_a_setting_is_written_twice() -> None:
    groups = [group_of(field) for field in RouterServiceConfig.model_fields.values()]
    kinds: list[type[BaseModel]] = [RouterServiceConfig, *(kind for kind in groups if kind)]
    names = {name for kind in kinds for name in kind.model_fields}
    where: dict[str, list[str]] = {}
    for path in sorted(ROUTER.rglob("*.py")):
        for name, place in defaults_in(path):
            where.setdefault(name, []).append(place)
    assert not {name: where[name] for name in names if len(where.get(name, ())) > 1}


def test_the_constants_that_tests_change_are_defined_where_they_are_used() -> None:
    assert not list(defaults_in(ROUTER / "tuning.py"))
    tuned = {item.name for item in dataclasses.fields(Tuning)}
    assert not tuned & settings_of(RouterServiceConfig).keys()
