"""Ends a text before the first stop sequence, for backends that do not do so themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class StopFilter:
    """Passes text on until a stop sequence comes, however the text is cut into pieces.

    Args:
        sequences: The stop sequences; none of them is empty.
    """

    def __init__(self, sequences: Sequence[str]) -> None:
        self._sequences = tuple(sequences)
        self._longest = max(map(len, sequences), default=0)
        self._held = ""
        self.stopped = False
        """True once a stop sequence has come; all further text is dropped."""

    def feed(self, text: str) -> str:
        """Takes more text and returns what is surely before any stop sequence."""
        if self.stopped:
            return ""
        text = self._held + text
        starts = ((stop, at) for stop in self._sequences if (at := text.find(stop)) >= 0)
        ends = ((at + len(stop), at) for stop, at in starts)
        first = min(ends, default=None)  # the longest one of those that are complete first
        if first is not None:
            self.stopped, self._held = True, ""
            return text[: first[1]]
        end = len(text)
        start = next(
            (
                at
                for at in range(max(0, end - self._longest + 1), end)
                if any(stop.startswith(text[at:]) for stop in self._sequences)
            ),
            end,
        )
        self._held = text[start:]
        return text[:start]

    def finish(self) -> str:
        """Returns the held text; no more text follows."""
        held, self._held = self._held, ""
        return held
