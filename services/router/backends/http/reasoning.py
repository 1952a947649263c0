"""Separates the reasoning at the start of a reply from the answer."""

from __future__ import annotations

import enum

from services.router.types.tokens import weight

_OPEN = "<think>"
REASONING_END = "</think>"


class _Where(enum.Enum):
    START = enum.auto()
    REASONING = enum.auto()
    AFTER = enum.auto()
    ANSWER = enum.auto()


class ReasoningSplitter:
    """Removes the reasoning at the start of a reply, however the text is cut into pieces.

    Args:
        inside: True if the reply begins within the reasoning, because a chat template opens it.
        keeps_reasoning: True if the reasoning is kept until it is taken.
    """

    def __init__(self, *, inside: bool = False, keeps_reasoning: bool = False) -> None:
        self._where = _Where.REASONING if inside else _Where.START
        self._space: list[str] = []
        """White space at the start: part of the answer unless reasoning follows."""
        self._keeps_space = True
        self._held = ""
        self._keeps_reasoning = keeps_reasoning
        self._reasoning: list[str] = []
        self.reasoning_characters = 0
        self.reasoning_weight = 0

    def reasoning_is_apart(self) -> None:
        """Records that the reasoning comes in a field of its own.

        White space after it is no part of the answer, and the text does not begin within it.
        """
        self._keeps_space = False
        self._space.clear()
        if self._where is _Where.REASONING and not self.reasoning_characters and not self._held:
            self._where = _Where.START

    @property
    def is_past_reasoning(self) -> bool:
        """True if all further text belongs to the answer."""
        return self._where is _Where.ANSWER

    @property
    def is_undecided(self) -> bool:
        """True while the text so far may belong to the answer or be the start of reasoning."""
        return self._where is _Where.START

    def take(self) -> str:
        """Returns the reasoning since the last call; none unless it is kept."""
        reasoning = "".join(self._reasoning)
        self._reasoning.clear()
        return reasoning

    def feed(self, text: str) -> str:
        """Takes more of the reply and returns the part that belongs to the answer."""
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
        """Returns the held text that belongs to the answer."""
        held, self._held = self._held, ""
        if self._where is _Where.REASONING:
            self._drop(held)
        return "".join([*self._space, held]) if self._where is _Where.START and held else ""

    def _start(self) -> None:
        text = self._held.lstrip()
        if len(text) < len(self._held) and self._keeps_space:
            self._space.append(self._held[: len(self._held) - len(text)])
        if text.startswith(_OPEN):
            self._where, self._held = _Where.REASONING, text[len(_OPEN) :]
        elif _OPEN.startswith(text):  # also true while only white space has come
            self._held = text
        else:
            self._where, self._held = _Where.ANSWER, "".join([*self._space, text])

    def _reason(self) -> None:
        reasoning, closed, rest = self._held.partition(REASONING_END)
        if closed:
            self._where, self._held = _Where.AFTER, rest
        else:  # the last characters may be the start of the closing tag
            kept = len(REASONING_END) - 1
            reasoning, self._held = self._held[:-kept], self._held[-kept:]
        self._drop(reasoning)

    def _drop(self, reasoning: str) -> None:
        if self._keeps_reasoning:
            self._reasoning.append(reasoning)
        self.reasoning_characters += len(reasoning)
        self.reasoning_weight += weight(reasoning)
