"""Parses a model's raw reply: its answer, self-score and grades. Never raises, whatever the text.

The answer is the reply without protocol text: users and other models see nothing else. Reasoning is
removed before (`backends/http/reader.py`). Scores that are missing, invalid or outside [0, 1] are
absent, not zero.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from services.router.prompts.prompts import ANY_MARK, ASSESSMENT, LONGEST_MARK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.router.prompts.prompts import Reference

# Atomic: the spaces of the first line are never divided anew, which would take quadratic time.
_FENCE = re.compile(r"^```(?:json)?(?>\s*\n)(.*?)\n?```$", re.DOTALL)
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The parts of a raw reply."""

    answer: str
    """Empty if the reply has none."""
    self_score: float | None = None
    grades: Mapping[str, float] = field(default_factory=dict)
    """Valid grades by the graded model's id."""


def read_reply(text: str, nonce: str, references: Sequence[Reference]) -> Reply:
    """Returns the answer and the scores in a reply.

    Args:
        text: The raw reply.
        nonce: The nonce of the call; marks with other nonces carry no scores.
        references: The references in the prompt, with their labels.
    """
    body, assessment = _split(text, nonce)
    if not assessment:
        wrapped = _wrapped_answer(body)
        if wrapped is not None:
            body, assessment = wrapped
    models = {reference.label: reference.model_id for reference in references}
    given = assessment.get("grades")
    grades = {
        models[label]: score
        for label, value in (given.items() if isinstance(given, dict) else ())
        if label in models and (score := _score(value)) is not None
    }
    return Reply(
        answer=body.strip(), self_score=_score(assessment.get("self_score")), grades=grades
    )


def _split(text: str, nonce: str) -> tuple[str, dict[str, Any]]:
    """Returns the text before the first mark, and the last assessment with the right nonce."""
    first = ANY_MARK.search(text)
    if first is None:
        return text, {}
    mark = f"{ASSESSMENT} {nonce}"
    found = text.rfind(mark)
    assessment = _object(text[found + len(mark) :]) if found >= 0 else {}
    body = text[: first.start()]
    if not body.strip() and found == first.start():
        # The model wrote its assessment first: the answer follows the object.
        body = _after_object(text[found + len(mark) :])
    return body, assessment


def _object(text: str) -> dict[str, Any]:
    try:
        value, _ = _DECODER.raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _after_object(text: str) -> str:
    try:
        _, end = _DECODER.raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return ""
    rest = text.lstrip()[end:]
    mark = ANY_MARK.search(rest)
    return rest[: mark.start()] if mark else rest


def _wrapped_answer(text: str) -> tuple[str, dict[str, Any]] | None:
    """Reads a reply that is one JSON object of `answer` and `self_score`, as some models write it."""
    stripped = text.strip()
    fenced = _FENCE.match(stripped)
    value = _object(fenced.group(1) if fenced else stripped)
    answer = value.get("answer")
    if "self_score" not in value or not isinstance(answer, str):
        return None
    return answer, value


def _score(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # The comparison is exact for integers of any size, and false for NaN.
    return float(value) if 0 <= value <= 1 and math.isfinite(value) else None


class AnswerFilter:
    """Removes the marks from a streamed reply.

    `feed` returns the text that may be shown now; `finish` returns the rest. Text that may be the
    start of a mark is held until more text decides it.
    """

    def __init__(self) -> None:
        self._held = ""
        self._ended = False

    def feed(self, text: str) -> str:
        """Adds a piece of the reply, and returns the text that may be shown now."""
        if self._ended:
            return ""
        if not self._held and "@" not in text:
            return text  # by far the most frequent case
        self._held += text
        mark = ANY_MARK.search(self._held)
        if mark is not None:
            shown, self._held, self._ended = self._held[: mark.start()], "", True
            return shown.rstrip()
        at = self._held.find("@@", max(0, len(self._held) - LONGEST_MARK))
        if at < 0 and self._held.endswith("@"):
            at = len(self._held) - 1
        cut = len(self._held) if at < 0 else at
        shown, self._held = self._held[:cut], self._held[cut:]
        return shown

    def finish(self) -> str:
        """Returns the text that was held and is part of the answer after all."""
        shown, self._held = self._held, ""
        return shown
