"""Counts the tokens of a text: with the model's own tokenizer, or else by an estimate.

The estimate is fast, and rather too high than too low. Each character has a weight by its class or
script, and long words weigh more, as no vocabulary holds them. The weights were fitted to the
vocabularies of Claude, DeepSeek, Gemma, GPT-3.5 and 4o, Llama 2 and 3, Mistral and Qwen 3, on prose and
code, data and random text, and 60 languages.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

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

WEIGHT_PER_TOKEN = 20

_LETTER_WEIGHT = 4
"""Of the letters that most English words consist of."""
_ASCII_WEIGHTS = {
    15: b" jkqvxyz",  # a short word is one token with its space; rare letters are seldom in tokens
    16: string.ascii_uppercase.encode(),
    21: bytes({*range(32), 127, *string.punctuation.encode()}),
    25: string.digits.encode(),  # a token each in many vocabularies, and one for a space before
}
_RUN = b"x" * 12
_RUN_WEIGHT = 84
"""For every twelve letters and digits in a row: keys, hashes, encoded bytes."""
_DIGIT_RUN_WEIGHT = 240 - 12 * 25 - _RUN_WEIGHT
"""For every twelve digits among them, so that these are twelve tokens."""
_INDENT = b" " * 4
_INDENT_WEIGHT = -40
"""All vocabularies have tokens of several spaces."""
_RUN_TABLE, _DIGIT_TABLE = (
    bytes(ord("x") if code in members.encode() else 32 for code in range(256))
    for members in (string.ascii_letters + string.digits, string.digits)
)
"""Tables that translate letters and digits, or digits alone, to `x` and all else to spaces."""

_BYTES_WEIGHT = 60
"""Of a character that many vocabularies know only by its three bytes of UTF-8."""
_FIRST_BLOCK_WEIGHT = 30
_SCRIPT_WEIGHTS = {
    20: bytes((0x04,)),  # Cyrillic
    25: bytes((0x06,)),  # Arabic
    _FIRST_BLOCK_WEIGHT: bytes((0x00, 0x03, 0x30)),  # Latin-1, Greek, Kana
    # Other Latin, Hebrew, Thai, punctuation, Chinese, Hangul; each half of an emoji
    40: bytes((1, 2, 5, 7, 0x0E, 0x1E, 0x20, *range(0x4E, 0xA0), *range(0xAC, 0xE0))),
    50: bytes((0xFF,)),  # full-width forms
}
"""Blocks of 256 code points, by the weight of their characters."""


class TokenizerError(ValueError):
    """Raised for a tokenizer file that cannot be used; its text gives the reason."""


def estimate_tokens(text: str) -> int:
    """Returns a careful estimate of the number of tokens."""
    return tokens_of_weight(weight(text))


def tokens_of_weight(total: int) -> int:
    """Returns the number of tokens that a sum of weights stands for."""
    return -(-total // WEIGHT_PER_TOKEN)


def weight(text: str) -> int:
    """Returns the weight of a text; pieces of a text can be weighed one by one."""
    if text.isascii():
        return _ascii_weight(text.encode())
    ascii_part = text.encode("ascii", "ignore")
    blocks = text.encode("utf-16-le", "surrogatepass")[1::2]
    total = _BYTES_WEIGHT * len(blocks)
    for script_weight, members in _SCRIPT_WEIGHTS.items():
        total -= (_BYTES_WEIGHT - script_weight) * _count(blocks, members)
    # The characters of ASCII are in the first block too.
    return total - _FIRST_BLOCK_WEIGHT * len(ascii_part) + _ascii_weight(ascii_part)


def _ascii_weight(data: bytes) -> int:
    total = _LETTER_WEIGHT * len(data)
    for character_weight, members in _ASCII_WEIGHTS.items():
        total += (character_weight - _LETTER_WEIGHT) * _count(data, members)
    runs = data.translate(_RUN_TABLE).count(_RUN)
    if runs:
        total += _RUN_WEIGHT * runs
        total += _DIGIT_RUN_WEIGHT * data.translate(_DIGIT_TABLE).count(_RUN)
    return total + _INDENT_WEIGHT * data.count(_INDENT)


def _count(data: bytes, members: bytes) -> int:
    """Returns the number of bytes that are among the members."""
    return len(data) - len(data.translate(None, members))


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
