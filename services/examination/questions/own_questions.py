"""Reads a user's own questions: routing records with a right answer in ``gold``.

One JSON object per line; ``docs/examination.md`` is the format.
"""

from __future__ import annotations

import gzip
import json
import zlib
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

from services.examination.questions.checkers.checker import Checker, Reply
from services.examination.questions.checkers.json_answer import JsonAnswer
from services.examination.questions.checkers.list_answer import ListAnswer
from services.examination.questions.checkers.number_answer import NumberAnswer
from services.examination.questions.checkers.text_answer import TextAnswer
from services.examination.questions.question import LEVELS, Draft, Question
from services.examination.questions.vocabulary import LANGUAGES, Language, answer_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_MAX_LISTED = 100
_USUAL_LEVEL = 3


class OwnQuestionsError(Exception):
    """Raised when a file of questions cannot be used; the message lists every problem."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        """Lists the first problems and counts the others."""
        listed = problems[:_MAX_LISTED]
        if len(problems) > _MAX_LISTED:
            listed.append(f"and {len(problems) - _MAX_LISTED} more")
        super().__init__("\n".join((f"{path} cannot be used:", *listed)))
        self.problems = tuple(problems)


class _Refused(Exception):  # noqa: N818  # one line's problem, never seen outside
    """Raised for a line that is no question."""


def read_own_questions(path: Path) -> list[Question]:
    """Reads a file of questions, as a whole or not at all.

    Raises:
        OwnQuestionsError: The file cannot be read or has bad lines; each one is named.
    """
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise OwnQuestionsError(path, [str(error)]) from error
    found: list[Question] = []
    problems: list[str] = []
    first_lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            question = _question(_fields(line), number)
            _refuse_repeats(question, number, first_lines)
            found.append(question)
        except _Refused as refused:
            problems.append(f"line {number}: {refused}")
    if not found and not problems:
        problems.append("it holds no question")
    if problems:
        raise OwnQuestionsError(path, problems)
    return found


def _fields(line: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        message = f"is no JSON: {error}"
        raise _Refused(message) from error
    if not isinstance(fields, dict):
        message = "is no JSON object"
        raise _Refused(message)
    return fields


def _question(fields: Mapping[str, Any], number: int) -> Question:
    prompt = fields.get("question") or fields.get("query")
    if not isinstance(prompt, str) or not prompt.strip():
        message = "query is missing or no text"
        raise _Refused(message)
    level, language = fields.get("level", _USUAL_LEVEL), fields.get("language", "en")
    if type(level) is not int or level not in LEVELS:
        message = f"level is {level!r}; it has to be 0 to 5"
        raise _Refused(message)
    if language not in LANGUAGES:
        message = f"language is {language!r}; it has to be one of {', '.join(LANGUAGES)}"
        raise _Refused(message)
    checker, reference = _checker(fields.get("gold"), language)
    if checker.check(reference).score < 1:
        message = "gold is not marked as right by its own checker; write it in a simpler form"
        raise _Refused(message)
    return Question(
        id=str(fields.get("id") or f"own-{number}"),
        kind=str(fields.get("task") or "own"),
        level=level,
        language=language,
        draft=Draft(prompt=prompt, checker=checker, reference=reference),
    )


def _refuse_repeats(question: Question, number: int, first_lines: dict[str, int]) -> None:
    """Refuses an id or a query of an earlier line."""
    query = " ".join(question.prompt.split()).casefold()
    for what, key in (("id", f"id {question.id}"), ("query", f"query {query}")):
        first = first_lines.setdefault(key, number)
        if first != number:
            message = f"has the {what} of line {first}"
            raise _Refused(message)


def _checker(gold: object, language: Language) -> tuple[Checker, Reply]:
    """Returns the checker for a right answer, by its type."""
    if gold is None or gold in ("", [], {}):
        message = "has no checker: gold, the right answer, is missing or empty"
        raise _Refused(message)
    for kind, build in _CHECKERS.items():
        if isinstance(gold, kind) and not isinstance(gold, bool):
            return build(gold, language)
    message = "gold has to be a text, a number, a list of texts or an object"
    raise _Refused(message)


def _number(gold: Any, language: Language) -> tuple[Checker, Reply]:
    try:
        number = Fraction(str(gold))
    except ValueError as error:  # NaN and infinity
        message = "gold is no finite number"
        raise _Refused(message) from error
    return NumberAnswer(number, language), Reply(answer_line(language, gold))


def _text(gold: str, language: Language) -> tuple[Checker, Reply]:
    return TextAnswer(gold), Reply(answer_line(language, gold))


def _list(gold: list[object], language: Language) -> tuple[Checker, Reply]:
    if not all(isinstance(item, str) for item in gold):
        message = "gold is a list with something that is no text"
        raise _Refused(message)
    items = tuple(cast("list[str]", gold))
    return ListAnswer(items), Reply(answer_line(language, ", ".join(items)))


def _object(gold: dict[str, Any], _language: Language) -> tuple[Checker, Reply]:
    return JsonAnswer(gold), Reply(json.dumps(gold, ensure_ascii=False))


_CHECKERS: Mapping[Any, Callable[[Any, Language], tuple[Checker, Reply]]] = {
    (int, float): _number,
    str: _text,
    list: _list,
    dict: _object,
}
