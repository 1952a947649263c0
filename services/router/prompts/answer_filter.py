"""Removes the marks from a reply that holds an answer alone, whole or as it streams.

Such a call has no protocol of its own, but models copy the marks around the references in its prompt.
Only marks with the nonce of the call count. Marks before the answer are removed; a mark after some
text ends the answer.
"""

from __future__ import annotations

import re

from services.router.prompts.marks import lowercase

_WORDS = ("references", "reference", "end", "assessment", "selection", "moderation")
_AFTER_AT = " *_`"
_AFTER_WORD = " \t:=*_`\"'<([-"
_AT = r"(?:\\?[@\uff20]){1,3}"
_HEAD = re.compile(
    rf"{_AT}[{_AFTER_AT}]{{0,2}}(?:{'|'.join(_WORDS)})?[ \t:=*_`\"'<(\[-]{{0,4}}\Z", re.IGNORECASE
)
_LAST_AT = re.compile(
    rf"{_AT}(?:\\|[{_AFTER_AT}]{{0,2}}(?P<rest>[a-z0-9 \t:=*_`\"'<(\[-]*))\Z", re.IGNORECASE
)
_LONGEST_MARK = 40
_CLOSING = r"[\])}>\"'*_`:]{0,4}"
_LABEL = re.compile(rf"{_CLOSING}(?: ?R[0-9]{{1,3}}{_CLOSING})?", re.IGNORECASE)
_MAY_BE_LABEL = re.compile(rf"{_CLOSING}(?: ?(?:R[0-9]{{0,3}}{_CLOSING})?)?", re.IGNORECASE)


class AnswerFilter:
    """Removes the marks of one call from its streamed reply.

    `feed` returns the text that may be shown now; `finish` returns the rest. Text that may be the
    start of a mark is held until more text decides it.

    Args:
        nonce: The nonce of the call; nothing is removed if it is empty.
    """

    def __init__(self, nonce: str = "") -> None:
        self._nonce = nonce
        self._first, self._first_capital = nonce[:1], nonce[:1].upper()
        self._held = ""
        self._has_text = False
        self._removed = False
        self._ended = False

    def feed(self, text: str) -> str:
        """Adds a piece of the reply, and returns the text that may be shown now."""
        if not self._nonce:
            return text
        if self._ended:
            return ""
        if self._held or self._may_hold_mark(text):
            self._held += text
            return self._release()
        return text if self._has_text else self._show(text)

    def finish(self) -> str:
        """Returns the text that was held and is part of the answer after all."""
        held, self._held = self._held, ""
        if not held or self._mark(held, lowercase(held), 0) is not None:
            return ""
        return self._show(held)

    def _may_hold_mark(self, text: str) -> bool:
        return (
            "@" in text
            or "\uff20" in text
            or self._first in text
            or self._first_capital in text
            or text.endswith("\\")
        )

    def _release(self) -> str:
        held, begin = self._held, 0
        lower = lowercase(held)
        while (mark := self._mark(held, lower, begin)) is not None:
            start, end = mark
            if self._has_text or held[begin:start].strip():
                self._ended, self._held = True, ""
                return self._show(held[begin:start].rstrip())
            if _MAY_BE_LABEL.fullmatch(held, end):
                return ""
            label = _LABEL.match(held, end)
            begin = end if label is None else label.end()
            self._removed = True
        cut = self._hold_from(lower, begin)
        self._held = held[cut:]
        return self._show(held[begin:cut])

    def _show(self, text: str) -> str:
        if not self._has_text:
            text = text.lstrip() if self._removed else text
            self._has_text = bool(text.strip())
        return text

    def _mark(self, text: str, lower: str, begin: int) -> tuple[int, int] | None:
        """Returns start and end of the first mark; None if there is none."""
        at = lower.find(self._nonce, begin)
        if at < 0:
            return None
        head = _HEAD.search(text, begin, at)
        return (head.start() if head else at), at + len(self._nonce)

    def _hold_from(self, lower: str, begin: int) -> int:
        """Returns the position after which the text may be the start of a mark."""
        first = max(begin, len(lower) - _LONGEST_MARK)
        at = _LAST_AT.search(lower, first)
        if at is not None and self._may_continue(at["rest"] or ""):
            return at.start()
        for length in range(len(self._nonce) - 1, 0, -1):
            if lower.endswith(self._nonce[:length]):
                return max(begin, len(lower) - length)
        ends_in_escape = len(lower) > begin and lower.endswith("\\")
        return len(lower) - 1 if ends_in_escape else len(lower)

    def _may_continue(self, rest: str) -> bool:
        """Returns whether more text can make a mark of at signs and what follows them."""
        if any(word.startswith(rest) for word in _WORDS):
            return True
        for word in ("", *_WORDS):
            if rest.startswith(word):
                begun = rest[len(word) :]
                begun = begun[min(4, len(begun) - len(begun.lstrip(_AFTER_WORD))) :]
                if self._nonce.startswith(begun):
                    return True
        return False
