"""Marks a JSON object: bare, in a code fence or after a sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.examination.questions.checkers.checker import RIGHT, Reply, Verdict, wrong

_MAX_CHARACTERS = 50_000
_MAX_OBJECTS = 100


class _RepeatedKeyError(ValueError):
    """Raised for an object that names a key twice."""


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """Expects an object with exactly these fields and types."""

    expected: Mapping[str, Any]

    def check(self, reply: Reply) -> Verdict:
        """Marks the last JSON object of a reply."""
        try:
            found = last_object(reply.text)
        except _RepeatedKeyError:
            return wrong("a key is named twice")
        if found is None:
            return wrong("no JSON object")
        if found.keys() != self.expected.keys():
            return wrong("other fields")
        different = [key for key in found if not same(found[key], self.expected[key])]
        return wrong(f"wrong fields: {', '.join(different)}") if different else RIGHT


def same(found: object, expected: object) -> bool:
    """Returns whether two JSON values are equal; `true` is not 1, and `"1"` is not 1."""
    if isinstance(found, bool) or isinstance(expected, bool):
        return found is expected
    if isinstance(found, dict) and isinstance(expected, Mapping):
        return found.keys() == expected.keys() and all(same(found[k], expected[k]) for k in found)
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(found, str) and isinstance(expected, str):
        return found.strip() == expected
    return found == expected


def last_object(text: str) -> dict[str, Any] | None:
    """Returns the last JSON object that is in no other one."""
    text = text[-_MAX_CHARACTERS:]
    decoder = json.JSONDecoder(object_pairs_hook=_without_repeats)
    found, place = None, text.find("{")
    for _ in range(_MAX_OBJECTS):
        if place < 0:
            break
        try:
            found, place = decoder.raw_decode(text, place)
        except _RepeatedKeyError:
            raise
        except (ValueError, RecursionError):
            place += 1
        place = text.find("{", place)
    return found


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise _RepeatedKeyError
    return fields
