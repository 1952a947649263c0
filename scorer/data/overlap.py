"""Finds questions that occur more than once, within a file of records and across files.

``query -> text, stem and lines, normalised -> which rows of one file have a counterpart in another``

Letter case, spacing, prose punctuation and Unicode form do not count. Two rows share a question in one
of three ways. Their texts are equal. Or their stems are equal (the texts before lettered choices), and
one of the two has no choices or they have a choice in common: benchmarks reuse one another's questions
with more or fewer choices, and a stem such as "Which of these is true?" alone proves nothing. Or the
whole text of one is a line of the other, which has an instruction around it.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from scorer.data.records import Record

MAX_EXAMPLES = 3
"""Largest number of examples of one kind."""

MIN_LINE_CHARACTERS = 30
"""Shorter lines, such as "Is this true?", can be in two questions by chance."""

_DASHES = re.compile("[\u2010-\u2015\u2212]")
_BLANKS = re.compile("__+")
# Brackets, operators and decimal points stay: in a formula they carry meaning.
_PROSE = re.compile("[,;:!?'\"`\u2018-\u201f\u00ab\u00bb\u3001\u3002]|\\.(?!\\d)")
_CHOICE = re.compile(r"^[ \t]*\(?([A-Z])[.):][ \t]*(\S.*)$", re.MULTILINE)
_LABEL_BEFORE = re.compile(r"^(question|q)\s*:", re.IGNORECASE)
_LABEL_AFTER = re.compile("(answer|options|choices|答案)\\s*[::]$", re.IGNORECASE)


class Kind(enum.StrEnum):
    """The ways in which two rows share a question; of several, the first counts."""

    TEXT = "text"
    STEM = "stem"
    LINE = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A query in the form in which it is compared."""

    text: str
    stem: str
    choices: frozenset[str]
    lines: frozenset[str]
    """The lines of a text with more than one, without the short ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """The rows of one file with a counterpart in another, or elsewhere in the same file."""

    file: str
    other: str
    rows: Mapping[Kind, frozenset[int]]
    """Rows of ``file``, from 0, by kind; each is in one set at most."""
    examples: Mapping[Kind, tuple[tuple[str, str], ...]]
    """Up to ``MAX_EXAMPLES`` pairs of ids by kind, the second id from ``other``."""

    @property
    def all_rows(self) -> frozenset[int]:
        """All rows with a counterpart."""
        return frozenset().union(*self.rows.values())


def find_overlaps(files: Mapping[str, Sequence[Record]]) -> list[Overlap]:
    """Compares each file with each other and with itself."""
    questions = {
        name: [question_of(record.query) for record in records] for name, records in files.items()
    }
    indexes = {name: _Index(rows) for name, rows in questions.items()}
    return [
        _overlap((file, questions[file]), (other, indexes[other]), files)
        for file in files
        for other in files
    ]


def question_of(query: str) -> Question:
    """Returns a query in the form in which it is compared."""
    body = _LABEL_BEFORE.sub("", query.strip())
    choices = _lettered_choices(body)
    stem = body[: choices[0].start()] if choices else body
    return Question(
        text=normalised(body),
        stem=normalised(_LABEL_AFTER.sub("", stem.strip())),
        choices=frozenset(normalised(choice.group(2)) for choice in choices),
        lines=frozenset(_long(normalised(line) for line in body.splitlines()))
        if "\n" in body
        else frozenset(),
    )


def normalised(text: str) -> str:
    """Returns a text without differences of case, spacing, prose punctuation and Unicode form."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = _BLANKS.sub("_", _DASHES.sub("-", plain))
    words = _PROSE.sub(" ", plain).split()
    # A text of punctuation only is compared as it is.
    return " ".join(words or plain.split())


def _lettered_choices(body: str) -> list[re.Match[str]]:
    """Returns the last run of lines A, B, ... with at least two of them."""
    runs: list[list[re.Match[str]]] = []
    for match in _CHOICE.finditer(body):
        if match.group(1) == "A":
            runs.append([match])
        elif runs and ord(match.group(1)) == ord(runs[-1][-1].group(1)) + 1:
            runs[-1].append(match)
    return next((run for run in reversed(runs) if len(run) > 1), [])


def _long(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if len(line) >= MIN_LINE_CHARACTERS]


class _Index:
    """An index of a file's texts, stems and lines, with the first two rows of each."""

    def __init__(self, questions: Iterable[Question]) -> None:
        self._rows: dict[tuple[str, ...], list[int]] = {}
        for row, question in enumerate(questions):
            self._add(("text", question.text), row)
            self._add(("stem", question.stem), row)
            if not question.choices:
                self._add(("open", question.stem), row)
            for choice in question.choices:
                self._add(("choice", question.stem, choice), row)
            for line in question.lines:
                self._add(("line", line), row)

    def find(self, question: Question, *, but: int | None) -> tuple[Kind, int] | None:
        """Returns the kind and the row of a counterpart other than row ``but``, if there is one."""
        for kind, keys in _keys_of(question):
            for key in keys:
                for row in self._rows.get(key, ()):
                    if row != but:
                        return kind, row
        return None

    def _add(self, key: tuple[str, ...], row: int) -> None:
        rows = self._rows.setdefault(key, [])
        # A row can have the same line twice, once as its text.
        if len(rows) < 2 and row not in rows:
            rows.append(row)


def _keys_of(question: Question) -> Iterator[tuple[Kind, list[tuple[str, ...]]]]:
    """Yields the keys to look up in an index, in the order of ``Kind``."""
    yield Kind.TEXT, [("text", question.text)]
    if question.choices:
        choices = [("choice", question.stem, choice) for choice in sorted(question.choices)]
        yield Kind.STEM, [("open", question.stem), *choices]
    else:
        yield Kind.STEM, [("stem", question.stem)]
    inside = [("text", line) for line in sorted(question.lines)]
    yield Kind.LINE, [*(("line", text) for text in _long([question.text])), *inside]


def _overlap(
    file: tuple[str, Sequence[Question]],
    other: tuple[str, _Index],
    files: Mapping[str, Sequence[Record]],
) -> Overlap:
    (name, questions), (other_name, index) = file, other
    found: dict[Kind, dict[int, int]] = {kind: {} for kind in Kind}
    for row, question in enumerate(questions):
        counterpart = index.find(question, but=row if name == other_name else None)
        if counterpart:
            kind, other_row = counterpart
            found[kind][row] = other_row
    ids = [record.id for record in files[name]], [record.id for record in files[other_name]]
    return Overlap(
        file=name,
        other=other_name,
        rows={kind: frozenset(rows) for kind, rows in found.items()},
        examples={
            kind: tuple((ids[0][a], ids[1][b]) for a, b in [*rows.items()][:MAX_EXAMPLES])
            for kind, rows in found.items()
        },
    )
