"""Server-sent events, as the APIs of OpenAI and Anthropic write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMENT = b": keep-alive\n\n"
"""A comment, which clients skip."""


def named_event(data: Mapping[str, Any]) -> bytes:
    """Returns an event whose name is the `type` of its data."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return f"event: {data['type']}\ndata: {text}\n\n".encode()
