"""Server-sent events, as the APIs of OpenAI and Anthropic write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMENT = b": keep-alive\n\n"
"""A comment, which clients skip."""
_LINE_BREAKS = (
    ("\u0085".encode(), b"\\u0085"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)
"""Characters at which some clients break lines though the format does not, and their escapes."""


def named_event(data: Mapping[str, Any]) -> bytes:
    """Returns an event whose name is the `type` of its data."""
    text = to_json(data)
    if not text.isascii():
        for character, escape in _LINE_BREAKS:
            text = text.replace(character, escape)
    return b"event: %b\ndata: %b\n\n" % (data["type"].encode(), text)
