"""The state of a conversation between two calls, as bytes too. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CACHE_TTL_S = 300.0
"""Time for which backends are expected to keep a prompt in their caches: the least that is common."""
_MAX_MODELS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrompt:
    """The last prompt of the conversation that a model answered."""

    tokens: Annotated[int, Field(ge=0)]
    """Estimated tokens of the conversation, with the reply if that became the answer."""
    at_s: float
    """The time of the call, in seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """The state of a conversation between two calls."""

    digest: str
    """The digest of the messages that the last call had."""
    model_id: str
    """The model that wrote the last answer."""
    prompts: dict[str, ModelPrompt] = field(default_factory=dict)
    """The last prompt of each model that took part."""

    def seen_tokens(self, now_s: float) -> dict[str, int]:
        """Returns the tokens that each model's backend has seen so recently that it keeps them."""
        return {
            model_id: prompt.tokens
            for model_id, prompt in self.prompts.items()
            if now_s - prompt.at_s <= CACHE_TTL_S
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredTurn:
    """One answer of a conversation."""

    digest: str
    """The digest of the messages that it answers."""
    model_id: str
    """The model that wrote it."""
    seen_tokens: Mapping[str, int]
    """Tokens of the conversation that each model's backend saw, or wrote."""
    now_s: float

    def state_after(self, before: SessionState | None) -> SessionState:
        """Returns the state after this answer."""
        new = {
            model_id: ModelPrompt(tokens=tokens, at_s=self.now_s)
            for model_id, tokens in self.seen_tokens.items()
        }
        kept = {} if before is None else before.prompts
        return SessionState(
            digest=self.digest, model_id=self.model_id, prompts=_newest({**kept, **new}.items())
        )


_STATE = TypeAdapter(SessionState)


def encode_state(state: SessionState) -> bytes:
    """Returns a state as bytes."""
    return to_json(state)


def decode_state(data: bytes) -> SessionState | None:
    """Returns the state that bytes hold; None if they hold none."""
    try:
        return _STATE.validate_json(data)
    except ValidationError:
        return None


def _newest(prompts: Iterable[tuple[str, ModelPrompt]]) -> dict[str, ModelPrompt]:
    newest = sorted(prompts, key=lambda item: -item[1].at_s)
    return dict(newest[:_MAX_MODELS])
