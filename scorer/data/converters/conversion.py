"""Turns the candidates of a converter into validated records, with one error at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from scorer.data.converters.notes import Notes
from scorer.data.lines import Problems
from scorer.data.records import RecordIntake

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scorer.data.records import Record

T = TypeVar("T")


class Watch(Protocol):
    """Yields items, and shows the progress."""

    def __call__(self, items: Iterable[T], description: str, total: int | None) -> Iterable[T]:
        """Yields the items; their number is None if it is not known."""


def unwatched(items: Iterable[T], description: str, total: int | None) -> Iterable[T]:  # noqa: ARG001
    """Yields the items, and shows nothing."""
    return items


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """One conversion: its problems, its notes, and the display of its progress."""

    problems: Problems = field(default_factory=Problems)
    notes: Notes = field(default_factory=Notes)
    watch: Watch = unwatched


class ConversionError(Exception):
    """Raised when sources cannot be converted; each problem names its file and line."""

    def __init__(self, problems: Problems) -> None:
        super().__init__("; ".join(problems.listed))
        self.problems = tuple(problems.listed)
        self.unlisted = problems.unlisted


def converted(
    candidates: Iterable[tuple[str, dict[str, object]]], problems: Problems
) -> Iterator[Record]:
    """Yields the valid records among the candidates.

    Args:
        candidates: The file and line of each record, and its fields; reading them may add problems.
        problems: Problems of the sources themselves.

    Raises:
        ConversionError: At the end, if there was a problem or no record.
    """
    intake = RecordIntake(problems)
    empty = True
    for where, fields in candidates:
        record = intake.take(fields, where)
        if record:
            empty = False
            yield record
    if empty and not problems:
        problems.add("the sources hold no record")
    if problems:
        raise ConversionError(problems)
