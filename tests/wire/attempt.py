"""Makes one attempt, as the router would."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from services.router.backends.client import open_wire_client
from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.http.exchange import Exchange
from services.router.pool.model import PoolModel
from services.router.types.messages import Message, Role

QUESTION = (Message(role=Role.USER, content="How many legs has a spider?"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """What came of it."""

    exchange: Exchange
    shown: str
    """The pieces, joined."""
    failure: AttemptFailedError | None


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
) -> Attempted:
    """Asks a model and reads what it says to the end."""
    (base_url,) = model.replicas.base_urls
    exchange = Exchange(
        model=model,
        base_url=base_url,
        messages=messages,
        partial=partial,
        cache_salt=cache_salt,
    )
    pieces: list[str] = []
    failure = None
    async with open_wire_client() as client:
        try:
            async with aclosing(client.stream(exchange)) as texts:
                async for text in texts:
                    pieces.append(text)  # noqa: PERF401  # what came before a failure counts too
        except AttemptFailedError as error:
            failure = error
    return Attempted(exchange=exchange, shown="".join(pieces), failure=failure)
