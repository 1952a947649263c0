"""The tiny model of a running vLLM, as a model of a pool."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tests.wire.attempt import pool_model
from tests.wire.vllm.server import MODEL
from tests.wire.vllm.tiny_model import CONTEXT_WINDOW_TOKENS

if TYPE_CHECKING:
    from pathlib import Path

    from services.router.pool.model import PoolModel

BINARIES = os.environ.get("ROUTEMOA_VLLM")


def tiny(vllm: tuple[str, Path], **settings: Any) -> PoolModel:
    """Returns the model.

    Args:
        vllm: The server's origin, and the folder that it runs in.
        settings: Lines of the pool file.
    """
    origin, folder = vllm
    given: dict[str, Any] = {
        "backend_model": MODEL,
        "context_window_tokens": CONTEXT_WINDOW_TOKENS,
        "max_reply_tokens": 24,
        "temperature": 1,  # the likeliest token of random weights is one for ever
        "tokenizer_file": folder / "model/tokenizer.json",
        **settings,
    }
    return pool_model(f"{origin}/v1", "vllm", **given)
