"""An interview asks all that it may ask, whatever fails in between."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from services.examination.asking.answer import Answer, Failure, Outcome
from services.examination.asking.interview import Interview, Limits
from services.examination.asking.pause import Pause
from services.examination.asking.purse import Purse
from services.examination.asking.sheet import Sheet
from services.examination.asking.stock import Stock
from tests.unit.examination.test_asking import answer

if TYPE_CHECKING:
    from services.examination.asking.answer import Entry
    from services.examination.questions.question import Question
    from services.router.pool.model import PoolModel


class FailsOnce:
    """A model whose call with this number fails."""

    def __init__(self, number: int) -> None:
        self.number, self.calls = number, 0

    async def ask(self, model: PoolModel, question: Question) -> Outcome:
        self.calls += 1
        if self.calls != self.number:
            return Outcome(entry=answer(model.id, question))
        failure = Failure(
            model=model.id, question=question.id, failure="500", message="", cost_usd=0.0
        )
        return Outcome(entry=failure, try_again=True)


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("number", [1, 4])
async def test_a_call_that_fails_last_is_made_again(number: int, parallel: int) -> None:
    kept: list[Entry] = []
    caller = FailsOnce(number)
    limits = Limits(max_questions=4, until_s=time.monotonic() + 60, parallel=parallel)
    await Interview(
        cast("PoolModel", SimpleNamespace(id="a")),
        caller=caller,
        sheet=Sheet(Stock(["logic"], ["en"], 3, []), ["a"], 0.1),
        purse=Purse(None, 0.0),
        limits=limits,
        worst_usd=lambda _model, _question: 0.0,
        keep=kept.append,
        pause=Pause(first_pause_s=0.001),
    ).run()
    answered = [entry.question for entry in kept if isinstance(entry, Answer)]
    assert len(set(answered)) == len(answered) == 4
    assert caller.calls == 5
