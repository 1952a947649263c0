"""Models that answer the questions of an examination as well as a test wants."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING

from services.examination.abilities.next_question import Cell
from services.examination.questions.question import LEVELS
from services.simulator.call import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.examination.asking.stock import Stock
    from services.examination.questions.question import Question
    from services.simulator.call import Call

KINDS = ("arithmetic", "strings", "reading")
WRONG = "I think so.\n\nAnswer: zzz 1 zzz 2"
QUESTIONS = 120
"""Of each cell, so many are known to the examinees."""


def by_prompt(stock: Stock) -> dict[str, Question]:
    """Returns questions by their text."""
    return {
        question.prompt: question
        for kind in range(len(stock.kinds))
        for level in range(len(LEVELS))
        for number in range(QUESTIONS)
        if (question := stock.question(Cell(kind, level), number)) is not None
    }


def able(
    questions: dict[str, Question], ability: float, name: str = "", **by_kind: float
) -> Callable[[Call], Reply]:
    """Returns a model that is right with the chance of an item response model.

    Args:
        questions: The questions by their text.
        ability: Logits above a question of the middle level.
        name: Models of one name give the same answers.
        by_kind: Logits more in single kinds.
    """

    def reply(call: Call) -> Reply:
        question = questions[call.query]
        logit = ability + by_kind.get(question.kind, 0.0) - (question.level - 3)
        draw = Random(f"{name}{ability}{by_kind}{question.id}")
        if draw.random() < 1 / (1 + math.exp(-logit)):
            return Reply(text=question.draft.reference.text)
        return Reply(text=f"{WRONG} {draw.random()}")

    return reply


def guessing(questions: dict[str, Question], share: float) -> Callable[[Call], Reply]:
    """Returns a model that is right in a share of its answers, however hard the question."""

    def reply(call: Call) -> Reply:
        question = questions[call.query]
        if Random(f"guess{question.id}").random() < share:
            return Reply(text=question.draft.reference.text)
        return Reply(text=WRONG)

    return reply
