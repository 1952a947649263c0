"""The marks so far, and the question that is asked next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.examination.abilities.item_response import Marks, expecting, fit_abilities
from services.examination.abilities.next_question import control_cell, next_cell, wanted_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from services.examination.abilities.item_response import Abilities
    from services.examination.asking.answer import Answer
    from services.examination.asking.stock import Stock
    from services.examination.questions.question import Question


MIN_QUESTIONS = 12
"""Questions that a model is asked at least: with fewer, nothing odd about it would show."""


_NEVER_ENOUGH = 1e-6


class Sheet:
    """The marks of all models.

    Args:
        stock: The questions.
        model_ids: The models.
        accuracy: Half the width of a 95 % interval that is small enough, of a share of right answers.
        answers: The answers so far.
    """

    def __init__(
        self,
        stock: Stock,
        model_ids: Sequence[str],
        accuracy: float,
        answers: Iterable[Answer] = (),
    ) -> None:
        self._stock = stock
        self._accuracy = accuracy
        self._numbers = {model_id: number for number, model_id in enumerate(model_ids)}
        self._levels = stock.levels
        self._available = np.tile(self._levels > 0, (len(model_ids), 1, 1))
        self._taken: list[set[str]] = [set() for _ in model_ids]
        self._marks = Marks.none(len(model_ids), *self._levels.shape)
        for answer in answers:
            self._count(answer)
        self._new = 0
        self.abilities: Abilities = fit_abilities(self._marks, self._levels)
        """As of the last fit, with the questions since then expected to be answered as it says."""

    def count_of(self, model_id: str) -> int:
        """Returns the number of questions that a model has answered."""
        return int(self._marks.asked[self._numbers[model_id]].sum())

    def forbid(self, model_id: str, unfit: npt.NDArray[np.bool_]) -> None:
        """Takes the cells, (K, L), from those that a model is asked of."""
        self._available[self._numbers[model_id]] &= ~unfit

    def next_question(self, model_id: str) -> Question | None:
        """Returns the question that tells most of a model; None if enough is known, or none is left."""
        if self._new >= len(self._numbers):
            self.fit()
        model = self._numbers[model_id]
        while True:
            wanted = wanted_errors(self.abilities, self._accuracy)
            if len(self._taken[model]) < MIN_QUESTIONS:
                wanted = np.minimum(wanted, _NEVER_ENOUGH)
            cell = next_cell(self.abilities, model, self._available[model], wanted)
            if cell is None:
                return None
            cell = control_cell(cell, len(self._taken[model]), self._available[model])
            number = 0
            while (question := self._stock.question(cell, number)) is not None:
                if question.id not in self._taken[model]:
                    self._taken[model].add(question.id)
                    self.abilities = expecting(self.abilities, model, cell.kind, cell.level)
                    return question
                number += 1
            self._available[model, cell.kind, cell.level] = False

    def add(self, answer: Answer) -> None:
        """Counts an answer."""
        self._count(answer)
        self._new += 1

    def put_back(self, model_id: str, question_id: str) -> None:
        """Lets a question be asked again that a model gave no answer to."""
        self._taken[self._numbers[model_id]].discard(question_id)

    def fit(self) -> None:
        """Fits the abilities to all answers."""
        self.abilities = fit_abilities(self._marks, self._levels, self.abilities)
        self._new = 0

    def _count(self, answer: Answer) -> None:
        model = self._numbers[answer.model]
        cell = self._stock.cell_of(answer.kind, answer.level)
        self._taken[model].add(answer.question)
        where = (model, cell.kind, cell.level)
        self._marks.asked[where] += 1
        self._marks.right[where] += answer.score
