"""Routing records for the scorer: questions of each kind, with how well each model answers such ones.

Models are asked different questions, the better ones harder ones, so the marks themselves cannot be
compared. A record holds the expected share of right answers of the question's kind instead, and weighs
as many labels as would give the same standard error.
"""

from __future__ import annotations

import gzip
import json
import math
import os
from typing import TYPE_CHECKING, Any

from services.examination.abilities.next_question import Cell
from services.examination.asking.request import messages_of
from services.examination.questions.question import LEVELS
from services.router.types.conversation import Conversation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from services.examination.asking.stock import Stock
    from services.examination.results.profile import ModelProfile, Profile

    Floats = npt.NDArray[np.float64]

TEXTS_PER_CELL = 2
"""Questions of each kind and level that stand for all of them."""


def labels_of(success: Floats, errors: Floats) -> Floats:
    """Returns the numbers of labels that would give these standard errors of a share."""
    labels: Floats = success * (1 - success) / errors**2
    return labels


def scorer_records(profile: Profile, stock: Stock) -> Iterator[dict[str, Any]]:
    """Yields the records of all models, each with the score of one model."""
    for kind, name in enumerate(profile.kinds):
        texts = dict(_texts(stock, kind))
        for model in profile.models:
            yield from _records(model, kind, name, texts)


def write_scorer_records(path: Path, profile: Profile, stock: Stock) -> int:
    """Writes the records, gzip, whole or not at all; returns their number."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    count = 0
    with gzip.GzipFile(temporary, "wb", mtime=0) as file:
        for record in scorer_records(profile, stock):
            file.write(f"{json.dumps(record, ensure_ascii=False)}\n".encode())
            count += 1
    temporary.replace(path)
    return count


def _texts(stock: Stock, kind: int) -> Iterator[tuple[str, str]]:
    """Yields ids and texts of questions, as the router would show them to the scorer."""
    for level in range(len(LEVELS)):
        for number in range(TEXTS_PER_CELL):
            question = stock.question(Cell(kind, level), number)
            if question is not None:
                yield question.id, Conversation(messages=messages_of(question)).query


def _records(
    model: ModelProfile, kind: int, name: str, texts: dict[str, str]
) -> Iterator[dict[str, Any]]:
    success = float(model.success[kind])
    labels = float(labels_of(model.success, model.errors)[kind])
    tokens = float(model.tokens_by_kind[kind])
    for question_id, text in texts.items():
        record: dict[str, Any] = {
            "id": f"{question_id}/{model.model_id}",
            "task": name,
            "query": text,
            "scores": {model.model_id: round(success, 4)},
            "weight": round(max(labels / len(texts), 1e-3), 4),
        }
        if not math.isnan(tokens):
            record["completion_tokens"] = {model.model_id: round(tokens)}
        yield record
