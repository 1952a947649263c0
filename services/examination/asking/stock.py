"""The questions of every kind and level, in an order that all models share.

Models that are asked the same questions can be compared with fewer of them. A user's own questions
come first in their cell; generated ones follow as long as anyone asks for more.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from services.examination.abilities.next_question import Cell
from services.examination.questions.generation import ExhaustedError, questions
from services.examination.questions.question import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from services.examination.questions.question import Question
    from services.examination.questions.vocabulary import Language

MAX_KINDS = 64
"""More kinds cannot each get enough questions."""


class TooManyKindsError(Exception):
    """Raised for questions of more kinds than one examination can tell apart."""


class Stock:
    """The questions of an examination.

    Args:
        kinds: The kinds that are generated.
        languages: The languages of generated questions, by turns.
        seed: Decides the generated questions.
        own: A user's own questions.

    Raises:
        TooManyKindsError: The questions are of more than ``MAX_KINDS`` kinds.
    """

    def __init__(
        self,
        kinds: Sequence[str],
        languages: Sequence[Language],
        seed: int,
        own: Sequence[Question],
    ) -> None:
        self.kinds = tuple(dict.fromkeys([*kinds, *(question.kind for question in own)]))
        """All kinds; a cell's kind is a place in it."""
        if len(self.kinds) > MAX_KINDS:
            message = f"questions of {len(self.kinds)} kinds; {MAX_KINDS} are the most"
            raise TooManyKindsError(message)
        self._cells: dict[Cell, list[Question]] = {
            Cell(kind, level): [] for kind in range(len(self.kinds)) for level in range(len(LEVELS))
        }
        for question in own:
            self._cells[self.cell_of(question.kind, question.level)].append(question)
        self._more = {
            Cell(kind, level): _generated(self.kinds[kind], LEVELS[level], languages, seed)
            for kind, level in ((c.kind, c.level) for c in self._cells)
            if self.kinds[kind] in kinds
        }

    def cell_of(self, kind: str, level: int) -> Cell:
        """Returns the cell of a kind, by name, and a level."""
        return Cell(self.kinds.index(kind), LEVELS.index(level))

    @property
    def levels(self) -> npt.NDArray[np.float64]:
        """1 where a kind has questions of a level, else 0, (K, L)."""
        there = [
            [float(self.question(Cell(kind, level), 0) is not None) for level in range(len(LEVELS))]
            for kind in range(len(self.kinds))
        ]
        return np.array(there)

    def question(self, cell: Cell, number: int) -> Question | None:
        """Returns a question of a cell, by its number from 0; None if there is none."""
        found = self._cells[cell]
        more = self._more.get(cell)
        while more is not None and len(found) <= number:
            try:
                found.append(next(more))
            except ExhaustedError:
                more = self._more.pop(cell) and None
        return found[number] if number < len(found) else None


def _generated(
    kind: str, level: int, languages: Sequence[Language], seed: int
) -> Iterator[Question]:
    """Yields generated questions, the languages by turns."""
    for stream in cycle([questions(kind, level, language, seed) for language in languages]):
        yield next(stream)
