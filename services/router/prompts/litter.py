"""Removes the markup around an assessment, and assessments without the nonce. Pure, linear.

A reply may end in an assessment without the nonce of the call: with a wrong one, a placeholder, or
none. It is not believed, but it is no part of the answer either. So text at the end that holds
nothing but the protocol's own words and numbers is removed, if it has a self-score or grades. The
protocol's words anywhere else are left alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from services.router.prompts.assessments import PROTOCOL_WORDS, read_assessment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TAIL_CHARACTERS = 4_000
"""Text at the end of an answer in which an unsigned assessment is searched."""
_AT = r"(?:\\{0,2}[@\uff20]|&\#x?0{0,3}(?:64|40);|&commat;)"
_MARK = rf"{_AT}[ ]?{_AT}[ ]?[*_`]{{0,2}}(?:self[\s_-]?)?assess?ments?"
_TOKEN = re.compile(
    rf"(?P<allowed></?[a-z]{{1,10}}[ ]?/?>|{_MARK}(?:[\s:=*_`-]{{0,4}}[<\[(]?[\w-]{{1,24}}[>\])]?"
    rf"(?=[\s:=*_`-]{{0,4}}\{{))?|&\#?\w{{1,8}};|[0-9a-f]{{8}}\b|\br[0-9]{{1,3}}\b|self\\?[ _-]score)"
    r"|(?P<word>[^\W\d_]\w*)",
    re.IGNORECASE,
)
_KEY = re.compile(r"self\\?[\s_-]?score|grades", re.IGNORECASE)
_LINE_START = r"^[ \t>#*_`~|+\-]{0,8}"
_UNSIGNED = re.compile(
    rf"{_MARK}|\{{[^\w{{}}]{{0,40}}(?:{_KEY.pattern}|nonce|assessment)|{_LINE_START}[\"'\u201c]?self\\?[\s_-]?score",
    re.IGNORECASE | re.MULTILINE,
)
_UNSIGNED_LINE = re.compile(rf"{_LINE_START}{_MARK}[^\n]{{0,400}}$", re.IGNORECASE | re.MULTILINE)
_FENCE = re.compile(r"^[ ]{0,3}(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_PLAIN_FENCES = frozenset({"", "text", "txt", "plaintext", "markdown", "md"})
_BARE_MARKUP = re.compile(
    r"[\s>]*(?:[-*_=~]{3,}|[*_`~]{1,3}|[#]{1,6}|<!--|</?[a-z]{1,10}>|[|+\-\u2022\"'\u201c(\[{<>])?\s*",
    re.IGNORECASE,
)
_HANGING = re.compile(
    r"(?:^|(?<=\s))(?:[^\w\s.,;:!?)\]}\u2026]{1,8}|</?(?:code|pre|b|strong|em)>)\Z", re.I
)
_ITEM_NUMBER = re.compile(r"\s{0,8}([0-9]{1,2})[.)]\s{0,8}")
_ASSESSING = re.compile(
    r"\b(?:\w*assess\w*|scores?|rat(?:e|ing)|confidence|evaluation|grades?|json|notes?)\b",
    re.IGNORECASE,
)
_ANNOUNCEMENT = re.compile(r"[\s*_>#`(-]*[a-z][a-z '\u2019,*_`-]*[:\uff1a][*_` ]*", re.IGNORECASE)
_HEADING = re.compile(
    r"\s*(?:\#{1,6} |\*\*|__)[*_]*(?:[a-z'\u2019]+[ -]){0,4}?"
    r"(?:assessment|self[ _-]?score|confidence|evaluation)(?: score)?[*_ ]*\Z",
    re.IGNORECASE,
)
_MAX_FRAME_LINES = 8
_LINE_CHARACTERS = 120


def unsigned_start(text: str, labels: Sequence[str] = (), *, signed: bool = False) -> int | None:
    """Returns the start of an assessment at the end of a text; None if there is none.

    Args:
        text: The text before the first mark of the call, or the whole reply if it has none.
        labels: The labels of the references.
        signed: True if a mark of the call follows: then an object may be cut off, and a fenced one
            belongs to the answer.
    """
    first = max(0, len(text) - _TAIL_CHARACTERS)
    first = max((word.end() for word in _foreign_words(text, first)), default=first)
    found = _UNSIGNED.search(text, first)
    if found is None or (signed and "```" in text[found.start() :]):
        return None
    rest = text[found.start() :]
    if not signed and not (_KEY.search(rest) and read_assessment(rest, labels).has_scores):
        return None
    return found.start()


def unsigned_line(text: str, labels: Sequence[str] = ()) -> tuple[int, int] | None:
    """Returns the span of the first line that is an assessment of another nonce, outside of fences."""
    fences, at = list(_FENCE.finditer(text)), 0
    opened: re.Match[str] | None = None
    for line in _UNSIGNED_LINE.finditer(text):
        while at < len(fences) and fences[at].start() < line.start():
            opened = _next_open(opened, fences[at])
            at += 1
        written = line[0]
        is_assessment = _KEY.search(written) and read_assessment(written, labels).has_scores
        if opened is None and is_assessment and not any(_foreign_words(written)):
            return line.span()
    return None


def _foreign_words(text: str, first: int = 0) -> Iterator[re.Match[str]]:
    """Yields the words that belong to no assessment."""
    for token in _TOKEN.finditer(text, first):
        if token["word"] is not None and token["word"].lower() not in PROTOCOL_WORDS:
            yield token


def without_frame(text: str, rest: str) -> str:
    """Returns a text without the markup at its end that belongs to the assessment after it.

    Args:
        text: The text.
        rest: The text after it. If a fence ends there, the one that is open is closed or removed.
    """
    text = text.rstrip(" \t")
    text = _without_hanging(text)
    for _ in range(_MAX_FRAME_LINES):
        text = text.rstrip()
        line_start = max(text.rfind("\n"), len(text) - _LINE_CHARACTERS - 1) + 1
        line = text[line_start:]
        if not (_is_opening(text, line) or _is_markup(line) or _is_title(line)):
            break
        text = text[:line_start]
    return _closed(text) if _FENCE.search(rest) else text


def _is_opening(text: str, line: str) -> bool:
    """Returns whether the last line opens a fence."""
    opened = _open_fence(text) if _FENCE.fullmatch(line) else None
    return opened is not None and opened.end() == len(text)


def _without_hanging(text: str) -> str:
    """Returns a text without markup at the end of its last line, or the number of a list's item."""
    before, end, line = text.rpartition("\n")
    if not line or _FENCE.fullmatch(line):
        return text
    line = _HANGING.sub("", line)
    text = before + end + line
    number = _ITEM_NUMBER.fullmatch(line)
    if number is None or not before.strip():
        return text
    previous = before.rstrip().rpartition("\n")[2].lstrip()
    goes_on = previous.startswith((f"{int(number[1]) - 1}.", f"{int(number[1]) - 1})"))
    return before if number[1] == "1" or goes_on else text


def _is_markup(line: str) -> bool:
    return bool(line) and not _FENCE.fullmatch(line) and bool(_BARE_MARKUP.fullmatch(line))


def _is_title(line: str) -> bool:
    """Returns whether a line announces the assessment: a heading, or words before a colon."""
    if _ANNOUNCEMENT.fullmatch(line):
        return _ASSESSING.search(line) is not None
    return _HEADING.match(line) is not None


def _open_fence(text: str) -> re.Match[str] | None:
    """Returns the line that opens the fence which the text ends in; None if all are closed."""
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        opened = _next_open(opened, fence)
    return opened


def _next_open(opened: re.Match[str] | None, fence: re.Match[str]) -> re.Match[str] | None:
    """Returns the fence that is open after a further fence line."""
    if opened is None:
        return fence
    return None if fence[1].startswith(opened[1]) and not fence[2].strip() else opened


def _closed(text: str) -> str:
    """Closes the fence that the assessment stood in, or removes it if it held the whole reply."""
    opened = _open_fence(text)
    if opened is None:
        return text
    if not text[: opened.start()].strip() and opened[2].strip().lower() in _PLAIN_FENCES:
        return text[opened.end() :].strip("\n")
    return f"{text}\n{opened[1]}"
