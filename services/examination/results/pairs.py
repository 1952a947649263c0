"""Models that are the same, as good as another, or never worth their price."""

from __future__ import annotations

from itertools import combinations
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from services.examination.asking.answer import Answer
    from services.examination.results.profile import ModelProfile, Profile

    Floats = npt.NDArray[np.float64]

_MIN_COMMON = 10
"""Wrong answers to the same questions, at least, to tell that two models are one."""
_SAME_REPLIES = 0.8
"""Share of them with the same text: two models rarely make the same mistake in the same words."""
_SURE = 0.95


def same_models(answers: Sequence[Answer], profile: Profile) -> list[str]:
    """Returns a sentence for each pair of names behind which is one model."""
    wrong: dict[str, dict[str, str]] = {model_id: {} for model_id in profile.model_ids}
    for answer in answers:
        if not answer.score and answer.form != "empty":
            wrong[answer.model][answer.question] = answer.digest
    found = []
    for first, second in combinations(profile.model_ids, 2):
        common = wrong[first].keys() & wrong[second].keys()
        same = sum(wrong[first][each] == wrong[second][each] for each in common)
        if len(common) >= _MIN_COMMON and same >= _SAME_REPLIES * len(common):
            found.append(
                f"{first} and {second} seem to be one model: {same} of {len(common)} wrong answers "
                "to the same questions have the same text."
            )
    return found


def as_good_and_cheaper(profile: Profile) -> list[str]:
    """Returns a sentence for each model that another is as good as in every kind, for less."""
    surest = 1 - (1 - _SURE) / len(profile.kinds)  # so that luck in one of many kinds is none
    found = []
    for model in profile.models:
        others = [
            other
            for other in profile.models
            if other.usd_per_answer < model.usd_per_answer
            and not (chances_to_be_better(profile, model, other) > surest).any()
            and other.mean_success + other.mean_width >= model.mean_success
        ]
        if others:
            cheapest = min(others, key=lambda other: other.usd_per_answer)
            factor = model.usd_per_answer / max(cheapest.usd_per_answer, 1e-12)
            found.append(
                f"{cheapest.model_id} could not be told from {model.model_id} in any kind, at "
                f"1/{factor:.1f} of its price."
            )
    return found


def without_a_place(profile: Profile) -> list[str]:
    """Returns a sentence for each model that is surely beaten in every kind, for no more dollars."""
    found = []
    for model in profile.models:
        cheaper = [
            other
            for other in profile.models
            if other is not model and other.usd_per_answer <= model.usd_per_answer
        ]
        if not cheaper:
            continue
        beaten = np.max([chances_to_be_better(profile, other, model) for other in cheaper], axis=0)
        if (beaten > _SURE).all():
            found.append(
                f"{model.model_id} never earns its place: in every kind, another model is better "
                "and costs no more."
            )
    return found


def chances_to_be_better(profile: Profile, first: ModelProfile, second: ModelProfile) -> Floats:
    """Returns the chance, by kind, that the first model has the greater ability, (K,)."""
    abilities, kinds = profile.abilities, len(profile.kinds)
    one, other = (profile.number_of(model.model_id) for model in (first, second))
    rows, columns = np.arange(kinds) + one * kinds, np.arange(kinds) + other * kinds
    covariance = abilities.covariance
    variances = (
        covariance[rows, rows] + covariance[columns, columns] - 2 * covariance[rows, columns]
    )
    z = (abilities.ability[one] - abilities.ability[other]) / np.sqrt(variances)
    normal = NormalDist()
    return np.array([normal.cdf(each) for each in z])
