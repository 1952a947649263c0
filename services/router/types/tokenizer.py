"""Counts tokens with a model's own tokenizer, where the pool file names its `tokenizer.json`."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from services.router.types.tokens import estimate_tokens

if TYPE_CHECKING:
    from pathlib import Path

    from services.router.types.tokens import TokenCounter

_MAX_CHARACTERS = 100_000
"""Longer texts are estimated: counting them would hold up every other call for too long."""


class TokenizerError(ValueError):
    """A tokenizer that cannot be used; its text says why."""


def open_tokenizer(path: Path) -> TokenCounter:
    """Returns what counts tokens as the tokenizer in a file does, special tokens left out.

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
