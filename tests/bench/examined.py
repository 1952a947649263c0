"""Examines recorded pools by the product's own sheet, or at random, and adds their models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.training.mixture.new_model import Labelled, fit_new_model
from services.examination.abilities.item_response import Marks, fit_abilities
from services.examination.asking.answer import Answer, Form
from services.examination.asking.sheet import Sheet
from services.examination.asking.stock import Stock
from services.examination.questions.checkers.checker import Reply
from services.examination.questions.checkers.text_answer import TextAnswer
from services.examination.questions.question import Draft, Question
from services.examination.results.scorer_records import labels_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from services.examination.abilities.item_response import Abilities
    from tests.bench.recorded_pools import Recorded

    Floats = npt.NDArray[np.float64]

COUNTS = (10, 15, 20, 30, 40, 60, 80, 100, 150, 200)
"""Questions per model at which the choices are compared."""

ACCURACY = 0.05
TEXTS = 10
"""Questions of a kind that stand for all of them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class State:
    """An examination after some questions."""

    rows: list[list[int]]
    """The rows that each model was asked."""
    abilities: Abilities
    kinds: tuple[str, ...]

    @property
    def questions(self) -> float:
        """Questions per model."""
        return float(np.mean([len(rows) for rows in self.rows]))


def examined(pool: Recorded, *, seed: int) -> dict[int, State]:
    """Examines a pool by the product's own sheet; returns the state at each of ``COUNTS``."""
    order = np.random.default_rng(seed).permutation(len(pool.tasks))
    reply = Reply("")
    questions = [
        Question(
            id=str(row),
            kind=pool.tasks[row],
            level=3,
            language="en",
            draft=Draft(prompt="", checker=TextAnswer("?"), reference=reply),
        )
        for row in order
        if not np.isnan(pool.labels[row]).all()
    ]
    stock = Stock([], [], 0, questions)
    sheet = Sheet(stock, pool.model_ids, ACCURACY)
    rows: list[list[int]] = [[] for _ in pool.model_ids]
    states: dict[int, State] = {}
    left = set(pool.model_ids)
    for asked in range(max(COUNTS) + 1):
        if asked in COUNTS:
            sheet.fit()
            states[asked] = State(
                rows=[list(each) for each in rows], abilities=sheet.abilities, kinds=stock.kinds
            )
        for model, model_id in enumerate(pool.model_ids):
            if model_id in left and not _ask_one(pool, sheet, rows, model):
                left.discard(model_id)  # as an examination that knows enough ends
    return states


def _ask_one(pool: Recorded, sheet: Sheet, rows: list[list[int]], model: int) -> bool:
    """Asks a model the next question that it has a label of; returns False if there is none."""
    while (question := sheet.next_question(pool.model_ids[model])) is not None:
        score = pool.labels[int(question.id), model]
        if not np.isnan(score):
            rows[model].append(int(question.id))
            sheet.add(_answer(pool.model_ids[model], question, float(score)))
            return True
    return False


def _answer(model_id: str, question: Question, score: float) -> Answer:
    return Answer(
        model=model_id,
        question=question.id,
        kind=question.kind,
        level=question.level,
        score=score,
        form=Form.WHOLE,
        cost_usd=0.0,
        prompt_tokens=0,
        completion_tokens=0,
        duration_s=0.0,
        digest="",
    )


def at_random(pool: Recorded, count: int, *, seed: int, same: bool) -> State:
    """Returns the state after random questions; ``same`` for the same ones to all models."""
    draw = np.random.default_rng(seed)
    order = draw.permutation(len(pool.tasks))
    rows = []
    for model in range(len(pool.model_ids)):
        mine = order if same else draw.permutation(len(pool.tasks))
        rows.append([int(row) for row in mine if not np.isnan(pool.labels[row, model])][:count])
    kinds = tuple(dict.fromkeys(pool.tasks))
    marks = Marks.none(len(rows), len(kinds), 1)
    for model, asked in enumerate(rows):
        for row in asked:
            where = (model, kinds.index(pool.tasks[row]), 0)
            marks.asked[where] += 1
            marks.right[where] += pool.labels[row, model]
    abilities = fit_abilities(marks, np.ones((len(kinds), 1)))
    return State(rows=rows, abilities=abilities, kinds=kinds)


def by_marks(pool: Recorded, rows: list[list[int]]) -> Floats:
    """Returns the test scores (N, M) of models that are added by the marks themselves."""
    return _added(
        pool,
        [
            Labelled(
                class_weights=pool.weights[mine],
                targets=pool.labels[mine, model],
                weights=np.ones(len(mine)),
            )
            for model, mine in enumerate(rows)
        ],
    )


def by_kinds(pool: Recorded, state: State) -> Floats:
    """Returns the test scores (N, M) of models that are added as the product does: by kinds."""
    tasks = np.array(pool.tasks)
    means = np.array([pool.weights[tasks == kind].mean(axis=0) for kind in state.kinds])
    success, errors = state.abilities.success, state.abilities.success_errors
    return _added(
        pool,
        [
            Labelled(
                class_weights=means, targets=success[m], weights=labels_of(success[m], errors[m])
            )
            for m in range(len(pool.model_ids))
        ],
    )


def by_texts(pool: Recorded, state: State) -> Floats:
    """Returns the test scores (N, M) of models that are added by some questions of each kind."""
    tasks = np.array(pool.tasks)
    texts = [np.flatnonzero(tasks == kind)[:TEXTS] for kind in state.kinds]
    rows = np.concatenate(texts)
    kinds = np.repeat(np.arange(len(texts)), [len(each) for each in texts])
    sizes = np.array([len(each) for each in texts])
    success, errors = state.abilities.success, state.abilities.success_errors
    return _added(
        pool,
        [
            Labelled(
                class_weights=pool.weights[rows],
                targets=success[m][kinds],
                weights=(labels_of(success[m], errors[m]) / sizes)[kinds],
            )
            for m in range(len(pool.model_ids))
        ],
    )


def _added(pool: Recorded, labelled: list[Labelled]) -> Floats:
    columns = [fit_new_model(each, pool.success) for each in labelled]
    chances = pool.test_weights @ np.stack(columns, axis=1)
    return pool.calibration.mean().scores(chances)
