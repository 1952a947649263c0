"""Reasoning that a model writes into its reply, `<think>...</think>`, is kept apart from the answer."""

from __future__ import annotations

import enum

_OPEN = "<think>"
_CLOSE = "</think>"


class _Where(enum.Enum):
    START = enum.auto()
    REASONING = enum.auto()
    AFTER = enum.auto()
    ANSWER = enum.auto()


class ReasoningSplitter:
    """Takes the reasoning at the start of a reply out of it, however the text is cut.

    Args:
        inside: Whether the reply begins within the reasoning, as where a chat template opens it.
    """

    def __init__(self, *, inside: bool = False) -> None:
        self._where = _Where.REASONING if inside else _Where.START
        self._held = ""
        self.reasoning_characters = 0

    def feed(self, text: str) -> str:
        """Takes more of the reply and returns what of it belongs to the answer."""
        if self._where is _Where.ANSWER:
            return text
        self._held += text
        if self._where is _Where.START:
            self._start()
        if self._where is _Where.REASONING:
            self._reason()
        if self._where is _Where.AFTER:
            self._held = self._held.lstrip()
            if self._held:
                self._where = _Where.ANSWER
        if self._where is not _Where.ANSWER:
            return ""
        answer, self._held = self._held, ""
        return answer

    def finish(self) -> str:
        """Returns what was held back and turned out to be the answer."""
        held, self._held = self._held, ""
        if self._where is _Where.REASONING:
            self.reasoning_characters += len(held)
        return held if self._where is _Where.START and held.strip() else ""

    def _start(self) -> None:
        text = self._held.lstrip()
        if text.startswith(_OPEN):
            self._where, self._held = _Where.REASONING, text[len(_OPEN) :]
        elif not _OPEN.startswith(text):  # it does also while nothing but white space has come
            self._where = _Where.ANSWER

    def _reason(self) -> None:
        reasoning, closed, rest = self._held.partition(_CLOSE)
        if closed:
            self._where, self._held = _Where.AFTER, rest
        else:  # the last characters may be the start of the mark
            kept = len(_CLOSE) - 1
            reasoning, self._held = self._held[:-kept], self._held[-kept:]
        self.reasoning_characters += len(reasoning)
