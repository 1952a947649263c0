"""Profiles: the success of each model at each kind of question, and its price."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

import numpy as np

from services.examination.abilities.item_response import Abilities, Marks, fit_abilities
from services.examination.abilities.next_question import Z_95

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from services.examination.asking.answer import Answer
    from services.examination.asking.stock import Stock

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelProfile:
    """One model."""

    model_id: str
    answers: int
    success: Floats
    """Expected share of right answers by kind, each level counting the same, (K,)."""
    errors: Floats
    """Standard errors of ``success``, (K,)."""
    mean_success: float
    """The mean of ``success``."""
    mean_error: float
    """Its standard error."""
    usd_per_answer: float
    """The mean over the kinds."""
    tokens_by_kind: Floats
    """Mean tokens of its replies, (K,); NaN where there is none."""
    median_s: float
    """Median time of an answer, in seconds."""

    @property
    def mean_width(self) -> float:
        """Half the width of the 95 % interval of ``mean_success``."""
        return Z_95 * self.mean_error


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """All models, the best one first."""

    kinds: tuple[str, ...]
    models: tuple[ModelProfile, ...]
    abilities: Abilities
    """Of the models in the order of ``model_ids``."""
    model_ids: tuple[str, ...]

    def number_of(self, model_id: str) -> int:
        """Returns the number of a model in ``abilities``."""
        return self.model_ids.index(model_id)


def profile_of(answers: Sequence[Answer], stock: Stock) -> Profile:
    """Returns the profile of all models that answered."""
    model_ids = tuple(dict.fromkeys(answer.model for answer in answers))
    levels = stock.levels
    abilities = fit_abilities(marks_of(answers, model_ids, stock), levels)
    success, errors = abilities.success, abilities.success_errors
    by_model = {model_id: [a for a in answers if a.model == model_id] for model_id in model_ids}
    models = [
        ModelProfile(
            model_id=model_id,
            answers=len(ours),
            success=success[number],
            errors=errors[number],
            mean_success=float(success[number].mean()),
            mean_error=_mean_error(abilities, number),
            usd_per_answer=fmean(_by_kind(ours, "cost_usd").values()),
            tokens_by_kind=_row(_by_kind(ours, "completion_tokens"), stock.kinds),
            median_s=median(answer.duration_s for answer in ours),
        )
        for number, (model_id, ours) in enumerate(by_model.items())
    ]
    models.sort(key=lambda model: -model.mean_success)
    return Profile(
        kinds=stock.kinds, models=tuple(models), abilities=abilities, model_ids=model_ids
    )


def marks_of(answers: Iterable[Answer], model_ids: Sequence[str], stock: Stock) -> Marks:
    """Returns the marks of models."""
    marks = Marks.none(len(model_ids), *stock.levels.shape)
    numbers = {model_id: number for number, model_id in enumerate(model_ids)}
    for answer in answers:
        if answer.model in numbers and answer.kind in stock.kinds:
            cell = stock.cell_of(answer.kind, answer.level)
            marks.asked[numbers[answer.model], cell.kind, cell.level] += 1
            marks.right[numbers[answer.model], cell.kind, cell.level] += answer.score
    return marks


def _mean_error(abilities: Abilities, model: int) -> float:
    """Returns the standard error of the mean of a model's success over the kinds."""
    models, kinds = abilities.ability.shape
    gradients = abilities.gradients(model) / kinds
    along = np.zeros(len(abilities.covariance))
    along[model * kinds : (model + 1) * kinds] = gradients[:, 0]
    along[models * kinds :] = gradients[:, 1:].ravel()
    return float(np.sqrt(along @ abilities.covariance @ along))


def _by_kind(answers: Sequence[Answer], field: str) -> dict[str, float]:
    """Returns the mean of a field by kind."""
    values = defaultdict(list)
    for answer in answers:
        values[answer.kind].append(getattr(answer, field))
    return {kind: fmean(each) for kind, each in values.items()}


def _row(values: dict[str, float], kinds: Sequence[str]) -> Floats:
    return np.array([values.get(kind, np.nan) for kind in kinds])
