"""Values of a request that are passed on as JSON, or by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import to_json

from services.gateway.fields import kind_of

if TYPE_CHECKING:
    from services.gateway.fields import Fields


def json_text(fields: Fields, name: str) -> str:
    """Returns an object as JSON text, e.g. a schema; an empty text if it is absent or wrong."""
    found = fields.object(name)
    if found is None:
        return ""
    return to_json(found.values).decode()


def texts_by_name(fields: Fields, name: str) -> dict[str, str]:
    """Returns the texts of an object; records what is no text."""
    found = fields.object(name)
    if found is None:
        return {}
    texts = {}
    for key, value in found.values.items():
        if isinstance(value, str):
            texts[key] = value
        elif value is not None:
            found.wrong(key, f"must be a string, is {kind_of(value)}")
    return texts
