"""Makes a stream of questions from a seed: the same seed gives the same questions, on any machine."""

from __future__ import annotations

from hashlib import sha256
from itertools import count
from random import Random
from typing import TYPE_CHECKING

from services.examination.questions.checkers.checker import Reply
from services.examination.questions.kinds import KINDS
from services.examination.questions.question import Draft, Question

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.examination.questions.vocabulary import Language

_MAX_DRAWS = 1_000
_GUESSES = tuple(map(Reply, ("", "0", "1", "-1")))
"""Replies that are right for no question."""


class ExhaustedError(Exception):
    """Raised when a kind has no more different questions at a level."""


def questions(kind: str, level: int, language: Language, seed: int) -> Iterator[Question]:
    """Yields questions of which no two have the same prompt.

    Raises:
        ExhaustedError: There are no more.
    """
    seen: set[bytes] = set()
    for index in count():
        origin = f"{kind}-{level}-{language}-{seed}-{index}"
        draft = _new_draft(kind, level, language, origin, seen)
        yield Question(id=origin, kind=kind, level=level, language=language, draft=draft)


def _new_draft(kind: str, level: int, language: Language, origin: str, seen: set[bytes]) -> Draft:
    """Draws until the prompt is a new one, and no guess answers it."""
    random = Random(origin)  # noqa: S311  # questions are no secrets
    for _ in range(_MAX_DRAWS):
        draft = KINDS[kind](random, level, language)
        if any(draft.checker.check(guess).score for guess in _GUESSES):
            continue
        digest = sha256(draft.prompt.encode()).digest()  # long prompts would fill the memory
        if digest not in seen:
            seen.add(digest)
            return draft
    message = f"no more different questions of {kind} at level {level}"
    raise ExhaustedError(message)
