"""A model of a pool, of which only the context window matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.pool.pool import PoolModel

if TYPE_CHECKING:
    from pathlib import Path


def model(window: int, tokenizer: Path | None = None) -> PoolModel:
    """Returns a model with a window, in tokens, and its tokenizer's file."""
    return PoolModel.model_validate(
        {
            "id": "m",
            "url": "http://localhost/v1",
            "prompt_price_usd_per_million_tokens": 0,
            "completion_price_usd_per_million_tokens": 0,
            "context_window_tokens": window,
            "max_reply_tokens": 100,
            "tokenizer_file": tokenizer,
        }
    )
