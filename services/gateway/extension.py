"""RouteMoA's extension of every API: a field `routemoa` in the body, and headers `x-routemoa-...`.

    {"routemoa": {"policy": {"max_cost_usd": 0.01, "strategy": "cascade"},
                  "options": {"include_reasoning": true, "metadata": {"session_id": "s1"}}}}

Both parts have the contract's fields, by the contract's names, in protobuf's JSON. A header
`x-routemoa-max-cost-usd` is the policy's field of that name, and comes before the body's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import ParseDict, ParseError

from routemoa.v1 import generation_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.gateway.api import ApiError, ErrorKind, Problem
from services.gateway.fields import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

    from services.gateway.fields import Problems

FIELD = "routemoa"
PREFIX = "x-routemoa-"
TIMEOUT_HEADER = "x-routemoa-timeout-s"
SESSION_HEADER = "x-routemoa-session-id"
_POLICY_FIELDS = pb.RoutingPolicy.DESCRIPTOR.fields_by_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """The policy and the options that a request gives beside the fields of its API."""

    policy: pb.RoutingPolicy = field(default_factory=pb.RoutingPolicy)
    options: generation_pb2.GenerationOptions = field(
        default_factory=generation_pb2.GenerationOptions
    )
    """Options that come before those of the API."""


def read_extension(
    body: Mapping[str, Any], headers: Mapping[str, str], problems: Problems
) -> Extension:
    """Returns the extension of a request; records its problems.

    Args:
        body: The request.
        headers: Its headers, by their names in lower case.
        problems: Where problems are recorded.
    """
    extension = Extension()
    given = body.get(FIELD)
    if given is not None and not isinstance(given, dict):
        problems.add(FIELD, "must be an object")
        given = None
    for name, value in (given or {}).items():
        if name == "policy":
            _read_message(extension.policy, value, f"{FIELD}.policy", problems)
        elif name == "options":
            _read_message(extension.options, value, f"{FIELD}.options", problems)
        else:
            problems.add(f"{FIELD}.{name}", "is not known; there are policy and options")
    for name, value in headers.items():
        if name.startswith(PREFIX):
            _read_header(extension, name, value, problems)
    return extension


def timeout_s(headers: Mapping[str, str], default_s: float) -> float:
    """Returns the time for the answer.

    Raises:
        ApiError: The header holds no such time.
    """
    given = headers.get(TIMEOUT_HEADER)
    if given is None:
        return default_s
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        description = "must be a number of seconds above zero"
        raise ApiError(
            ErrorKind.INVALID_REQUEST,
            f"{TIMEOUT_HEADER}: {description}",
            problems=[Problem(field=TIMEOUT_HEADER, description=description)],
        )
    return value


def _read_header(extension: Extension, name: str, value: str, problems: Problems) -> None:
    if name == TIMEOUT_HEADER:
        return  # read beside the call
    if name == SESSION_HEADER:
        extension.options.metadata.session_id = value
        return
    policy_field = name.removeprefix(PREFIX).replace("-", "_")
    if policy_field not in _POLICY_FIELDS:
        problems.add(name, "is no header that is known")
        return
    given: str | list[str] = value
    if _POLICY_FIELDS[policy_field].is_repeated:
        given = [item.strip() for item in value.split(",") if item.strip()]
    extension.policy.ClearField(policy_field)  # type: ignore[arg-type]  # a name of the policy
    _read_message(extension.policy, {policy_field: given}, "", problems, shown_as=name)


def _read_message(
    message: Message, values: object, path: str, problems: Problems, *, shown_as: str = ""
) -> None:
    """Reads a message field by field, so that every problem is found."""
    if not isinstance(values, dict):
        problems.add(path, "must be an object")
        return
    for name, value in values.items():
        try:
            ParseDict({name: value}, message)
        except (ParseError, ValueError, TypeError) as error:
            problems.add(
                shown_as or f"{path}.{shown(name)}", _description(message, name, str(error))
            )


def _description(message: Message, name: str, text: str) -> str:
    """Returns protobuf's description of a problem, without the names of messages."""
    _, is_unknown, rest = text.partition('has no field named "')
    if is_unknown:
        unknown = rest.partition('" at ')[0]
        return "is not known" if unknown == name else f"has no field {shown(unknown)}"
    text = text.removeprefix(f"Failed to parse {name} field: ")
    return shown(text.partition(f" at {message.DESCRIPTOR.name}")[0].strip().rstrip("."))
