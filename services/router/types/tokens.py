"""Estimates how many tokens a text has, where no tokenizer of the model is at hand."""

from __future__ import annotations

from collections.abc import Callable

TokenCounter = Callable[[str], int]
"""Returns how many tokens a text has."""

# English text has about four characters per token in the vocabularies in use, code and numbers fewer;
# other scripts come near one token per character. Three keeps the estimate on the safe side.
_ASCII_CHARACTERS_PER_TOKEN = 3
_GAP = "\n[...]\n"
MESSAGE_OVERHEAD_TOKENS = 8
"""What a chat template adds to a message, generously."""


def estimate_tokens(text: str) -> int:
    """Returns a careful estimate, rather too high than too low."""
    ascii_count = len(text.encode("ascii", "ignore"))
    return -(-ascii_count // _ASCII_CHARACTERS_PER_TOKEN) + (len(text) - ascii_count)


def count_bytes(text: str) -> int:
    """Returns the most tokens that any tokenizer in use makes of a text."""
    return len(text.encode())


def shorten(text: str, tokens: int, count: TokenCounter = estimate_tokens) -> str:
    """Returns the text cut in its middle so that it has at most `tokens`."""
    total = count(text)
    if total <= tokens:
        return text
    half = len(text) * tokens // total // 2
    while half:  # nearly always right at once or soon: a tokenizer is not asked often
        short = f"{text[:half]}{_GAP}{text[-half:]}"
        if count(short) <= tokens:
            return short
        half = half * 9 // 10
    return ""
