"""JSON in one form: equal values have equal texts, however a model wrote them. Pure.

Keys are sorted, numbers that are equal are written alike, and defaults of a schema are filled in.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

_MAX_DEPTH = 100
"""Values that are nested deeper are refused; no answer needs them, and recursion has an end."""
_FENCE = "```"


def read_json(text: str) -> JsonValue:
    """Returns the value of a JSON text, whole numbers as `int`.

    Raises:
        ValueError: The text is no JSON, has a number that is out of range, or is nested too deeply.
    """
    try:
        return _normal(json.loads(text, parse_constant=_refuse_constant), 0)
    except RecursionError as error:
        message = "is nested too deeply"
        raise ValueError(message) from error


def canonical(value: JsonValue) -> str:
    """Returns the text of a value that `read_json` returned."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def bare_json(text: str) -> str:
    """Returns the JSON in a reply, without a code fence and the words around it.

    A text without JSON is returned unchanged.
    """
    stripped = text.strip().removeprefix("\ufeff")
    if _is_json(stripped):
        return stripped
    blocks = _fenced(stripped)
    return blocks[0] if len(blocks) == 1 and _is_json(blocks[0]) else text


def with_defaults(value: JsonValue, schema: JsonValue) -> JsonValue:
    """Returns a value with the defaults of its schema for properties that are absent."""
    return _filled(value, schema, schema, 0)


def _fenced(text: str) -> list[str]:
    """Returns what stands in code fences."""
    blocks: list[str] = []
    block: list[str] | None = None
    for line in text.splitlines():
        if not line.lstrip().startswith(_FENCE):
            if block is not None:
                block.append(line)
        elif block is None:
            block = []
        else:
            blocks.append("\n".join(block).strip())
            block = None
    return blocks


def _is_json(text: str) -> bool:
    try:
        read_json(text)
    except ValueError:
        return False
    return True


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is no JSON"
    raise ValueError(message)


def _normal(value: JsonValue, depth: int) -> JsonValue:
    if depth > _MAX_DEPTH:
        message = "is nested too deeply"
        raise ValueError(message)
    match value:
        case dict():
            return {_normal_text(key): _normal(each, depth + 1) for key, each in value.items()}
        case list():
            return [_normal(each, depth + 1) for each in value]
        case str():
            return _normal_text(value)
        case float():
            if math.isinf(value):
                message = "has a number that is out of range"
                raise ValueError(message)
            return int(value) if value.is_integer() else value
        case _:
            return value


def _normal_text(text: str) -> str:
    text.encode()  # half a surrogate pair is refused
    return text


def _filled(value: JsonValue, schema: JsonValue, root: JsonValue, depth: int) -> JsonValue:
    schema = _resolved(schema, root)
    if not isinstance(schema, dict) or depth > _MAX_DEPTH:
        return value
    if isinstance(value, list):
        return [_filled(each, schema.get("items"), root, depth + 1) for each in value]
    properties = schema.get("properties")
    if not isinstance(value, dict) or not isinstance(properties, dict):
        return value
    filled = dict(value)
    for name, described in properties.items():
        own = _resolved(described, root)
        if name in filled:
            filled[name] = _filled(filled[name], own, root, depth + 1)
        elif isinstance(own, dict) and "default" in own:
            filled[name] = own["default"]
    return filled


def _resolved(schema: JsonValue, root: JsonValue) -> JsonValue:
    """Returns the part of the root that a schema refers to; the schema itself if it refers to none."""
    for _ in range(_MAX_DEPTH):
        if not isinstance(schema, dict):
            return schema
        reference = schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#"):
            return schema
        schema = _at(root, reference.removeprefix("#"))
    return None


def _at(root: JsonValue, pointer: str) -> JsonValue:
    found = root
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or key not in found:
            return None
        found = found[key]
    return found
