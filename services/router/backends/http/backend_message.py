"""A backend's own words about a failure -> one short line without secrets or control characters."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MAX_CHARACTERS = 300
_MAX_READ_CHARACTERS = 8_192
"""More words are not looked at."""
_LEAST_SECRET = 8
"""Characters of a secret that are removed even if the rest of it is missing."""
_HIDDEN = "***"
_PUBLIC_HEADERS = {"content-type", "accept", "accept-encoding", "http-referer", "x-title"}


def secrets_of(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the keys in the headers of a request."""
    values = (value for name, value in headers.items() if name.lower() not in _PUBLIC_HEADERS)
    words = (value.rpartition(" ")[2] for value in values)
    return tuple(word for word in words if word)


def backend_message(words: str, *, http_status: int | None, secrets: Collection[str]) -> str:
    """Returns the words on one line of at most 300 characters, the HTTP status first.

    Control characters, bidirectional ones and secrets are removed.
    """
    line = " ".join("".join(map(_visible, words[:_MAX_READ_CHARACTERS])).split())
    for secret in secrets:
        line = _without(secret, line)
        if len(words) > _MAX_READ_CHARACTERS:  # the last characters may be half of the secret
            line = line[: max(0, len(line) - len(secret))]
    if http_status is not None:
        line = f"{http_status}: {line}" if line else str(http_status)
    return line if len(line) <= MAX_CHARACTERS else line[: MAX_CHARACTERS - 1] + "…"


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Cc", "Zl", "Zp"}:
        return " "
    return "" if category.startswith("C") else character


def _without(secret: str, text: str) -> str:
    """Returns the text without the secret, or the start of it."""
    start, tail = secret[:_LEAST_SECRET], secret[_LEAST_SECRET:]
    head, found, rest = text.partition(start)
    parts = [head]
    while found:
        known = next(n for n in range(len(tail), -1, -1) if rest.startswith(tail[:n]))
        head, found, rest = rest[known:].partition(start)
        parts += [_HIDDEN, head]
    return "".join(parts)
