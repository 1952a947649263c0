r"""Finds the final answer in a reply: after `Answer:`, in `\boxed{}`, or in the last line.

The last of them counts, so a model that changes its mind is marked by where it ends.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_CHARACTERS = 50_000
"""Only the end of a longer reply is read."""
_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL | re.IGNORECASE)
_MARKER = re.compile(
    r"\b(?:answer|antwort|lösung|réponse|reponse|respuesta|solution|solución)\b(?: finale?\b)?[*_`\" ]*"
    r"(?:(?:is|ist|lautet|est|es)\b[*_` ]*:?|[:=])",
    re.IGNORECASE,
)
_BOXED = r"\boxed{"
_FENCE_LINE = re.compile(r"^[ \t]*```[\w+-]*[ \t]*$", re.MULTILINE)
_BOLD = re.compile(r"\*\*(.+?)\*\*|__(.+?)__")
_WRAPPERS = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\{([^{}]*)\}")


def final_answer(text: str) -> str:
    """Returns the part of a reply that holds its final answer, on one line; it may be empty."""
    text = _FENCE_LINE.sub("", _THOUGHTS.sub("", text[-_MAX_CHARACTERS:])).strip()
    found = max(_marked(text), default=None)
    if found is None:
        line = text.rpartition("\n")[2]
        return "" if line.startswith("{") else _cleaned(line)
    return _cleaned(found[1])


def bold_parts(answer: str) -> list[str]:
    """Returns the parts in bold print."""
    return [first or second for first, second in _BOLD.findall(answer)]


def plain(answer: str) -> str:
    """Returns an answer without marks of print, quotation marks and a full stop around it."""
    bare = _BOLD.sub(lambda match: match[1] or match[2], answer)
    return bare.strip(" \t*`\"'“”„«»‘’$").rstrip(".!").strip(" \t*`\"'“”„«»‘’$")


def _marked(text: str) -> Iterator[tuple[int, str]]:
    """Yields the place and the text of the last marked answer and of the last boxed one."""
    marker = None
    for marker in _MARKER.finditer(text):  # noqa: B007  # the last one counts
        pass
    if marker:
        line, _, below = text[marker.end() :].partition("\n")
        # The answer may stand below.
        yield marker.start(), line if line.strip(" *_`") else below.lstrip().partition("\n")[0]
    boxed = text.rfind(_BOXED)
    if boxed >= 0:
        yield boxed, _braced(text[boxed + len(_BOXED) :])


def _braced(text: str) -> str:
    depth = 1
    for place, character in enumerate(text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            return text[:place]
    return ""


def _cleaned(answer: str) -> str:
    boxed = answer.rfind(_BOXED)
    if boxed >= 0:
        answer = _braced(answer[boxed + len(_BOXED) :]) or answer
    answer = _WRAPPERS.sub(r"\1", answer).replace(r"\(", "").replace(r"\)", "")
    answer = answer.replace(r"\[", "").replace(r"\]", "").strip()
    # Bold print that began before the marker: `**Answer: 12**`.
    return answer.replace("**", "").strip() if answer.count("**") % 2 else answer
