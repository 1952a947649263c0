"""The policy of a record, with some values replaced."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import TypeAdapter, ValidationError

from routemoa.v1.router_service_pb2 import RoutingPolicy
from services.evaluation.decisions.counterfactual import strategies
from services.router.config import RouterServiceConfig
from services.router.contract.policies import read_policy
from services.router.former_settings import FORMER_SETTINGS
from services.router.pool.pool import Pool
from services.router.routing.policy import FormerWeights, Policy, PolicySettings
from services.router.routing.presets import STRATEGY_DEFAULTS, PolicyDefaults
from services.rpc.former_settings import Renamed
from services.rpc.validation import Violations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

_STRATEGY = RouterServiceConfig.model_fields["strategy"]
_SETTINGS = PolicySettings.model_fields | FormerWeights.model_fields | {"strategy": _STRATEGY}
_DEFAULTS = read_policy(
    RoutingPolicy(),
    PolicyDefaults(PolicySettings(), strategy=_STRATEGY.default),
    Pool.model_construct(models=()),
    Violations(),
)
_NONE = "none"
_WEIGHTS = {
    "usd_per_right_answer": "cost_weight",
    "seconds_per_right_answer": "latency_weight",
}
"""The weight that each price replaces."""
_GROUP = "policy_"
_CURRENT_NAMES = {
    old: change.name.removeprefix(_GROUP)
    for old, change in FORMER_SETTINGS.items()
    if isinstance(change, Renamed) and change.name.startswith(_GROUP)
}
"""By the names that records of older routers have."""


class BadOverrideError(ValueError):
    """Raised for invalid values of a policy; ``problems`` lists all of them."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def read_overrides(assignments: Sequence[str], strategy: str | None) -> dict[str, object]:
    """Returns the values of `name=value` texts, checked by the service's settings of these names.

    A name may have the prefix of its group of settings, `policy_`.

    Raises:
        BadOverrideError: A name is unknown or a value is out of range.
    """
    given = [assignment.partition("=")[::2] for assignment in assignments]
    if strategy is not None:
        given.append(("strategy", strategy))
    values: dict[str, object] = {}
    problems = []
    for written, text in given:
        name = _CURRENT_NAMES.get(written, written.removeprefix(_GROUP))
        if name not in _SETTINGS:
            problems.append(f"{written!r} is not one of {', '.join(sorted(_SETTINGS))}")
        elif name == "strategy" and text not in strategies():
            problems.append(
                f"strategy: only {', '.join(strategies())} can be replayed, not {text!r}"
            )
        else:
            try:
                values[name] = _value(name, text)
            except ValidationError as error:
                problems += [f"{name}: {item['msg']}" for item in error.errors()]
    if problems:
        raise BadOverrideError(problems)
    return values


def policy_of(recorded: Mapping[str, JsonValue], overrides: Mapping[str, object]) -> Policy:
    """Returns the policy of a record with the overrides in it.

    Another strategy sets its own defaults first. A field that the record of an older router lacks takes
    the service's default. A recorded strategy that cannot be replayed becomes `routemoa`.
    """
    current = {_CURRENT_NAMES.get(name, name): value for name, value in recorded.items()}
    values: dict[str, Any] = {**dataclasses.asdict(_DEFAULTS), **current}
    if "strategy" in overrides:
        values |= STRATEGY_DEFAULTS[str(overrides["strategy"])].model_dump(exclude_unset=True)
    for price, weight in _WEIGHTS.items():
        if price in overrides:
            values[weight] = None  # of an older router's record
    values |= overrides
    if values["strategy"] not in strategies():
        values["strategy"] = "routemoa"
    values["model_ids"] = frozenset(values["model_ids"])
    return Policy(**{item.name: values[item.name] for item in dataclasses.fields(Policy)})


def _value(name: str, text: str) -> object:
    setting = _SETTINGS[name]
    adapter: TypeAdapter[object] = TypeAdapter(
        Annotated[setting.annotation, setting]  # type: ignore[arg-type]  # a type at run time
    )
    return adapter.validate_python(None if text == _NONE else text)
