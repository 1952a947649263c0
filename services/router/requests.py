"""Requests -> checked values of the router's own. Everything wrong with one is reported at once."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
from typing import TYPE_CHECKING, Any

from routemoa.errors import InvalidPageTokenError, ModelNotFoundError
from routemoa.v1 import model_pb2
from services.router.routing.policy import Policy
from services.router.strategies.presets import PRESETS, policy_defaults
from services.router.strategies.registry import STRATEGIES
from services.router.types.conversation import Conversation, Message, Role
from services.rpc.validation import Violations, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routemoa.v1 import router_service_pb2
    from services.router.config import RouterServiceConfig
    from services.router.pool.pool import Pool

MAX_MESSAGES = 256
MAX_CHARACTERS = 1_000_000
MAX_PAGE_SIZE = 1_000
DEFAULT_PAGE_SIZE = 100

_ROLES = {
    model_pb2.ROLE_SYSTEM: Role.SYSTEM,
    model_pb2.ROLE_USER: Role.USER,
    model_pb2.ROLE_ASSISTANT: Role.ASSISTANT,
}


def read_conversation(
    messages: Sequence[model_pb2.Message], violations: Violations
) -> Conversation:
    """Returns the conversation; notes what is wrong with it."""
    violations.length("messages", messages, 1, MAX_MESSAGES)
    characters = sum(len(message.content) for message in messages)
    if characters > MAX_CHARACTERS:
        violations.add(
            "messages", f"must have at most {MAX_CHARACTERS:,} characters, have {characters:,}"
        )
    turns = []
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        role = _ROLES.get(message.role)
        if role is None:
            violations.add(f"{place}.role", f"must be a known role, is {message.role}")
        if not message.content.strip():
            violations.add(f"{place}.content", "must not be empty or white space alone")
        turns.append(Message(role=role or Role.USER, content=message.content))
        after_turns = any(turn.role is not Role.SYSTEM for turn in turns)
        if role is Role.SYSTEM and after_turns:
            violations.add(f"{place}.role", "system messages may only come first")
    if turns and turns[-1].role is not Role.USER:
        violations.add(f"messages[{len(turns) - 1}].role", "the last message must be the user's")
    return Conversation(messages=tuple(turns))


def read_policy(
    message: router_service_pb2.RoutingPolicy,
    config: RouterServiceConfig,
    pool: Pool,
    violations: Violations,
) -> Policy:
    """Returns the policy with the service's defaults filled in; notes what is wrong with it.

    Raises:
        ModelNotFoundError: It names models that are not in the pool.
    """
    defaults = _defaults(message, config, violations)
    shares = _shares(message, defaults, violations)
    counts = _counts(message, defaults, violations)
    limits = _limits(message, config, violations)
    unknown = sorted(set(message.model_ids) - pool.by_id.keys())
    if unknown:
        names = listed(unknown)
        raise ModelNotFoundError(f"not in the pool: {names}", {"model_ids": names})
    return Policy(
        strategy=message.strategy or config.strategy,
        **shares,
        **counts,
        **limits,
        min_gain=config.min_gain,
        kept_answers=defaults["smoa_kept_answers"],
        sampling_temperature=config.self_moa_temperature,
        model_ids=frozenset(message.model_ids),
    )


def _shares(
    message: router_service_pb2.RoutingPolicy, defaults: Mapping[str, Any], violations: Violations
) -> dict[str, Any]:
    shares = {
        name: getattr(message, name) if message.HasField(name) else defaults[name]
        for name in (
            "quality_weight",
            "cost_weight",
            "latency_weight",
            "stopping_score",
            "max_score_gap",
            "price_band",
            "max_uncertainty",
        )
    }
    for name, value in shares.items():
        violations.within(f"policy.{name}", value, 0, 1)
    return shares


def _counts(
    message: router_service_pb2.RoutingPolicy, defaults: Mapping[str, Any], violations: Violations
) -> dict[str, Any]:
    counts = {}
    for name, field, most in (
        ("max_layer_models", "max_layer_model_count", 16),
        ("max_layers", "max_layer_count", 5),
        ("max_calls", "max_call_count", 64),
    ):
        counts[name] = getattr(message, field) or defaults[name]
        violations.within(f"policy.{field}", counts[name], 1, most)
    return counts


def _limits(
    message: router_service_pb2.RoutingPolicy, config: RouterServiceConfig, violations: Violations
) -> dict[str, Any]:
    """Returns the limits that may be absent."""
    tokens = message.max_token_count or config.max_tokens
    if tokens is not None and tokens < 0:
        violations.add("policy.max_token_count", f"must be zero or more, is {tokens}")
    cost_usd = message.max_cost_usd if message.HasField("max_cost_usd") else config.max_cost_usd
    if cost_usd is not None and not (cost_usd >= 0 and math.isfinite(cost_usd)):
        violations.add("policy.max_cost_usd", f"must be zero or more, is {cost_usd:g}")
    latency_s = config.max_expected_latency_s
    if message.HasField("max_expected_latency"):
        latency_s = message.max_expected_latency.ToNanoseconds() / 1e9
        if latency_s <= 0:
            violations.add("policy.max_expected_latency", f"must be above 0 s, is {latency_s:g} s")
    return {
        "max_tokens": tokens,
        "max_cost_usd": cost_usd,
        "max_expected_latency_s": latency_s,
    }


def _defaults(
    message: router_service_pb2.RoutingPolicy,
    config: RouterServiceConfig,
    violations: Violations,
) -> Mapping[str, Any]:
    """Returns the values of fields left out; those of the service if strategy or preset is unknown."""
    strategy, preset = message.strategy or config.strategy, message.preset
    if strategy not in STRATEGIES:
        violations.add("policy.strategy", f"must be one of {', '.join(STRATEGIES)}")
        strategy = config.strategy
    if preset and preset not in PRESETS:
        violations.add("policy.preset", f"must be one of {', '.join(PRESETS)}")
        preset = ""
    return policy_defaults(strategy, preset, config)


def read_page(request: router_service_pb2.ListModelsRequest, pool: Pool) -> tuple[list[str], str]:
    """Returns the model ids of a page and the token of the next one; no token after the last page.

    Raises:
        InvalidFieldError: The page size is out of range.
        InvalidPageTokenError: The token was not issued for this pool.
    """
    violations = Violations()
    violations.within("page_size", request.page_size, 0, MAX_PAGE_SIZE)
    violations.raise_if_any()
    ids = sorted(pool.by_id)
    start = _read_token(request.page_token, ids) if request.page_token else 0
    end = start + (request.page_size or DEFAULT_PAGE_SIZE)
    return ids[start:end], _token(end, ids) if end < len(ids) else ""


def _token(position: int, ids: Sequence[str]) -> str:
    """Returns a token that names a position and the pool that it is a position in."""
    digest = hashlib.sha256("\0".join(ids).encode()).hexdigest()[:12]
    return base64.urlsafe_b64encode(f"{digest}:{position}".encode()).decode()


def _read_token(token: str, ids: Sequence[str]) -> int:
    try:
        position = int(base64.urlsafe_b64decode(token.encode()).decode().partition(":")[2])
    except (ValueError, binascii.Error) as error:
        raise InvalidPageTokenError("the page token was not issued by this service") from error
    if _token(position, ids) != token or not 0 < position < len(ids):
        raise InvalidPageTokenError("the page token was not issued for this pool")
    return position
