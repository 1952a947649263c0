"""Checks the fields of a routing record, and accepts values that can mean only one thing.

``JSON object -> fields in the types of the format, problems``
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_AMOUNT = sys.float_info.max
"""Largest amount of dollars, seconds or tokens, and largest weight: each must fit into a float."""


def query_id(query: str) -> str:
    """Returns an id made from a query's text."""
    return hashlib.sha256(query.encode("utf-8", "replace")).hexdigest()[:16]


def tolerated(fields: Mapping[str, object]) -> Mapping[str, object]:
    """Returns the fields in the types of the format, where others can mean only one thing.

    A whole number as id becomes text, and a missing id is made from the query. ``true`` and ``false``
    as scores become 1 and 0.
    """
    record_id, scores, query = fields.get("id"), fields.get("scores"), fields.get("query")
    changed: dict[str, object] = {}
    if record_id is None and isinstance(query, str):
        changed["id"] = query_id(query)
    if isinstance(record_id, int) and not isinstance(record_id, bool):
        changed["id"] = str(record_id)
    if isinstance(scores, dict) and any(isinstance(score, bool) for score in scores.values()):
        changed["scores"] = {
            model: int(score) if isinstance(score, bool) else score
            for model, score in scores.items()
        }
    return {**fields, **changed} if changed else fields


def is_text(value: object) -> bool:
    """Returns whether a value is a text that is not blank and can be written as UTF-8."""
    if not isinstance(value, str) or not value.strip():
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # JSON can spell half of a surrogate pair
        return False
    return True


def problems_of(fields: Mapping[str, object]) -> list[str]:
    """Returns all problems of a record's fields."""
    problems = [
        f"{name} must be a valid text that is not empty"
        for name in ("id", "query")
        if not is_text(fields.get(name))
    ]
    problems += [
        f"{name} must be a valid text that is not empty, or absent"
        for name in ("task", "question")
        if name in fields and not is_text(fields[name])
    ]
    scores = fields.get("scores")
    if not isinstance(scores, dict) or not scores:
        problems.append("scores must be an object with at least one model")
        scores = None
    else:
        problems += [
            f"scores: {model!r} is no valid name" for model in scores if not is_text(model)
        ]
        problems += _amount_problems("scores", scores, _is_score, "a number in [0, 1]")
    for name, (is_good, label) in _AMOUNTS.items():
        if name in fields:
            problems += _per_model_problems(name, fields[name], scores, is_good, label)
    if "weight" in fields and not (_is_amount(fields["weight"]) and fields["weight"] != 0):
        problems.append(f"weight must be a number above 0, is {_shown(fields['weight'])}")
    return problems


def _per_model_problems(
    name: str,
    amounts: object,
    scores: Mapping[str, object] | None,
    is_good: Callable[[object], bool],
    label: str,
) -> list[str]:
    if not isinstance(amounts, dict):
        return [f"{name} must be an object, is {_shown(amounts)}"]
    problems = _amount_problems(name, amounts, is_good, label)
    if scores is not None:
        problems += [f"{name}: {model!r} has no score" for model in amounts if model not in scores]
    return problems


def _amount_problems(
    name: str, amounts: Mapping[str, object], is_good: Callable[[object], bool], label: str
) -> list[str]:
    return [
        f"{name}: {model!r} must be {label}, is {_shown(amount)}"
        for model, amount in amounts.items()
        if not is_good(amount)
    ]


def _is_score(value: object) -> bool:
    return _is_number(value) and 0 <= cast("float", value) <= 1


def _is_amount(value: object) -> bool:
    return _is_number(value) and 0 <= cast("float", value) <= MAX_AMOUNT


def _is_count(value: object) -> bool:
    return isinstance(value, int) and _is_amount(value)


def _is_number(value: object) -> bool:
    # JSON's true is an int to Python and never one to us.
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


_AMOUNTS: dict[str, tuple[Callable[[object], bool], str]] = {
    "cost_usd": (_is_amount, "a number of dollars, at least 0"),
    "prompt_tokens": (_is_count, "a whole number, at least 0"),
    "completion_tokens": (_is_count, "a whole number, at least 0"),
    "latency_s": (_is_amount, "a number of seconds, at least 0"),
}
