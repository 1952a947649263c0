"""Finds the marks of a call in a text that a model wrote. Pure, linear, never raises.

Only the nonce makes a mark: it is drawn for the call, so nobody else can have written it, and any text
with it is protocol. A word such as `@@selection` or `@@assessment` without it is plain text. Models
write marks in bold, in other case, with escaped or full-width at signs, with the nonce in brackets.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

_HEAD_CHARACTERS = 64
"""Text before a nonce in which the start of its mark is searched."""
_AT = r"(?:(?:\\{0,2}[@\uff20]|&\#x?0{0,3}(?:64|40);|&commat;)[ ]?)"
_WORD = r"(?:self[\s_-]?)?(?:assess?ments?|references?|end|selection|moderation)"
_BETWEEN = r"(?:[\s:=*_`~\"'“<(\[{\#>|\\/.\-\uff1a\u200b]|nonce|id){0,12}"
_HEAD = re.compile(
    rf"(?:{_AT}{{1,4}}[*_`~ ]{{0,4}}(?P<marked>{_WORD})?|\b(?P<bare>{_WORD})){_BETWEEN}\Z",
    re.IGNORECASE,
)
_TAIL = re.compile(r"[\])}>\"'”*_`~:]{0,4}(?:[ ]?R[0-9]{1,3}[\])}>\"'”*_`~:]{0,4})?", re.IGNORECASE)
_ORNAMENT = " \t*_`~>#|+-•\"'“([{<!\\"
_LINE_START_CHARACTERS = 80


class MarkKind(enum.Enum):
    """The part of the protocol that a mark belongs to."""

    ASSESSMENT = enum.auto()
    REFERENCE = enum.auto()
    BARE = enum.auto()
    """The nonce without any word of the protocol before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A mark with the nonce of the call."""

    kind: MarkKind
    start: int
    nonce_end: int
    end: int
    """End of the mark with its label and closing brackets."""
    starts_line: bool
    """True if only markup stands before it in its line."""


def marks_of(text: str, nonce: str) -> list[Mark]:
    """Returns the marks of a call, in the order of the text."""
    marks: list[Mark] = []
    lower = lowercase(text)
    at, end = lower.find(nonce), 0
    while nonce and at >= 0:
        mark = _mark(text, at, at + len(nonce), first=end)
        marks.append(mark)
        end = mark.end
        at = lower.find(nonce, end)
    return marks


def lowercase(text: str) -> str:
    """Returns a text in lower case, each letter at its place: one letter becomes two otherwise."""
    return text.replace("\u0130", "I").lower()


def _mark(text: str, at: int, nonce_end: int, *, first: int) -> Mark:
    head = _HEAD.search(text, max(first, at - _HEAD_CHARACTERS), at)
    start = at if head is None else head.start()
    word = "" if head is None else (head["marked"] or head["bare"] or "").lower()
    kind = MarkKind.BARE
    if word.startswith(("ref", "end")):
        kind = MarkKind.REFERENCE
    elif word:
        kind = MarkKind.ASSESSMENT
    tail = _TAIL.match(text, nonce_end)
    line = text[max(0, start - _LINE_START_CHARACTERS) : start].rpartition("\n")[2]
    return Mark(
        kind=kind,
        start=start,
        nonce_end=nonce_end,
        end=nonce_end if tail is None else tail.end(),
        starts_line=len(line) < _LINE_START_CHARACTERS and not line.strip(_ORNAMENT),
    )
