"""Questions that occur more than once, inside a file of records and across files.

``query -> text and stem, normalised -> which rows of one file have a counterpart in another``

Two rows share a question if their texts are equal once letter case, spacing, prose punctuation and
Unicode form are set aside; or if that holds for the stem, the text before lettered choices, and one
of the two has no choices or they have a choice in common. Benchmarks reuse one another's questions
with more or fewer choices; a short stem such as "Which of these is true?" alone proves nothing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scorer.data.records import Record

MAX_EXAMPLES = 3

_DASHES = re.compile("[\u2010-\u2015\u2212]")
_BLANKS = re.compile("__+")
# Brackets and operators stay: to a formula they are what words are to prose. So does a decimal point.
_PROSE = re.compile("[,;:!?'\"`\u2018-\u201f\u00ab\u00bb\u3001\u3002]|\\.(?!\\d)")
_CHOICE = re.compile(r"^[ \t]*\(?([A-Z])[.):][ \t]*(\S.*)$", re.MULTILINE)
_LABEL_BEFORE = re.compile(r"^(question|q)\s*:", re.IGNORECASE)
_LABEL_AFTER = re.compile("(answer|options|choices|答案)\\s*[::]$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A query as it is compared."""

    text: str
    stem: str
    choices: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Which rows of one file have a counterpart in another, or elsewhere in the same file."""

    file: str
    other: str
    text_rows: frozenset[int]
    """Rows, from 0, whose whole text is also there."""
    stem_rows: frozenset[int]
    """Further rows whose question is there with other choices."""
    examples: tuple[tuple[str, str], ...]
    """Up to ``MAX_EXAMPLES`` pairs of ids of each kind, the second one in ``other``."""


def find_overlaps(files: Mapping[str, Sequence[Record]]) -> list[Overlap]:
    """Compares every file, by name, with every file and with itself."""
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
    """Takes a query apart."""
    body = _LABEL_BEFORE.sub("", query.strip())
    choices = _lettered_choices(body)
    stem = body[: choices[0].start()] if choices else body
    return Question(
        text=normalised(body),
        stem=normalised(_LABEL_AFTER.sub("", stem.strip())),
        choices=frozenset(normalised(choice.group(2)) for choice in choices),
    )


def normalised(text: str) -> str:
    """Returns what is left of a text without case, spacing, prose punctuation and Unicode form."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = _BLANKS.sub("_", _DASHES.sub("-", plain))
    words = _PROSE.sub(" ", plain).split()
    # A text of punctuation only is all there is to compare.
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


class _Index:
    """Where in a file each text and stem occurs; of each, the first two rows are enough."""

    def __init__(self, questions: Iterable[Question]) -> None:
        self._rows: dict[tuple[str, ...], list[int]] = {}
        for row, question in enumerate(questions):
            self._add(("text", question.text), row)
            self._add(("stem", question.stem), row)
            if not question.choices:
                self._add(("open", question.stem), row)
            for choice in question.choices:
                self._add(("choice", question.stem, choice), row)

    def find_text(self, question: Question, *, but: int | None) -> int | None:
        """Returns a row with the same text other than row ``but``, or None."""
        return self._find([("text", question.text)], but)

    def find_stem(self, question: Question, *, but: int | None) -> int | None:
        """Returns a row with the same stem and no contradiction in the choices, or None."""
        if not question.choices:
            return self._find([("stem", question.stem)], but)
        choices = [("choice", question.stem, choice) for choice in sorted(question.choices)]
        return self._find([("open", question.stem), *choices], but)

    def _add(self, key: tuple[str, ...], row: int) -> None:
        rows = self._rows.setdefault(key, [])
        if len(rows) < 2:
            rows.append(row)

    def _find(self, keys: Iterable[tuple[str, ...]], but: int | None) -> int | None:
        found = (row for key in keys for row in self._rows.get(key, ()) if row != but)
        return next(found, None)


def _overlap(
    file: tuple[str, Sequence[Question]],
    other: tuple[str, _Index],
    files: Mapping[str, Sequence[Record]],
) -> Overlap:
    (name, questions), (other_name, index) = file, other
    texts: dict[int, int] = {}
    stems: dict[int, int] = {}
    for row, question in enumerate(questions):
        but = row if name == other_name else None
        found = index.find_text(question, but=but)
        if found is not None:
            texts[row] = found
            continue
        found = index.find_stem(question, but=but)
        if found is not None:
            stems[row] = found
    shown = [*texts.items()][:MAX_EXAMPLES] + [*stems.items()][:MAX_EXAMPLES]
    return Overlap(
        file=name,
        other=other_name,
        text_rows=frozenset(texts),
        stem_rows=frozenset(stems),
        examples=tuple((files[name][a].id, files[other_name][b].id) for a, b in shown),
    )
