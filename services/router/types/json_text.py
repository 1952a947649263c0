"""Reads JSON strictly: no numbers outside of JSON, and bounded in depth."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    JsonValue = None | bool | int | float | str | list[Any] | dict[str, Any]

MAX_DEPTH = 128
"""Deepest nesting of lists and objects."""


class JsonTextError(ValueError):
    """Raised for a text that is no JSON; its text gives the reason without the content."""


def read_json(text: str) -> JsonValue:
    """Returns the value of a JSON text.

    Raises:
        JsonTextError: It is no JSON, has a number that JSON cannot hold, or is nested too deeply.
    """
    try:
        text.encode()
        value: JsonValue = json.loads(text, parse_constant=_refused, parse_float=_finite)
        if "\\u" in text:  # it may stand for half of a surrogate pair
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        message = "is no Unicode"
        raise JsonTextError(message) from error
    except json.JSONDecodeError as error:
        message = f"is no JSON: {error.msg} at character {error.pos:,}"
        raise JsonTextError(message) from error
    except JsonTextError:
        raise
    except RecursionError as error:
        raise JsonTextError(_TOO_DEEP) from error
    except ValueError as error:  # an integer of thousands of digits
        message = "is no JSON: it has a number that is too long"
        raise JsonTextError(message) from error
    if is_too_deep(value):
        raise JsonTextError(_TOO_DEEP)
    return value


def is_too_deep(value: JsonValue) -> bool:
    """Returns whether lists and objects are nested more deeply than `MAX_DEPTH`."""
    level: Iterable[JsonValue] = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [child for item in level for child in children(item)]
        if not level:
            return False
    return True


def children(value: JsonValue) -> Iterable[JsonValue]:
    """Returns the items of a list, or the values of an object; nothing for any other value."""
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


_TOO_DEEP = f"is nested more deeply than {MAX_DEPTH} levels"


def _refused(name: str) -> float:
    message = f"is no JSON: {name} is no number of JSON"
    raise JsonTextError(message)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        message = "is no JSON: it has a number that is too large"
        raise JsonTextError(message)
    return number
