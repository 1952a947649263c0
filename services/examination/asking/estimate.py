"""The expected and the highest cost, before anything is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from services.examination.abilities.next_question import Cell
from services.examination.asking.request import can_be_asked, tokens_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from services.examination.asking.stock import Stock
    from services.router.pool.model import PoolModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The cost of a model's questions, as far as it can be known."""

    model_id: str
    questions: int
    """The most questions that are asked."""
    expected_usd: float
    """With replies of the length that the pool file expects, and questions of all cells."""
    most_usd: float
    """With the longest replies to the longest questions."""
    unfit: npt.NDArray[np.bool_]
    """The cells, (K, L), that the model has no room or no tools for."""


def estimate_cost(model: PoolModel, stock: Stock, questions: int) -> Estimate:
    """Returns the cost of a model's questions, from the first question of every cell."""
    shape = stock.levels.shape
    unfit, tokens = np.ones(shape, dtype=bool), []
    for kind, level in np.ndindex(shape):
        question = stock.question(Cell(kind, level), 0)
        if question is not None and can_be_asked(model, question):
            unfit[kind, level] = False
            tokens.append(tokens_of(model, question))
    count, prices = questions if tokens else 0, model.prices
    reply = min(model.expected_reply_tokens, model.max_reply_tokens)
    mean_tokens, most_tokens = (np.mean(tokens), max(tokens)) if tokens else (0, 0)
    expected = prices.worst_cost_usd(prompt_tokens=int(mean_tokens), completion_tokens=reply)
    return Estimate(
        model_id=model.id,
        questions=count,
        expected_usd=count * expected,
        most_usd=count * model.worst_case(int(most_tokens)).usd,
        unfit=unfit,
    )
