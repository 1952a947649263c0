"""`python -m services.examination questions`: shows questions with their right answers."""

from __future__ import annotations

import argparse
import json
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.examination.questions.generation import ExhaustedError, questions
from services.examination.questions.kinds import KINDS
from services.examination.questions.own_questions import OwnQuestionsError, read_own_questions
from services.examination.questions.question import LEVELS, Question
from services.examination.questions.vocabulary import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CELL = 60


def main(arguments: Sequence[str]) -> int:
    """Prints questions; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        found = read_own_questions(options.file) if options.file else list(_generated(options))
    except (OwnQuestionsError, ExhaustedError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    lines = map(json_line, found) if options.json else table(found)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def json_line(question: Question) -> str:
    """Returns a question as one line of JSON."""
    draft = question.draft
    fields: dict[str, Any] = {
        "id": question.id,
        "kind": question.kind,
        "level": question.level,
        "language": question.language,
        "prompt": draft.prompt,
        "answer": _answer(question),
    }
    if draft.tools:
        fields["tools"] = [
            {"name": each.name, "description": each.description, "parameters": each.parameters}
            for each in draft.tools
        ]
    if draft.schema:
        fields["schema"] = draft.schema
    return json.dumps(fields, ensure_ascii=False)


def table(found: Sequence[Question]) -> Iterator[str]:
    """Yields the lines of a table with shortened texts."""
    width = max((len(question.id) for question in found), default=0)
    yield f"{'id':{width}}  {'prompt':{_CELL}}  answer"
    for question in found:
        prompt, answer = _shortened(question.prompt), _shortened(_answer(question))
        yield f"{question.id:{width}}  {prompt:{_CELL}}  {answer}"


def _generated(options: argparse.Namespace) -> Iterator[Question]:
    for kind in options.kind or KINDS:
        for level in options.level or LEVELS:
            for language in options.language or LANGUAGES[:1]:
                yield from islice(questions(kind, level, language, options.seed), options.count)


def _answer(question: Question) -> str:
    reference = question.draft.reference
    calls = (f"{call.name}({call.arguments})" for call in reference.tool_calls)
    return reference.text or " ".join(calls)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _CELL else f"{line[: _CELL - 1]}…"


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 1_000:
        message = "has to be 1 to 1000"
        raise argparse.ArgumentTypeError(message)
    return count


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m services.examination", description=__doc__)
    command = parser.add_subparsers(required=True).add_parser(
        "questions", help="show questions with their right answers"
    )
    command.add_argument("--kind", action="append", choices=list(KINDS), help="default: all")
    command.add_argument("--level", action="append", type=int, choices=LEVELS, help="default: all")
    command.add_argument("--language", action="append", choices=LANGUAGES, help="default: en")
    command.add_argument("--count", type=_count, default=1, help="of each, 1 to 1000; default: 1")
    command.add_argument("--seed", type=int, default=0, help="default: 0")
    command.add_argument("--file", type=Path, help="show the questions of a file instead")
    command.add_argument("--json", action="store_true", help="JSON lines, with the whole texts")
    return parser
