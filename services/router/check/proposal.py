"""Proposes settings of the pool file with which a model answers as it should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.router.backends.http.reader import REASONING_END
from services.router.pool.backend import ROOT_URL_BACKENDS, Backend
from services.router.pool.request_shape import SystemRole, TokenLimitField
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from services.router.check.endpoint import Changes, Endpoint, TestCall
    from services.router.pool.model import PoolModel

_REFUSALS = frozenset({CallStatus.REJECTED, CallStatus.BACKEND_ERROR})
_REFUSAL_CODES = frozenset({None, 400, 422, 500})
"""HTTP statuses of refused requests: None within a reply, 500 of chat templates in llama.cpp."""
_TEMPLATED = frozenset({Backend.OPENAI, Backend.VLLM, Backend.SGLANG, Backend.TGI})
"""Backends whose replies may begin within reasoning that a chat template opened."""
_REASONING_TOKENS = 256
"""Token limit of the call that looks for the end of reasoning."""
_SAFEST: Changes = {
    "fixed_temperature": True,
    "stream_options": False,
    "system_role": SystemRole.USER.value,
    "alternate_roles": True,
}
"""The values that every backend accepts."""


async def propose(endpoint: Endpoint, call: TestCall) -> Mapping[str, Any]:
    """Returns the settings that the model needs; none if it needs none, or none help.

    Args:
        endpoint: The endpoint.
        call: A test call with the settings of the pool file.
    """
    if call.answered:
        return {"starts_in_reasoning": True} if await _reasons_first(endpoint, call) else {}
    failure = call.failure
    if failure is None or failure.status not in _REFUSALS:
        return {}
    if failure.http_status not in _REFUSAL_CODES:
        return {}
    changes = await _changes(endpoint)
    return {"request": dict(changes)} if changes else {}


async def _changes(endpoint: Endpoint) -> Changes:
    """Returns the fewest changes with which the endpoint accepts a request; none if none help.

    All changes are tried together, with each name of the token limit; if that helps, each is taken
    back in turn. That takes seven calls at most.
    """
    accepted: Changes = {}
    for changes in _most_changes(endpoint.model):
        if (await endpoint.call(changes)).answered:
            accepted = changes
            break
    for name in _SAFEST:
        fewer = {key: value for key, value in accepted.items() if key != name}
        if fewer and name in accepted and (await endpoint.call(fewer)).answered:
            accepted = fewer
    return accepted


def _most_changes(model: PoolModel) -> Iterator[Changes]:
    """Returns all changes together, once for each name of the token limit."""
    shape = model.shape
    safest = {name: value for name, value in _SAFEST.items() if getattr(shape, name) != value}
    if shape.system_role is SystemRole.NONE:
        del safest["system_role"]
    if model.backend in ROOT_URL_BACKENDS:
        safest.pop("stream_options", None)
    if safest:
        yield safest
    if model.backend not in ROOT_URL_BACKENDS:
        for limit in TokenLimitField:
            if limit is not shape.token_limit_field:
                yield {"token_limit_field": limit.value, **safest}


async def _reasons_first(endpoint: Endpoint, call: TestCall) -> bool:
    """Returns whether a reply holds the end of reasoning without its start."""
    model = endpoint.model
    known = model.starts_in_reasoning is not None or model.preset.starts_in_reasoning
    if known or model.backend not in _TEMPLATED or call.exchange.reasoning_characters:
        return False
    longer = await endpoint.call(limit=_REASONING_TOKENS)
    return REASONING_END in longer.exchange.text
