"""Texts -> token counts, as the replay server counts them, so that bills and baselines agree."""

from __future__ import annotations

import re

_CHARACTERS_PER_TOKEN = 4
"""OpenAI's rule of thumb for English text."""
_PIECE = re.compile(r"\s*\S{1,6}|\s+")


def prompt_tokens(text: str) -> int:
    """Estimates how many tokens a model reads."""
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


def reply_tokens(text: str) -> int:
    """Returns how many pieces the replay server streams a reply in."""
    return len(_PIECE.findall(text))
