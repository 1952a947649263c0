"""Reads JSON objects field by field, and records everything that is wrong with them.

Only types are checked here: the router checks ranges, and what goes together.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from services.gateway.api import ApiError, ErrorKind, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set

MAX_PROBLEMS = 50
_MAX_SHOWN_CHARACTERS = 100
_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)


class Problems:
    """The problems found so far in one request."""

    def __init__(self) -> None:
        self._found: list[Problem] = []
        self._count = 0

    def add(self, field: str, description: str) -> None:
        """Records that a field is wrong."""
        self._count += 1
        if len(self._found) < MAX_PROBLEMS:
            self._found.append(Problem(field=shown(field), description=description))

    def raise_if_any(self) -> None:
        """Raises an error that names the problems, if there are any."""
        if not self._count:
            return
        text = "; ".join(f"{p.field}: {p.description}" for p in self._found)
        if self._count > len(self._found):
            text += f"; and {self._count - len(self._found)} more"
        raise ApiError(
            ErrorKind.INVALID_REQUEST,
            text,
            problems=self._found,
            code="ERROR_REASON_INVALID_FIELD",
        )


class Fields:
    """One JSON object of a request. A field that is null counts as absent.

    Args:
        values: The object.
        path: Its path in the body; empty for the body itself.
        problems: Where problems are recorded.
    """

    def __init__(self, values: Mapping[str, Any], path: str, problems: Problems) -> None:
        self.values = values
        self.path = path
        self.problems = problems

    def path_of(self, name: str) -> str:
        """Returns the path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def wrong(self, name: str, description: str) -> None:
        """Records that a field is wrong."""
        self.problems.add(self.path_of(name), description)

    def has(self, name: str) -> bool:
        """True if the field is there and not null."""
        return self.values.get(name) is not None

    def unknown(self, known: Set[str]) -> Iterator[str]:
        """Yields the names of the fields that are not known."""
        return (name for name in self.values if name not in known)

    def text(self, name: str) -> str | None:
        """Returns a text; None if it is absent or wrong."""
        value = self.values.get(name)
        if value is None or isinstance(value, str):
            return value
        self.wrong(name, f"must be a string, is {kind_of(value)}")
        return None

    def required_text(self, name: str) -> str:
        """Returns a text that must be there; an empty one if it is wrong."""
        if not self.has(name):
            self.wrong(name, "is required")
            return ""
        return self.text(name) or ""

    def flag(self, name: str) -> bool | None:
        """Returns true or false; None if it is absent or wrong."""
        value = self.values.get(name)
        if value is None or isinstance(value, bool):
            return value
        self.wrong(name, f"must be true or false, is {kind_of(value)}")
        return None

    def number(self, name: str) -> float | None:
        """Returns a finite number; None if it is absent or wrong."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong(name, f"must be a number, is {kind_of(value)}")
            return None
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.wrong(name, "is too large")
            return None
        return number

    def integer(self, name: str, *, bits: int = 32) -> int | None:
        """Returns a whole number of 32 or 64 bits; None if it is absent or wrong."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(name, f"must be an integer, is {kind_of(value)}")
            return None
        if value not in (_INT64 if bits == 64 else _INT32):
            self.wrong(name, "is out of range")
            return None
        return value

    def choice(self, name: str, options: Sequence[str]) -> str | None:
        """Returns one of the options; None if it is absent or wrong."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, str) and value in options:
            return value
        self.wrong(name, f"must be one of {', '.join(options)}")
        return None

    def object(self, name: str) -> Fields | None:
        """Returns an object; None if it is absent or wrong."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, dict):
            return Fields(value, self.path_of(name), self.problems)
        self.wrong(name, f"must be an object, is {kind_of(value)}")
        return None

    def items(self, name: str) -> Sequence[Any]:
        """Returns a list; an empty one if it is absent or wrong."""
        value = self.values.get(name)
        if isinstance(value, list):
            return value
        if value is not None:
            self.wrong(name, f"must be a list, is {kind_of(value)}")
        return ()

    def objects(self, name: str) -> Iterator[Fields]:
        """Yields the objects of a list; records what is no object."""
        for number, item in enumerate(self.items(name)):
            if isinstance(item, dict):
                yield Fields(item, f"{self.path_of(name)}[{number}]", self.problems)
            else:
                self.wrong(f"{name}[{number}]", f"must be an object, is {kind_of(item)}")

    def texts(self, name: str) -> list[str]:
        """Returns the texts of a list; records what is no text."""
        found = []
        for number, item in enumerate(self.items(name)):
            if isinstance(item, str):
                found.append(item)
            else:
                self.wrong(f"{name}[{number}]", f"must be a string, is {kind_of(item)}")
        return found


def kind_of(value: object) -> str:
    """Returns the name that JSON has for the type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"


def shown(text: str) -> str:
    """Returns a text of the caller, cut, as it is put in a message."""
    return text if len(text) <= _MAX_SHOWN_CHARACTERS else f"{text[:_MAX_SHOWN_CHARACTERS]}..."
