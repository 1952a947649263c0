"""JSON of a request -> checked values. All problems are collected, none ends the reading.

A field that is null counts as absent, as the APIs have it.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from services.gateway.api import ApiError, ErrorKind, Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

MAX_PROBLEMS = 20
"""Problems that an error names; further ones are counted."""
_INT32 = 2**31 - 1
_INT64 = 2**63 - 1


class Problems:
    """The problems found so far in one request."""

    def __init__(self) -> None:
        self._found: list[Problem] = []
        self._left_out_count = 0

    def add(self, field: str, description: str) -> None:
        """Records a problem."""
        if len(self._found) == MAX_PROBLEMS:
            self._left_out_count += 1
            return
        self._found.append(Problem(field=field, description=description))

    def raise_if_any(self) -> None:
        """Raises an `ApiError` that names the problems, if there are any."""
        if not self._found:
            return
        text = "; ".join(f"{problem.field}: {problem.description}" for problem in self._found)
        if self._left_out_count:
            text += f"; and {self._left_out_count} more"
        raise ApiError(ErrorKind.INVALID_REQUEST, text, problems=self._found)


class Fields:
    """The fields of one JSON object."""

    def __init__(self, values: Mapping[str, Any], problems: Problems, path: str = "") -> None:
        self._values = values
        self._path = path
        self._problems = problems

    def path(self, name: str) -> str:
        """Returns the path of a field in the body."""
        return f"{self._path}.{name}" if self._path else name

    def problem(self, name: str, description: str) -> None:
        """Records a problem of a field; of the object itself if the name is empty."""
        self._problems.add(self.path(name) if name else self._path, description)

    def raw(self, name: str) -> Any:  # JSON
        """Returns a value as it was parsed; None if it is absent."""
        return self._values.get(name)

    def has(self, name: str) -> bool:
        """Returns whether a field has a value."""
        return self._values.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        """Returns a text."""
        value = self._values.get(name)
        if value is None:
            return default
        return self._as_text(name, value)

    def required_text(self, name: str) -> str:
        """Returns a text that may be neither absent nor empty."""
        value = self._values.get(name)
        if value is None or value == "":
            self.problem(name, "is required")
            return ""
        return self._as_text(name, value)

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        """Returns one of several words; the default if the field is absent or another word."""
        value = self.text(name, default)
        if value not in choices:
            if isinstance(self._values.get(name), str):
                self.problem(name, f"must be one of {', '.join(choices)}")
            return default
        return value

    def boolean(self, name: str) -> bool | None:
        """Returns true or false; None if it is absent."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, bool):
            self.problem(name, "must be true or false")
            return None
        return value

    def integer(self, name: str) -> int | None:
        """Returns a whole number of 32 bits; None if it is absent."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            self.problem(name, "must be a whole number")
        elif not -_INT32 <= value <= _INT32:
            self.problem(name, f"must be at most {_INT32:,}")
        else:
            return value
        return None

    def number(self, name: str) -> float | None:
        """Returns a finite number; None if it is absent."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.problem(name, "must be a number")
        elif abs(value) > _INT64 or not math.isfinite(value):
            self.problem(name, "must be a finite number")
        else:
            return float(value)
        return None

    def nested(self, name: str) -> Fields | None:
        """Returns the fields of an object; None if it is absent."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.problem(name, "must be an object")
            return None
        return Fields(value, self._problems, self.path(name))

    def objects(self, name: str) -> Iterator[Fields]:
        """Yields the objects of a list; nothing if it is absent."""
        for path, value in self._items(name):
            if isinstance(value, dict):
                yield Fields(value, self._problems, path)
            else:
                self._problems.add(path, "must be an object")

    def texts(self, name: str) -> list[str]:
        """Returns the texts of a list."""
        found = []
        for path, value in self._items(name):
            if isinstance(value, str) and _is_unicode(value):
                found.append(value)
            else:
                self._problems.add(path, "must be a string")
        return found

    def text_map(self, name: str) -> dict[str, str]:
        """Returns texts by name."""
        fields = self.nested(name)
        if fields is None:
            return {}
        names = [key for key in fields.names() if _is_unicode(key)]
        if len(names) < len(fields.names()):
            fields.problem("", "has a name that is no Unicode text")
        return {key: fields.text(key) for key in names if fields.has(key)}

    def json_text(self, name: str) -> str:
        """Returns an object as JSON text, e.g. a schema; empty if it is absent."""
        value = self._values.get(name)
        if value is None:
            return ""
        if not isinstance(value, dict):
            self.problem(name, "must be an object")
            return ""
        return json.dumps(value, separators=(",", ":"))

    def names(self) -> list[str]:
        """Returns the names of the fields."""
        return list(self._values)

    def refuse_unknown(self, known: Collection[str], description: str) -> None:
        """Records every field that has none of the names."""
        for name in self._values:
            if name not in known:
                self.problem(name if _is_unicode(name) else "", description)

    def _items(self, name: str) -> Iterator[tuple[str, Any]]:
        value = self._values.get(name)
        if value is None:
            return
        if not isinstance(value, list):
            self.problem(name, "must be a list")
            return
        for number, item in enumerate(value):
            yield f"{self.path(name)}[{number}]", item

    def _as_text(self, name: str, value: object) -> str:
        if not isinstance(value, str):
            self.problem(name, "must be a string")
        elif not _is_unicode(value):
            self.problem(name, "must be Unicode text; it holds half of a surrogate pair")
        else:
            return value
        return ""


def _is_unicode(text: str) -> bool:
    """Returns whether a text can be sent; JSON can hold half of a surrogate pair, UTF-8 cannot."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
