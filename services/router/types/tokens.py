"""Counts the tokens of a text: with the model's own tokenizer, or else by an estimate."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from services.router.types.token_estimate import estimate_tokens

if TYPE_CHECKING:
    from pathlib import Path

TokenCounter = Callable[[str], int]
"""Returns the number of tokens of a text."""

_GAP = "\n[...]\n"
MESSAGE_OVERHEAD_TOKENS = 8
"""An upper estimate of the tokens that a chat template adds to a message."""
TEMPLATE_TOKENS = 100
"""An upper estimate of what a chat template adds once: a default system text, a date, channels."""
_MAX_CHARACTERS = 100_000
"""Longer texts are estimated: counting them would delay every other call for too long."""


class TokenizerError(ValueError):
    """Raised for a tokenizer file that cannot be used; its text gives the reason."""


def count_bytes(text: str) -> int:
    """Returns the number of bytes: no common tokenizer makes more tokens of a text."""
    return len(text.encode())


def shorten(text: str, tokens: int, count: TokenCounter = estimate_tokens) -> str:
    """Returns the text cut in its middle so that it has at most `tokens`."""
    total = count(text)
    if total <= tokens:
        return text
    half = len(text) * tokens // total // 2
    while half:  # the first or second length nearly always fits, so `count` is called rarely
        short = f"{text[:half]}{_GAP}{text[-half:]}"
        if count(short) <= tokens:
            return short
        half = half * 9 // 10
    return ""


def open_tokenizer(path: Path) -> TokenCounter:
    """Returns a counter that uses the `tokenizer.json` at a path, without special tokens.

    Raises:
        TokenizerError: The file is missing or cannot be used.
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise TokenizerError("no such file") from error
    return _open(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=32)
def _open(path: Path, _mtime_ns: int, _size: int) -> TokenCounter:
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise TokenizerError(f"is no tokenizer: {error}") from error

    def count(text: str) -> int:
        if len(text) > _MAX_CHARACTERS:
            return estimate_tokens(text)
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return count
