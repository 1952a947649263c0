"""Proposes settings of the pool file with which a model answers as it should."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from services.router.backends.http.reasoning import REASONING_END
from services.router.pool.backend import ROOT_URL_BACKENDS, Backend
from services.router.pool.request_shape import SystemRole, TokenLimitField
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from services.router.backends.http.attempt_failure import AttemptFailedError
    from services.router.backends.http.exchange import Exchange
    from services.router.pool.model import PoolModel
    from services.router.types.pieces import Piece

    Changes = Mapping[str, str | bool]
    """Fields of `request` in the pool file, with other values than the model's."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCall:
    """A test call, and the failure that ended it."""

    exchange: Exchange
    failure: AttemptFailedError | None
    timed_out: bool
    duration_s: float
    pieces: tuple[Piece, ...] = ()
    """The reply as it came."""

    @property
    def answered(self) -> bool:
        """True if it brought a whole reply."""
        return self.failure is None and not self.timed_out


class Ask(Protocol):
    """Makes a test call."""

    async def __call__(self, changes: Changes | None = None, *, limit: int = 1) -> TestCall:
        """Asks for a short reply.

        Args:
            changes: Changes of the model's request shape.
            limit: Most tokens of the reply, where the reasoning is not among them.
        """
        ...


async def propose(model: PoolModel, call: TestCall, ask: Ask) -> Mapping[str, Any]:
    """Returns the settings that the model needs; none if it needs none, or none help.

    Args:
        model: The model.
        call: A test call with the settings of the pool file.
        ask: Makes further calls.
    """
    if call.answered:
        return {"starts_in_reasoning": True} if await _reasons_first(model, call, ask) else {}
    failure = call.failure
    if failure is None or failure.status not in _REFUSALS:
        return {}
    if failure.http_status not in _REFUSAL_CODES:
        return {}
    changes = await _changes(model, ask)
    return {"request": dict(changes)} if changes else {}


async def _changes(model: PoolModel, ask: Ask) -> Changes:
    """Returns the fewest changes with which the endpoint accepts a request; none if none help.

    All changes are tried together, with each name of the token limit; if that helps, each is taken
    back in turn. That takes seven calls at most.
    """
    accepted: Changes = {}
    for changes in _most_changes(model):
        if (await ask(changes)).answered:
            accepted = changes
            break
    for name in _SAFEST:
        fewer = {key: value for key, value in accepted.items() if key != name}
        if fewer and name in accepted and (await ask(fewer)).answered:
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


async def _reasons_first(model: PoolModel, call: TestCall, ask: Ask) -> bool:
    """Returns whether a reply holds the end of reasoning without its start."""
    known = model.starts_in_reasoning is not None or model.preset.starts_in_reasoning
    if known or model.backend not in _TEMPLATED or call.exchange.reasoning_characters:
        return False
    longer = await ask(limit=_REASONING_TOKENS)
    return REASONING_END in longer.exchange.text
