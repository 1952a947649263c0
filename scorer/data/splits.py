"""Splits records, and assigns folds, by their text and a seed.

So records of one text stay together in any file and on any line, and their order never matters.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scorer.data.records import Record


def split_records(
    records: Iterable[Record], *, validation_fraction: float, seed: int
) -> tuple[list[Record], list[Record]]:
    """Returns training and validation records."""
    train: list[Record] = []
    validation: list[Record] = []
    for record in records:
        share = _share(f"{seed}:{record.query}")
        (validation if share < validation_fraction else train).append(record)
    return train, validation


def fold_of(text: str, folds: int, seed: int) -> int:
    """Returns the fold of a text, from 0.

    It is independent of ``split_records``, so that no fold is short after a split.
    """
    return int(_share(f"fold:{seed}:{text}") * folds)


def _share(text: str) -> float:
    """Returns a number in [0, 1) that looks drawn at random."""
    # 53 bits fill a float exactly; more could round up to 1.
    return (int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 11) / 2**53
