"""Error objects of backends and gateways, in whatever form: JSON -> status, kinds and message."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_DEPTH = 4
_PARTS = (
    *("error", "errors", "detail", "details", "message", "msg", "error_message", "error_msg"),
    *("error_description", "description", "title", "reason"),
)
"""Fields that hold an error or its message, the more specific ones first."""
_TELLING = ("detail", "errors", "message", "msg", "error_message", "error_msg", "error_description")
"""Fields that make an event an error if it holds no choice."""
_CODES = ("code", "status", "status_code", "statusCode", "http_status", "error_code")
_FILTERED = {"content_filter", "content_policy_violation", "responsibleaipolicyviolation"}
_KINDS = ("code", "type", "error_type", "status", "kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorObject:
    """The contents of an error."""

    http_status: int | None = None
    """The HTTP status in it, from 400 to 599; None if there is none."""
    kinds: frozenset[str] = frozenset()
    """Its codes and types in lower case."""
    message: str = ""

    @property
    def is_filter(self) -> bool:
        """True if a content filter refused the prompt or the reply."""
        return bool(self.kinds & _FILTERED)


def is_error(event: Mapping[str, Any]) -> bool:
    """Returns whether an event within a reply is an error, in any of the usual forms."""
    if event.get("error") or event.get("object") == "error" or event.get("type") == "error":
        return True
    if event.get("choices") or event.get("usage"):
        return False
    values = (event.get(name) for name in _TELLING)
    return any(isinstance(value, str | list) and value for value in values)


def read_error(value: object) -> ErrorObject:
    """Reads an error: an object, a list of them, or a text."""
    return _read(value, _MAX_DEPTH)


def read_error_body(body: bytes) -> ErrorObject:
    """Reads the body of a response that is an error: JSON in any form, or plain text."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff").strip().removeprefix("data:")
    try:
        return read_error(json.loads(text))
    except (ValueError, RecursionError):
        return ErrorObject(message=text)


def _read(value: object, depth: int) -> ErrorObject:
    if isinstance(value, str):
        return ErrorObject(message=value)
    if isinstance(value, list):
        return _read(value[0], depth - 1) if value and depth else ErrorObject()
    if not isinstance(value, dict):
        return ErrorObject()
    parts = (part for name in _PARTS if isinstance(part := value.get(name), str | list | dict))
    inner = next(filter(None, parts), None)
    found = _read(inner, depth - 1) if depth else ErrorObject()
    statuses = (_http_status(value.get(name)) for name in _CODES)
    kinds = (value.get(name) for name in _KINDS)
    return ErrorObject(
        http_status=found.http_status or next(filter(None, statuses), None),
        kinds=found.kinds | {kind.lower() for kind in kinds if isinstance(kind, str)},
        message=found.message + _upstream(value),
    )


def _http_status(value: object) -> int | None:
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdigit():
        value = int(value)
    return value if isinstance(value, int) and 400 <= value < 600 else None


def _upstream(error: Mapping[str, Any]) -> str:
    """Returns the words of the provider behind OpenRouter."""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    return f": {raw}" if isinstance(raw, str) and raw else ""
