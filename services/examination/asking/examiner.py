"""Examines all models of a pool at the same time, each at its own pace."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.examination.asking.interview import Interview, Limits
from services.examination.asking.pause import Pause
from services.examination.asking.purse import Purse
from services.examination.asking.request import worst_usd
from services.examination.asking.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.examination.asking.answer import Entry
    from services.examination.asking.estimate import Estimate
    from services.examination.asking.folder import AnswersFile, Examination
    from services.examination.asking.interview import Asks
    from services.examination.asking.stock import Stock
    from services.router.pool.pool import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The limits of an examination."""

    accuracy: float
    """Half the width of a 95 % interval that is small enough, of a share of right answers."""
    max_questions: int
    """Questions per model."""
    max_usd: float | None
    """Dollars of all calls, those of earlier runs included; None for no limit."""
    max_minutes: float
    parallel: int
    """Questions at a time, per model."""


async def examine(
    pool: Pool,
    examination: Examination,
    stock: Stock,
    plan: Plan,
    estimates: Sequence[Estimate],
    *,
    caller: Asks,
    file: AnswersFile,
    on_entry: Callable[[Entry, Sheet], None],
    new_pause: Callable[[], Pause] = Pause,
) -> Sheet:
    """Asks every model until enough is known of it or a limit is reached; returns all marks.

    Args:
        pool: The pool.
        examination: The folder's content so far.
        stock: Its questions.
        plan: The limits.
        estimates: The cost of each model, in the order of the pool.
        caller: Asks the models.
        file: Keeps the answers.
        on_entry: Called after each answer and failure.
        new_pause: Makes the waits of a model; tests shorten them.
    """
    known = pool.by_id
    sheet = Sheet(
        stock,
        list(known),
        plan.accuracy,
        (answer for answer in examination.answers if answer.model in known),
    )
    for estimate in estimates:
        sheet.forbid(estimate.model_id, estimate.unfit)
    purse = Purse(plan.max_usd, examination.spent_usd)
    limits = Limits(
        max_questions=plan.max_questions,
        until_s=time.monotonic() + 60 * plan.max_minutes,
        parallel=plan.parallel,
    )

    def keep(entry: Entry) -> None:
        file.append(entry)
        on_entry(entry, sheet)

    async with asyncio.TaskGroup() as tasks:
        for model in pool.models:
            interview = Interview(
                model,
                caller=caller,
                sheet=sheet,
                purse=purse,
                limits=limits,
                worst_usd=worst_usd,
                keep=keep,
                pause=new_pause(),
            )
            tasks.create_task(interview.run())
    sheet.fit()
    return sheet
