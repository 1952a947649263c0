"""JSON in one form: equal values have equal texts, however a model wrote them. Pure.

Keys are sorted, numbers that are equal are written alike, and defaults of a schema are filled in.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from services.router.types.json_text import MAX_DEPTH, JsonTextError, read_json

if TYPE_CHECKING:
    from services.router.types.json_text import JsonValue

_FENCE = "```"


def canonical(value: JsonValue) -> str:
    """Returns the text of a value that `read_json` returned."""
    return json.dumps(_normal(value), sort_keys=True, separators=(",", ":"))


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
    for line in text.split("\n"):
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
    except JsonTextError:
        return False
    return True


def _normal(value: JsonValue) -> JsonValue:
    """Returns a value in which whole numbers are integers."""
    match value:
        case dict():
            return {key: _normal(each) for key, each in value.items()}
        case list():
            return [_normal(each) for each in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _filled(value: JsonValue, schema: JsonValue, root: JsonValue, depth: int) -> JsonValue:
    schema = _resolved(schema, root)
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
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
    for _ in range(MAX_DEPTH):
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
