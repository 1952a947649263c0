"""Text -> ids of its hashed n-grams: what can be read of a query without a tokenizer or an encoder.

``text -> UTF-8 bytes, lower case -> hashes of byte n-grams, words and word pairs -> ids (G,)``

The tokenizer of an English encoder reads Chinese, code and formulas as unknown; bytes are never
unknown. Every hash is a difference of two prefix sums of a polynomial, so all of a text's n-grams of
one order are hashed by a few vector operations (Rabin and Karp 1987), some 0.05 ms for 300
characters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Hashes = npt.NDArray[np.uint64]

PADDING_ID = 0
"""Fills up the ids of a batch; its row of the table is zero, and no n-gram has this id."""

BYTE_ORDERS = (4,)
WORD_ORDERS = (1, 2)

MAX_BYTES = 2000
"""Longer texts keep the first half and the last half of this many bytes."""

_BASE = 0x9E3779B97F4A7C15
"""Odd, so that it has an inverse modulo 2**64; 2**64 divided by the golden ratio mixes well."""

# Room for both halves of a long text and for the spaces around and between them.
_LENGTH = MAX_BYTES + 3


def _powers(base: int) -> Hashes:
    powers = np.ones(_LENGTH, dtype=np.uint64)
    np.cumprod(np.full(_LENGTH - 1, base, dtype=np.uint64), out=powers[1:])
    return powers


_POWERS = _powers(_BASE)
_INVERSE_POWERS = _powers(pow(_BASE, -1, 2**64))

_IN_WORD = np.zeros(256, dtype=bool)
_IN_WORD[[*range(ord("a"), ord("z") + 1), *range(ord("0"), ord("9") + 1)]] = True
_IN_WORD[128:] = True  # A byte above ASCII is part of a letter.


def ngram_ids(text: str, buckets: int) -> npt.NDArray[np.int64]:
    """Returns the distinct ids, ascending, of a text's n-grams; each in [1, ``buckets``)."""
    content = _padded(text)
    sums = np.zeros(len(content) + 1, dtype=np.uint64)
    terms = (content.astype(np.uint64) + np.uint64(1)) * _POWERS[: len(content)]
    np.cumsum(terms, out=sums[1:])
    hashes = [
        _window_hashes(sums, order) for order in BYTE_ORDERS if len(content) >= order
    ] + _word_hashes(content, sums)
    # The high bits of a product are the well mixed ones.
    mixed = _mixed(np.concatenate(hashes)) >> np.uint64(32)
    return np.unique((mixed % np.uint64(buckets - 1)).astype(np.int64) + 1)


def _padded(text: str) -> npt.NDArray[np.uint8]:
    """Returns the bytes with a space at either end, so that an n-gram can mark a beginning."""
    content = text.strip().lower().encode("utf-8", errors="replace")
    if len(content) > MAX_BYTES:
        half = MAX_BYTES // 2
        content = content[:half] + b" " + content[-half:]
    return np.frombuffer(b" " + content + b" ", dtype=np.uint8)


def _window_hashes(sums: Hashes, order: int) -> Hashes:
    """Returns one hash per window of ``order`` bytes."""
    windows = (sums[order:] - sums[:-order]) * _INVERSE_POWERS[: len(sums) - order]
    return windows + np.uint64(order)


def _word_hashes(content: npt.NDArray[np.uint8], sums: Hashes) -> list[Hashes]:
    """Returns one hash per run of ``order`` words, whatever stands between them."""
    # The first and the last byte are spaces, so every word has a beginning and an end.
    edges = np.diff(_IN_WORD[content].astype(np.int8))
    starts = np.flatnonzero(edges == 1) + 1
    ends = np.flatnonzero(edges == -1) + 1
    words = (sums[ends] - sums[starts]) * _INVERSE_POWERS[starts]
    hashes = [words + np.uint64(len(BYTE_ORDERS) + BYTE_ORDERS[-1])]
    for order in WORD_ORDERS[1:]:
        runs = hashes[-1][: max(len(words) - order + 1, 0)]
        hashes.append(_mixed(runs) + words[order - 1 :])
    return hashes


def _mixed(hashes: Hashes) -> Hashes:
    """Returns the hashes with every bit depending on every other (splitmix64's finalizer)."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))
