"""Reads typed fields out of parsed JSON or TOML, and collects every problem."""

from __future__ import annotations

import enum
import math
import tomllib
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

T = TypeVar("T")
Choice = TypeVar("Choice", bound=enum.StrEnum)


class ProblemsError(Exception):
    """Raised when a file or directory cannot be used; ``problems`` lists every reason.

    ``unlisted`` counts the reasons that were too many to list.
    """

    def __init__(self, path: Path, problems: Sequence[str], *, unlisted: int = 0) -> None:
        rest = [f"and {unlisted} more"] if unlisted else []
        super().__init__(f"{path}: " + "; ".join([*problems, *rest]))
        self.path = path
        self.problems = tuple(problems)
        self.unlisted = unlisted


class FieldReader:
    """Reads one JSON object; a bad field adds a problem and yields an empty value of its type."""

    def __init__(
        self, document: object, *, at: str = "", problems: list[str] | None = None
    ) -> None:
        self.problems: list[str] = [] if problems is None else problems
        self._at = at
        self._asked: set[str] = set()
        self._fields: dict[str, object] = {}
        if isinstance(document, dict):
            self._fields = document
        else:
            self._complain("", f"must be an object, is {_kind(document)}")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all fields."""
        return tuple(self._fields)

    def text(self, name: str) -> str:
        """Returns a text that is not empty."""
        value = self._get(name, str, "a text", empty="")
        if value == "" and isinstance(self._fields.get(name), str):
            self._complain(name, "must not be empty")
        return value

    def optional_text(self, name: str) -> str:
        """Returns a text, which may be empty or absent."""
        if self._fields.get(name, "") == "":
            self._asked.add(name)
            return ""
        return self.text(name)

    def nullable_text(self, name: str) -> str:
        """Returns a text, or an empty one where the field is absent or null."""
        self._asked.add(name)
        return "" if self._fields.get(name) is None else self.optional_text(name)

    def choice(self, name: str, kind: type[Choice], *, absent: Choice | None = None) -> Choice:
        """Returns a member of ``kind``; a missing field is ``absent``, or else a problem."""
        text = self.text(name) if absent is None else self.optional_text(name) or absent
        try:
            return kind(text)
        except ValueError:
            if text:
                self._complain(name, f"is {text!r}; known: {', '.join(kind)}")
            return next(iter(kind))

    def integer(self, name: str, *, minimum: int) -> int:
        """Returns a whole number that is at least ``minimum``."""
        value = self._get(name, int, "a whole number", empty=minimum)
        if value < minimum:
            self._complain(name, f"must be at least {minimum}, is {value}")
        return value

    def number(self, name: str, *, minimum: float = -math.inf) -> float:
        """Returns a finite number that is at least ``minimum``."""
        empty = max(minimum, 0.0)
        value = float(self._get(name, (int, float), "a number", empty=empty))
        if not math.isfinite(value):
            self._complain(name, "must be finite")
        elif value < minimum:
            self._complain(name, f"must be at least {minimum:g}, is {value:g}")
        return value

    def optional_number(self, name: str) -> float | None:
        """Returns a finite number, or None where the field is absent or null."""
        self._asked.add(name)
        return None if self._fields.get(name) is None else self.number(name)

    def optional_boolean(self, name: str) -> bool | None:
        """Returns true or false, or None where the field is absent or null."""
        self._asked.add(name)
        value = self._fields.get(name)
        if value is None or isinstance(value, bool):
            return value
        self._complain(name, f"must be true or false, is {_kind(value)}")
        return None

    def has(self, name: str) -> bool:
        """Returns whether a field is there and not null."""
        return self._fields.get(name) is not None

    def distinct_texts(self, name: str) -> tuple[str, ...]:
        """Returns at least one text, none of them empty or repeated."""
        empty: list[object] = []
        values = self._get(name, list, "a list", empty=empty)
        texts = [value for value in values if isinstance(value, str) and value]
        if len(texts) < len(values):
            self._complain(name, "must hold only texts that are not empty")
        if values == [] and isinstance(self._fields.get(name), list):
            self._complain(name, "must not be empty")
        for text in sorted({text for text in texts if texts.count(text) > 1}):
            self._complain(name, f"names {text!r} {texts.count(text)} times")
        return tuple(texts)

    def optional_texts(self, name: str) -> tuple[str, ...]:
        """Returns ``distinct_texts``, or no text where the field is absent."""
        return self.distinct_texts(name) if name in self._fields else ()

    def items(self, name: str) -> list[FieldReader]:
        """Returns a reader of each object of a list."""
        empty: list[object] = []
        values = self._get(name, list, "a list", empty=empty)
        where = self._where(name)
        return [
            FieldReader(value, at=f"{where}[{index}]", problems=self.problems)
            for index, value in enumerate(values)
        ]

    def inner(self, name: str) -> FieldReader:
        """Returns a reader of a field that is an object."""
        empty: dict[str, object] = {}
        value = self._get(name, dict, "an object", empty=empty)
        return FieldReader(value, at=self._where(name), problems=self.problems)

    def optional_inner(self, name: str) -> FieldReader | None:
        """Returns a reader of a field that is an object, or None where it is absent."""
        return self.inner(name) if name in self._fields else None

    def text_by_name(self, name: str, *, optional: bool = False) -> dict[str, str]:
        """Returns an object whose values are texts; nothing where an optional field is absent."""
        if optional and name not in self._fields:
            return {}
        inner = self.inner(name)
        return {key: inner.text(key) for key in inner.names}

    def number_by_name(self, name: str) -> dict[str, float]:
        """Returns an object whose values are finite numbers."""
        inner = self.inner(name)
        return {key: inner.number(key) for key in inner.names}

    def reject_unread(self) -> None:
        """Adds a problem for each field that was not read: its name is unknown."""
        for name in sorted(self._fields.keys() - self._asked):
            self._complain(name, "is not a known field")

    def _get(self, name: str, kind: type[T] | tuple[type, ...], label: str, *, empty: T) -> T:
        self._asked.add(name)
        if name not in self._fields:
            self._complain(name, "is missing")
            return empty
        value = self._fields[name]
        # JSON's true is an int to Python and never one to us.
        if isinstance(value, kind) and not isinstance(value, bool):
            return value  # type: ignore[return-value]  # kind may be a tuple of T's forms
        self._complain(name, f"must be {label}, is {_kind(value)}")
        return empty

    def _where(self, name: str) -> str:
        return f"{self._at}.{name}" if self._at and name else self._at or name

    def _complain(self, name: str, complaint: str) -> None:
        self.problems.append(f"{self._where(name) or 'the document'} {complaint}")


def read_toml(path: Path, parse: Callable[[FieldReader], T], error: type[ProblemsError]) -> T:
    """Reads a TOML file and reports every problem at once.

    Args:
        path: The file.
        parse: Makes a value of the document, and adds to the reader's problems.
        error: Type of the error to raise.

    Raises:
        ProblemsError: The file is missing, is not TOML, or ``parse`` found problems.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as cause:  # whatever tomllib raises
        raise error(path, [f"cannot be read: {cause}"]) from cause
    reader = FieldReader(document)
    value = parse(reader)
    reader.reject_unread()
    if reader.problems:
        raise error(path, reader.problems)
    return value


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else kinds.get(type(value), "a number")
