"""Finds the final answer in a reply, in a normal form: two replies agree if their keys are equal.

Recorded replies end in different ways: a JSON object with an "answer", a sentence "the answer is
(B)", a boxed formula, or the bare answer.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from decimal import Context, Decimal, InvalidOperation

_MAX_NUMBER_CHARACTERS = 100
_MAX_LITERAL_CHARACTERS = 2_000
"""Longer answers are compared as text: Python's parser is slow on them and may fail."""

_JSON_ANSWER = re.compile(r'"answer"\s*:\s*("(?:[^"\\]|\\.)*"|[^\n]*)')
_SPOKEN_ANSWER = re.compile(
    # Possessive quantifiers: backtracking over the spaces after "is" would take quadratic time.
    r"\b(?i:answer\s++is)\s*+:?\s*+(?:\(([A-Za-z])\)|([A-Z])(?![\w']))"
)
_BARE_ANSWER = re.compile(r"[\s(\"'*]*(\$?\w[\w.,%-]{0,30}?)[\s).\"'*]*")
_NUMBER = re.compile(
    r"([+-]?\$?\s*[+-]?(?:\d[\d,]*\.?\d*|\.\d+))\s*%?(?:\s+[A-Za-z][A-Za-z ]*\.?)?"
)
"""A number with or without a unit: 64, $64, 1,200.50, 5 %, 18 dollars."""
_BRACE = re.compile("[{}]")
_SMALL_FRACTION = re.compile(r"\\[dt]frac\b")
_NUMBER_NOISE = re.compile(r"[$,\s]")
_LATEX_NOISE = re.compile(r"\\[,;!: ]|\\(?:left|right|text|mathrm|displaystyle)\b|[{}$\s]")


def answer_key(text: str) -> str | None:
    """Returns the final answer of a reply in a normal form; None if none is found."""
    for find in (_json_answer, _spoken_answer, _boxed_answer, _bare_answer):
        found = find(text)
        if found is not None and found.strip():
            return _normal(found)
    return None


def _json_answer(text: str) -> str | None:
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end:
        try:
            # Not strict: recorded JSON has raw line breaks inside strings.
            value = json.loads(text[start : end + 1], strict=False)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and "answer" in value:
            answer = value["answer"]
            return answer if isinstance(answer, str) or answer is None else repr(answer)
    matches = _JSON_ANSWER.findall(text)
    return _unquoted(matches[-1]) if matches else None


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value.rstrip().rstrip("},").strip()
    try:
        return str(json.loads(value, strict=False))
    except ValueError:
        return value.strip('"')


def _spoken_answer(text: str) -> str | None:
    # The first match: some base models continue with questions and answers that they make up.
    match = _SPOKEN_ANSWER.search(text)
    return None if match is None else (match[1] or match[2]).upper()


def _boxed_answer(text: str) -> str | None:
    start = text.rfind(r"\boxed{")
    if start < 0:
        return None
    depth = 0
    opening = start + len(r"\boxed")
    for brace in _BRACE.finditer(text, opening):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return text[opening + 1 : brace.start()]
    return None


def _bare_answer(text: str) -> str | None:
    match = _BARE_ANSWER.fullmatch(text)
    if match is None:
        return None
    return match[1].upper() if len(match[1]) == 1 else match[1].casefold()


def _normal(answer: str) -> str:
    text = answer.strip()
    if "\\" in text or "$" in text:
        text = _LATEX_NOISE.sub("", _SMALL_FRACTION.sub(r"\\frac", text)) or text
    return _as_number(text) or _as_literal(text) or text


def _as_number(text: str) -> str | None:
    match = _NUMBER.fullmatch(text) if len(text) <= _MAX_NUMBER_CHARACTERS else None
    if match is None:
        return None
    try:
        number = Decimal(_NUMBER_NOISE.sub("", match[1]))
    except InvalidOperation:
        return None
    # Normalizing rounds to the context's precision, so the precision must cover every digit.
    return format(number.normalize(Context(prec=_MAX_NUMBER_CHARACTERS)), "f") if number else "0"


def _as_literal(text: str) -> str | None:
    if len(text) > _MAX_LITERAL_CHARACTERS:
        return None
    try:
        # The parser warns about invalid escapes in the reply; they do no harm.
        with warnings.catch_warnings(action="ignore"):
            value = ast.literal_eval(text)
        # A quoted text is the same answer as the bare one, and "18" is the number 18.
        return (_as_number(value) or value) if isinstance(value, str) else repr(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
