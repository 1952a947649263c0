"""Features of the characters of an answer: length, marks, repetition, and how it ends."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

NAMES = (
    "length",
    "length squared",
    "words",
    "is empty",
    "is short",
    "lines",
    "words per sentence",
    "distinct words",
    "compressed size",
    "ends with a mark",
    "ends with a full stop",
    "ends with a brace",
    "digits",
    "not ASCII",
    "mathematics",
    "equals signs",
    "has code",
    "has JSON",
    "emphasis",
    "question marks",
    "brackets",
    "query: length",
    "query: digits",
    "query: mathematics",
    "query: not ASCII",
    "query: has code",
    "words less the query's",
    "words from the query",
    "words of the query",
)
"""The names of the features, in order."""

_SHORT_WORDS = 8
_TYPICAL_COMPRESSION = 0.7


def form_features(
    query: str, answer: str, query_words: Sequence[str], words: Sequence[str]
) -> list[float]:
    """Returns the features of an answer's characters, in the order of ``NAMES``.

    Args:
        query: The query.
        answer: The answer, without spaces around it.
        query_words: Its words.
        words: The words of the answer.
    """
    content = answer.encode("utf-8", "replace")
    counts = _byte_counts(content)
    of_query = _byte_counts(query.encode("utf-8", "replace"))
    size, query_size = max(len(content), 1), max(int(of_query.sum()), 1)
    length = math.log1p(len(answer))
    distinct, query_distinct = set(words), set(query_words)
    shared = len(distinct & query_distinct)
    sentences = answer.count(". ") + answer.count(".\n") + 1
    last = answer[-1:]
    return [
        length,
        length * length / 6,
        math.log1p(len(words)),
        float(not answer),
        float(len(words) < _SHORT_WORDS),
        math.log1p(int(counts[ord("\n")])),
        math.log1p(len(words) / sentences),
        len(distinct) / max(len(words), 1),
        len(zlib.compress(content, 1)) / size if size > 80 else _TYPICAL_COMPRESSION,
        float(bool(last) and last in '.!?)}]`"*'),
        float(last == "."),
        float(bool(last) and last in "}`"),
        _digits(counts) / size,
        float(counts[128:].sum()) / size,
        _mathematics(counts) / size,
        math.log1p(int(counts[ord("=")])),
        float("```" in answer),
        float(answer.startswith("{") or '"answer"' in answer),
        math.log1p(answer.count("**")),
        math.log1p(int(counts[ord("?")])),
        math.log1p(int(counts[ord("(")])),
        math.log1p(query_size),
        _digits(of_query) / query_size,
        _mathematics(of_query) / query_size,
        float(of_query[128:].sum()) / query_size,
        float("def " in query),
        math.log1p(len(words)) - math.log1p(len(query_words)),
        shared / max(len(distinct), 1),
        shared / max(len(query_distinct), 1),
    ]


def _byte_counts(content: bytes) -> npt.NDArray[np.intp]:
    return np.bincount(np.frombuffer(content, np.uint8), minlength=256)


def _digits(counts: npt.NDArray[np.intp]) -> float:
    return float(counts[ord("0") : ord("9") + 1].sum())


def _mathematics(counts: npt.NDArray[np.intp]) -> float:
    return float(counts[ord("$")] + counts[ord("\\")] + counts[ord("=")])
