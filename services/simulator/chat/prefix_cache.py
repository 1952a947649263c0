"""A simulated cache of prompts: the tokens of a prompt whose beginning the server has read before."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

_BLOCK_CHARACTERS = 64
_BLOCK_TOKENS = 16


class PrefixCache:
    """Remembers the beginnings of prompts in blocks of 16 tokens; those used least recently go first.

    Args:
        capacity_tokens: The most tokens that are remembered.
    """

    def __init__(self, capacity_tokens: int) -> None:
        self._most_blocks = capacity_tokens // _BLOCK_TOKENS
        self._blocks: OrderedDict[bytes, None] = OrderedDict()

    def read(self, model: str, prompt: str) -> float:
        """Returns the share of a prompt that is cached, and remembers the prompt."""
        cached, missed = 0, False
        digest = hashlib.sha256(model.encode())
        for start in range(0, len(prompt) - _BLOCK_CHARACTERS + 1, _BLOCK_CHARACTERS):
            digest.update(prompt[start : start + _BLOCK_CHARACTERS].encode())
            block = digest.digest()
            if block in self._blocks and not missed:
                cached += _BLOCK_CHARACTERS
            else:
                missed = True
            self._blocks[block] = None
            self._blocks.move_to_end(block)
        while len(self._blocks) > self._most_blocks:
            self._blocks.popitem(last=False)
        return cached / max(1, len(prompt))
