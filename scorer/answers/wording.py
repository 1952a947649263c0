"""Features of the words of an answer: counts of hedges, refusals, corrections and the like.

``words of the answer -> count, rate and presence in the last words, for each group``
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

GROUPS: dict[str, str] = {
    "approximate": "approximately approx about roughly around nearly almost closest nearest close-to",
    "assumed": "assume assumes assumed assuming assumption suppose",
    "contrast": "however but although though yet instead",
    "unsure": "unsure unclear uncertain insufficient not-sure not-clear not-certain not-given "
    "not-provided not-specified not-possible not-enough without-more without-further",
    "refused": "cannot can-t unable won-t refuse sorry apologize apologies as-an i-can decline",
    "hedged": "may might could possibly perhaps probably likely seems seem appears appear maybe",
    "corrected": "mistake error incorrect wrong oops actually wait recheck re-check "
    "let-me double-check",
    "unmatched": "none-of not-listed not-among no-option not-match does-not",
    "concluded": "therefore thus hence so finally consequently",
    "preferred": "best most-likely most-accurate most-appropriate correct-answer correct",
    "calculated": "simplify simplifying substitute substituting formula equation calculate calculated "
    "calculation solve solving",
    "eliminated": "eliminate eliminated eliminating rule-out ruled-out option options",
    "stepped": "first second third then next step steps",
    "looked up": "refer known defined definition according",
    "first person": "i my me",
    "united": "all both either each every",
}
"""The words of each group, in lower case; words of a pair are joined by a hyphen.

Words of other languages are in no group, so they say nothing.
"""

TAIL_WORDS = 40
"""Number of last words in which the presence of a group counts apart: answers conclude there."""

_WORD = re.compile(r"[a-z]+|\d+")
_GROUP_OF = {word: index for index, words in enumerate(GROUPS.values()) for word in words.split()}

NAMES = tuple(f"{group}: {what}" for group in GROUPS for what in ("count", "rate", "at the end"))


def words_of(text: str) -> list[str]:
    """Returns the words and runs of digits of a text, in lower case."""
    return _WORD.findall(text.lower())


def wording_features(words: Sequence[str]) -> list[float]:
    """Returns the features of an answer's words, in the order of ``NAMES``."""
    counts = _group_counts(words)
    tail = _group_counts(words[-TAIL_WORDS:])
    scale = 20 / max(len(words), 1)
    features: list[float] = []
    for group in range(len(GROUPS)):
        count = counts[group]
        features += (math.log1p(count), min(count * scale, 2.0), float(tail[group] > 0))
    return features


def _group_counts(words: Sequence[str]) -> Counter[int]:
    pairs = map("-".join, itertools.pairwise(words))
    return Counter(_groups(words)) + Counter(_groups(pairs))


def _groups(words: Iterable[str]) -> Iterable[int]:
    return (_GROUP_OF[word] for word in words if word in _GROUP_OF)
