"""The policy of a record, with other values for some of it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import TypeAdapter, ValidationError

from routemoa.v1.router_service_pb2 import RoutingPolicy
from services.replay.counterfactual import strategies
from services.router.config import RouterServiceConfig
from services.router.pool.pool import Pool
from services.router.requests import read_policy
from services.router.routing.policy import Policy
from services.router.strategies.registry import STRATEGIES
from services.rpc.validation import Violations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

_SETTINGS = RouterServiceConfig.model_fields
_DEFAULTS = read_policy(
    RoutingPolicy(),
    RouterServiceConfig.model_construct(),  # nothing of this process's environment
    Pool.model_construct(models=()),
    Violations(),
)
_NAMES = frozenset(item.name for item in dataclasses.fields(Policy)) & _SETTINGS.keys()
_NONE = "none"


class BadOverrideError(ValueError):
    """Raised for values that a policy cannot have; ``problems`` lists all of them."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def read_overrides(assignments: Sequence[str], strategy: str | None) -> dict[str, object]:
    """Returns the values of `name=value` texts, by the settings' names and within their ranges.

    Raises:
        BadOverrideError: Some name or value is not one that a policy has.
    """
    given = [assignment.partition("=")[::2] for assignment in assignments]
    if strategy is not None:
        given.append(("strategy", strategy))
    values: dict[str, object] = {}
    problems = []
    for name, text in given:
        if name not in _NAMES:
            problems.append(f"{name!r} is not one of {', '.join(sorted(_NAMES))}")
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

    Another strategy brings the values with it that it takes by itself. What the record does not have,
    since its router knew no such field, takes the service's default. A recorded strategy that cannot be
    replayed is replaced by `routemoa`.
    """
    values: dict[str, Any] = {**dataclasses.asdict(_DEFAULTS), **recorded}
    if "strategy" in overrides:
        values |= STRATEGIES[str(overrides["strategy"])].defaults
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
