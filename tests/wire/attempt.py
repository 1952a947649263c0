"""Makes one attempt, as the router would."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.router.backends.client import open_wire_client
from services.router.backends.collected import CollectedReply
from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.http.exchange import Exchange
from services.router.pool.model import PoolModel
from services.router.types.messages import Message, Role
from services.router.types.options import NO_OPTIONS, GenerationOptions

if TYPE_CHECKING:
    from services.router.types.pieces import Piece

QUESTION = (Message(role=Role.USER, content="How many legs has a spider?"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """What came of it."""

    exchange: Exchange
    pieces: tuple[Piece, ...]
    """The pieces, in the order in which they came."""
    failure: AttemptFailedError | None

    @property
    def shown(self) -> str:
        """The text, joined."""
        return "".join(piece for piece in self.pieces if isinstance(piece, str))

    @property
    def others(self) -> CollectedReply:
        """What came beside the text."""
        collected = CollectedReply()
        for piece in self.pieces:
            if not isinstance(piece, str):
                collected.add(piece)
        return collected


def pool_model(url: str | None, backend: str = "openai", **settings: Any) -> PoolModel:
    """Returns a model of a pool."""
    return PoolModel.model_validate(
        {
            "id": "spider-model",
            "backend": backend,
            "url": url,
            "prompt_price_usd_per_million_tokens": 1,
            "completion_price_usd_per_million_tokens": 2,
            "context_window_tokens": 4096,
            "max_reply_tokens": 256,
            **settings,
        }
    )


async def attempt(
    model: PoolModel,
    *,
    partial: str = "",
    messages: tuple[Message, ...] = QUESTION,
    cache_salt: str = "",
    options: GenerationOptions = NO_OPTIONS,
) -> Attempted:
    """Asks a model and reads what it says to the end."""
    (base_url,) = model.replicas.base_urls
    exchange = Exchange(
        model=model,
        base_url=base_url,
        messages=messages,
        partial=partial,
        cache_salt=cache_salt,
        options=options,
    )
    pieces: list[Piece] = []
    failure = None
    async with open_wire_client() as client:
        try:
            async with aclosing(client.stream(exchange)) as stream:
                async for piece in stream:
                    pieces.append(piece)  # noqa: PERF401  # what came before a failure counts too
        except AttemptFailedError as error:
            failure = error
    return Attempted(exchange=exchange, pieces=tuple(pieces), failure=failure)
