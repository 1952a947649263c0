"""A JSON schema -> a value that fits it, for simple schemas."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_MAX_DEPTH = 8
_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T12:00:00Z",
    "time": "12:00:00Z",
    "email": "someone@example.org",
    "uri": "https://example.org/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def sample_value(schema: Mapping[str, Any], text: str) -> Any:
    """Returns a value that fits a schema.

    Args:
        schema: The schema. Patterns, conditions and negations are ignored.
        text: The value of strings; its first number is the value of numbers.
    """
    return _Sample(schema, text).value(schema, 0)


class _Sample:
    def __init__(self, root: Mapping[str, Any], text: str) -> None:
        self._root = root
        self._text = text
        found = NUMBER.search(text)
        self._number = float(found[0]) if found else 1.0

    def value(self, schema: Any, depth: int) -> Any:
        """Returns a value for a part of the schema."""
        if not isinstance(schema, dict) or depth > _MAX_DEPTH:
            return None
        if "$ref" in schema:
            return self.value(self._referred(schema["$ref"]), depth + 1)
        for name in ("const", "default"):
            if name in schema:
                return schema[name]
        if schema.get("enum"):
            return self._one_of(schema["enum"])
        for name in ("anyOf", "oneOf", "allOf"):
            if schema.get(name):
                return self.value({**schema, name: None, **schema[name][0]}, depth + 1)
        return self._of_kind(_kind(schema), schema, depth)

    def _of_kind(self, kind: str, schema: dict[str, Any], depth: int) -> Any:
        match kind:
            case "object":
                properties = schema.get("properties", {})
                required = schema.get("required", ())
                return {
                    name: self.value(inner, depth + 1)
                    for name, inner in properties.items()
                    if depth < _MAX_DEPTH // 2 or name in required
                }
            case "array":
                count = max(1, schema.get("minItems", 1))
                count = min(count, schema.get("maxItems", count))
                return [self.value(schema.get("items", {}), depth + 1) for _ in range(count)]
            case "integer" | "number":
                return self._number_in(schema, whole=kind == "integer")
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return self._string(schema)

    def _referred(self, reference: object) -> Any:
        found: Any = self._root
        for name in str(reference).removeprefix("#").strip("/").split("/"):
            found = found.get(name) if name and isinstance(found, dict) else found
        return found

    def _one_of(self, values: list[Any]) -> Any:
        """Returns the value that the text names, or else the first."""
        text = self._text.casefold()
        return next((v for v in values if str(v).casefold() in text), values[0])

    def _number_in(self, schema: dict[str, Any], *, whole: bool) -> float | int:
        number = self._number
        above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        least, most = schema.get("minimum"), schema.get("maximum")
        if above is not None and number <= above:
            number = above + 1
        if below is not None and number >= below:
            number = below - 1
        number = number if least is None else max(number, least)
        number = float(number if most is None else min(number, most))
        return int(number) if whole or number.is_integer() else number

    def _string(self, schema: dict[str, Any]) -> str:
        text = _FORMATS.get(schema.get("format", ""), self._text)
        return text.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind is None and "properties" in schema:
        return "object"
    return str(kind or "string")
