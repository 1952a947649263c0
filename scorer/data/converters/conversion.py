"""Turns the candidates of a converter into validated records, with one error at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer.data.records import RecordIntake

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scorer.data.lines import Problems
    from scorer.data.records import Record


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
