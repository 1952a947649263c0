"""The models that a server lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.http.replies.well_formed import well_formed
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """One model as its server describes it; None for a value that is not listed."""

    context_window_tokens: int | None = None
    prompt_price_usd_per_million_tokens: float | None = None
    completion_price_usd_per_million_tokens: float | None = None
    cached_prompt_price_usd_per_million_tokens: float | None = None
    cache_written_prompt_price_usd_per_million_tokens: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Every model of a server by its name."""

    models: Mapping[str, ServedModel] = field(default_factory=dict)
    any_name: ServedModel | None = None
    """The model of a server that serves one model under any name."""

    def find(self, name: str) -> ServedModel | None:
        """Returns the model of a name, with or without a suffix (`:nitro`, `:latest`)."""
        names = (name, f"{name}:latest", name.rsplit(":", 1)[0])
        found = (self.models[n] for n in names if n in self.models)
        return next(found, self.any_name)


def read_listing(value: object) -> Catalogue:
    """Reads a list of models in the format of OpenAI, with the fields of vLLM, SGLang and OpenRouter.

    Raises:
        AttemptFailedError: The value is no such list.
    """
    listed = value.get("data") if isinstance(value, dict) else None
    if not isinstance(listed, list):
        raise AttemptFailedError(CallStatus.MALFORMED)
    return Catalogue(
        models={
            well_formed(item["id"]): _served(item)
            for item in listed
            if isinstance(item, dict) and isinstance(item.get("id"), str)
        }
    )


def positive(value: object) -> int | None:
    """Returns a positive integer; None for any other value."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _served(item: Mapping[str, Any]) -> ServedModel:
    pricing = item.get("pricing")
    prices = pricing if isinstance(pricing, dict) else {}
    return ServedModel(
        context_window_tokens=positive(item.get("max_model_len"))
        or positive(item.get("context_length")),
        prompt_price_usd_per_million_tokens=_price(prices.get("prompt")),
        completion_price_usd_per_million_tokens=_price(prices.get("completion")),
        cached_prompt_price_usd_per_million_tokens=_price(prices.get("input_cache_read")),
        cache_written_prompt_price_usd_per_million_tokens=_price(prices.get("input_cache_write")),
    )


def _price(per_token: object) -> float | None:
    try:
        price = float(per_token) * 1e6 if isinstance(per_token, str) else None
    except ValueError:
        return None
    return price if price is not None and price >= 0 else None  # -1 means that the price varies
