"""Models that answer nothing, refuse, guess, or change during or between examinations."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from services.examination.abilities.marks_test import Part, difference, difficulty_slope
from services.examination.asking.answer import Form
from services.examination.results.profile import marks_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.examination.abilities.marks_test import Difference
    from services.examination.asking.answer import Answer
    from services.examination.asking.stock import Stock
    from services.examination.results.profile import Profile

_MIN_ANSWERS = 10
_MOST = 0.9
_MANY = 0.2
_GUESSERS_SLOPE = 0.5
"""Largest slope of marks on the difficulty, 1 being usual, of a model that is said to guess."""

_SURE = 2.58
"""Standard errors, at least, by which that slope is below the usual one."""


def oddities(answers: Sequence[Answer], profile: Profile, stock: Stock) -> list[str]:
    """Returns a sentence for each oddity of each model."""
    found = []
    for model in profile.model_ids:
        ours = [answer for answer in answers if answer.model == model]
        half = len(ours) // 2
        sentences = _forms(ours)
        changed = _change(model, ours[:half], ours[half:], profile, stock)
        guesses = _guesses(model, ours, profile, stock)
        if changed.is_significant and (changed.kind is None or not guesses):
            words = _in_words(changed, profile)
            sentences.append(f"changed in the middle of the examination: {words}")
        else:
            sentences += guesses  # by luck, such a model seems to change in some kind
        found += [f"{model} {sentence}." for sentence in sentences]
    return found


def changes_since(
    before: Sequence[Answer], now: Sequence[Answer], profile: Profile, stock: Stock
) -> list[str]:
    """Returns a sentence for each model that is not the one of an earlier examination any more."""
    found = []
    for model in profile.model_ids:
        first, second = ([a for a in part if a.model == model] for part in (before, now))
        changed = _change(model, first, second, profile, stock)
        if changed.is_significant:
            words = _in_words(changed, profile)
            found.append(f"{model} is not what it was in the earlier examination: {words}.")
    return found


def _change(
    model: str, first: Sequence[Answer], second: Sequence[Answer], profile: Profile, stock: Stock
) -> Difference:
    """Returns how a model's second answers differ from its first."""
    parts = []
    for answers in (first, second):
        marks = marks_of(answers, [model], stock)
        parts.append(Part(asked=marks.asked[0], right=marks.right[0]))
    chances = profile.abilities.chances[profile.number_of(model)]
    return difference(parts[0], parts[1], chances)


def _in_words(changed: Difference, profile: Profile) -> str:
    kind = "over all kinds" if changed.kind is None else f"in {profile.kinds[changed.kind]}"
    better = "better" if changed.logits > 0 else "worse"
    return f"{better} by {abs(changed.logits):.1f} logits {kind} (luck: {changed.chance:.1g})"


def _forms(answers: Sequence[Answer]) -> list[str]:
    """Returns what is odd about the form of a model's replies."""
    count = len(answers)
    if count < _MIN_ANSWERS:
        return []
    forms = Counter(answer.form for answer in answers)
    found = []
    if forms[Form.EMPTY] >= _MOST * count:
        found.append(f"answers nothing: {forms[Form.EMPTY]} of {count} replies are empty")
    if forms[Form.REFUSED] >= _MOST * count:
        found.append(f"refuses everything: {forms[Form.REFUSED]} of {count} replies")
    elif forms[Form.REFUSED] >= _MANY * count:
        found.append(f"refuses often: {forms[Form.REFUSED]} of {count} replies")
    if forms[Form.CUT_OFF] >= _MANY * count:
        found.append(
            f"often writes more than max_reply_tokens allows: {forms[Form.CUT_OFF]} of {count} "
            "replies are cut off"
        )
    if not found and not any(answer.score for answer in answers):
        found.append(f"has none of {count} answers right: is it the model that the pool file names")
    return found


def _guesses(model: str, answers: Sequence[Answer], profile: Profile, stock: Stock) -> list[str]:
    """Returns whether a model's right answers do not depend on how hard a question is."""
    marks = marks_of(answers, [model], stock)
    part = Part(asked=marks.asked[0], right=marks.right[0])
    slope, error = difficulty_slope(part, profile.abilities.difficulty)
    if slope > _GUESSERS_SLOPE or slope + _SURE * error > 1:
        return []
    share = sum(answer.score for answer in answers) / len(answers)
    return [f"seems to guess: {share:.0%} of its answers are right, however hard the questions are"]
