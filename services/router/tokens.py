"""Estimates how many tokens a text has, where no tokenizer of the model is at hand."""

from __future__ import annotations

from collections.abc import Callable

TokenCounter = Callable[[str], int]
"""Returns how many tokens a text has."""

# English text has about four characters per token in the vocabularies in use, code and numbers fewer;
# other scripts come near one token per character. Three keeps the estimate on the safe side.
_ASCII_CHARACTERS_PER_TOKEN = 3
MESSAGE_OVERHEAD_TOKENS = 8
"""What a chat template adds to a message, generously."""


def estimate_tokens(text: str) -> int:
    """Returns a careful estimate, rather too high than too low."""
    ascii_count = len(text.encode("ascii", "ignore"))
    return -(-ascii_count // _ASCII_CHARACTERS_PER_TOKEN) + (len(text) - ascii_count)


def shorten(text: str, tokens: int, count: TokenCounter = estimate_tokens) -> str:
    """Returns the text cut in its middle so that it has at most `tokens`."""
    if count(text) <= tokens:
        return text
    gap = "\n[...]\n"
    low, high = 0, len(text)
    while low < high:  # the longest half-length that still fits
        half = (low + high + 1) // 2
        if count(text[:half] + gap + text[-half:]) <= tokens:
            low = half
        else:
            high = half - 1
    return text[:low] + gap + text[-low:] if low else ""
