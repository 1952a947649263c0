"""Findings: sentences about an examination that a person should read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.examination.results.oddities import changes_since, oddities
from services.examination.results.pairs import as_good_and_cheaper, same_models, without_a_place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.examination.asking.answer import Answer
    from services.examination.asking.folder import Examination
    from services.examination.asking.stock import Stock
    from services.examination.results.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Sentences by their weight."""

    warnings: tuple[str, ...]
    """Something is wrong with a model, or it is not what its name says."""
    advice: tuple[str, ...]
    """Models that the pool could do without."""


def find(
    examination: Examination, profile: Profile, stock: Stock, before: Sequence[Answer]
) -> Findings:
    """Returns all findings.

    Args:
        examination: The examination.
        profile: Its models.
        stock: Its questions.
        before: The answers of an earlier examination; none if there was none.
    """
    answers = examination.answers
    given_up = [f"{model} was given up: {why}." for model, why in examination.given_up.items()]
    return Findings(
        warnings=(
            *given_up,
            *oddities(answers, profile, stock),
            *changes_since(before, answers, profile, stock),
        ),
        advice=(
            *same_models(answers, profile),
            *without_a_place(profile),
            *as_good_and_cheaper(profile),
        ),
    )
