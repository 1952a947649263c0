"""Groups the answers of a layer that agree, as the router compares them. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from services.answer_key import answer_key

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from routemoa.v1 import model_pb2

MAX_COMPARED_CHARACTERS = 20_000
"""Longer answers are not compared: they have no short final answer."""
MAX_SHOWN_CHARACTERS = 80


def answer_groups(answers: Sequence[model_pb2.Answer]) -> list[dict[str, Any]]:
    """Returns the groups of agreeing answers, the largest first.

    Each has `modelIds` and `finalAnswer`; the latter is None for an answer that cannot be compared.
    Two groups with final answers contradict each other.
    """
    groups: dict[Hashable, tuple[str | None, list[str]]] = {}
    for number, answer in enumerate(answers):
        final = _final_answer(answer)
        words = tuple(answer.text[:MAX_COMPARED_CHARACTERS].casefold().split())
        key: Hashable = final if final is not None else words or number
        groups.setdefault(key, (final, []))[1].append(answer.model_id)
    ordered = sorted(groups.values(), key=lambda group: -len(group[1]))
    return [{"modelIds": ids, "finalAnswer": _shown(final)} for final, ids in ordered]


def _final_answer(answer: model_pb2.Answer) -> str | None:
    if answer.tool_calls:
        return ", ".join(
            f"{call.name}({_canonical(call.arguments_json)})" for call in answer.tool_calls
        )
    if len(answer.text) > MAX_COMPARED_CHARACTERS:
        return None
    return answer_key(answer.text)


def _canonical(arguments_json: str) -> str:
    """Returns the arguments of a call with sorted names, or as they are if they are no JSON."""
    try:
        return json.dumps(json.loads(arguments_json), sort_keys=True, ensure_ascii=False)
    except (ValueError, RecursionError):
        return arguments_json.strip()


def _shown(final: str | None) -> str | None:
    if final is None or len(final) <= MAX_SHOWN_CHARACTERS:
        return final
    return final[: MAX_SHOWN_CHARACTERS - 1] + "…"
