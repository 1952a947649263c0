"""Parses a model's raw reply: its answer, self-score and grades. Never raises, whatever the text.

The answer is the reply without protocol text: users and other models see nothing else. Reasoning is
removed before (`backends/http/reader.py`). The rules, in this order:

1. Marks count only with the nonce of the call. The first one that a score follows, or nothing, ends
   the answer; if it comes first, the answer follows its object. One within a sentence is talk about
   the protocol: its line is removed.
2. The last mark with scores gives them. Scores that are missing, invalid or outside [0, 1] are
   absent, not zero.
3. Markup that framed the assessment is removed: fences, rules, bold, headings.
4. An assessment without the nonce, at the end or as a line with its mark outside of a fence, is
   removed with what follows it, and not believed (`litter.py`).
5. Clauses that are copied from the instruction are removed.
6. A reply that is one JSON object of `answer` and `self_score` is unwrapped and believed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.prompts.answer_filter import AnswerFilter
from services.router.prompts.assessments import Assessment, read_assessment
from services.router.prompts.litter import unsigned_line, unsigned_start, without_frame
from services.router.prompts.marks import Mark, MarkKind, marks_of
from services.router.prompts.prompts import INSTRUCTION_CLAUSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.router.prompts.prompts import Reference

# Atomic: the spaces of the first line are never divided anew, which would take quadratic time.
_FENCE = re.compile(r"^```[^\n]*(?>\n)(.*?)\n?```$", re.DOTALL)
_FIRST_LINE_END = re.compile(r"[^\w\n]*(?:\n|\Z)")
_CLAUSE = re.compile("|".join(re.escape(clause) for clause in INSTRUCTION_CLAUSES))
_QUOTES = " \t>*_`\"'-"
_DECODER = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The parts of a raw reply."""

    answer: str
    """Empty if the reply has none."""
    self_score: float | None = None
    grades: Mapping[str, float] = field(default_factory=dict)
    """Valid grades by the graded model's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Marked:
    """A mark of the call, the text from it to the next mark, and the scores there."""

    mark: Mark
    after: str
    assessment: Assessment

    @property
    def ends_answer(self) -> bool:
        """True if the mark begins an assessment, False if it is talk about one."""
        if not self.assessment.begins_in_prose:
            return True
        return self.mark.starts_line and self.assessment.has_scores


def read_answer(text: str, nonce: str) -> str:
    """Returns the answer in a reply to a call without an assessment."""
    answer = AnswerFilter(nonce)
    return (answer.feed(text) + answer.finish()).strip()


def read_reply(text: str, nonce: str, references: Sequence[Reference]) -> Reply:
    """Returns the answer and the scores in a reply.

    Args:
        text: The raw reply.
        nonce: The nonce of the call; marks with other nonces carry no scores.
        references: The references in the prompt, with their labels.
    """
    models = {reference.label: reference.model_id for reference in references}
    body, assessment = _split(text, nonce, tuple(models))
    return Reply(
        answer=_without_instructions(read_answer(body, nonce)).strip(),
        self_score=assessment.self_score,
        grades={
            models[label]: grade for label, grade in assessment.grades.items() if label in models
        },
    )


def _split(text: str, nonce: str, labels: Sequence[str]) -> tuple[str, Assessment]:
    """Returns the answer, still with marks of references in it, and the assessment."""
    marked = _marked(text, nonce, labels)
    if not marked:
        wrapped = _wrapped_answer(text, labels)
        return wrapped or (_without_unsigned(text, labels), Assessment())
    scored = [each for each in marked if each.assessment.has_scores and each.ends_answer]
    assessment = scored[-1].assessment if scored else Assessment()
    ending = next((each for each in marked if each.ends_answer), None)
    talk = [each.mark for each in marked if ending is None or each.mark.start < ending.mark.start]
    end = len(text) if ending is None else ending.mark.start
    body = _without_talk(text[:end], talk)
    if ending is None:
        return _without_unsigned(body, labels), assessment
    start = unsigned_start(body, labels, signed=True)
    if start is not None and not scored and ending.mark.kind is MarkKind.BARE:
        assessment = read_assessment(body[start:], labels)  # the nonce stands in the object
    framed = body if start is None else body[:start]
    return without_frame(framed, text[end:]) or _after(marked, framed), assessment


def _marked(text: str, nonce: str, labels: Sequence[str]) -> list[_Marked]:
    """Returns the marks of assessments, each with the text up to the next."""
    marks = [mark for mark in marks_of(text, nonce) if mark.kind is not MarkKind.REFERENCE]
    ends = [*(mark.start for mark in marks), len(text)][1:]
    marked = []
    for mark, end in zip(marks, ends, strict=True):
        after = text[mark.nonce_end : end]
        marked.append(_Marked(mark=mark, after=after, assessment=read_assessment(after, labels)))
    return marked


def _after(marked: Sequence[_Marked], framed: str) -> str:
    """Returns the answer after an assessment that comes first."""
    first = next(each for each in marked if each.ends_answer)
    wrapped = _wrapped_answer(first.after, ())
    if wrapped is not None:
        return wrapped[0]
    rest = first.after[first.assessment.end :]
    line_end = _FIRST_LINE_END.match(rest)
    rest = rest if line_end is None else rest[line_end.end() :]
    if "```" in framed and rest.lstrip().startswith("```"):
        rest = rest.lstrip().removeprefix("```")
    return rest if first is marked[-1] else without_frame(rest, "")


def _without_talk(text: str, marks: Sequence[Mark]) -> str:
    """Returns a text without the lines in which it speaks of its marks, or without the marks alone."""
    kept, end = [], 0
    for mark in marks:
        if mark.start < end:
            continue
        kept.append(text[end : text.rfind("\n", end, mark.start) + 1 or end])
        end = text.find("\n", mark.end) + 1 or len(text)
    kept.append(text[end:])
    if (lines := "".join(kept)).strip():
        return lines
    kept, end = [], 0
    for mark in marks:
        kept.append(text[end : mark.start])
        end = mark.end
    return "".join([*kept, text[end:]])


def _without_unsigned(text: str, labels: Sequence[str]) -> str:
    """Returns a text without an assessment that lacks the nonce of the call, and what follows it."""
    start = unsigned_start(text, labels)
    if start is not None:
        return without_frame(text[:start], text[start:]) or text
    line = unsigned_line(text, labels)
    if line is None:
        return text
    return without_frame(text[: line[0]], text[line[1] :]) or text[line[1] :]


def _without_instructions(text: str) -> str:
    """Returns a text without clauses of the instruction, each to the end of its line."""
    if _CLAUSE.search(text) is None:
        return text
    lines = []
    for line in text.split("\n"):
        clause = _CLAUSE.search(line)
        kept = line if clause is None else line[: clause.start()].rstrip()
        if clause is None or kept.strip(_QUOTES):
            lines.append(kept)
    return "\n".join(lines)


def _wrapped_answer(text: str, labels: Sequence[str]) -> tuple[str, Assessment] | None:
    """Reads a reply that is one JSON object of `answer` and `self_score`, as some models write it."""
    stripped = text.strip()
    fenced = _FENCE.match(stripped)
    try:
        value, _ = _DECODER.raw_decode(fenced[1].strip() if fenced else stripped)
    except (ValueError, RecursionError):
        return None
    answer = value.get("answer") if isinstance(value, dict) else None
    if not isinstance(answer, str) or "self_score" not in value:
        return None
    scores = json.dumps({key: each for key, each in value.items() if key != "answer"})
    return answer, read_assessment(scores, labels)
