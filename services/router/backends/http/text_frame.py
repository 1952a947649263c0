"""The frame of a text event: all of the event but its text.

Most backends repeat it in every event of a reply. Then the text can be cut out without parsing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

_OTHER_TEXT = "\N{WHITE SQUARE}"
"""Replaces the text of an event to prove that its frame is right."""


@dataclass(frozen=True, slots=True)
class TextFrame:
    """The parts of an event before and after its text."""

    before: str
    after: str

    @classmethod
    def of(cls, event: str, value: Any, holder: dict[str, Any]) -> TextFrame | None:
        """Returns the frame of an event; None if its text cannot be cut out.

        With another text in the frame, the parsed event must differ in that text alone.

        Args:
            event: The event.
            value: The same, parsed; its text is replaced.
            holder: The object in it that holds the text at `content`.
        """
        text = holder["content"]
        before, found, after = event.rpartition(f'"{text}"')
        if not found or not _is_raw(text):
            return None
        frame = cls(f'{before}"', f'"{after}')
        holder["content"] = _OTHER_TEXT
        try:
            other = from_json(f"{frame.before}{_OTHER_TEXT}{frame.after}")
        except ValueError:
            return None
        return frame if other == value else None

    def text_in(self, event: str) -> str | None:
        """Returns the text of an event; None if it has another frame, or must be parsed."""
        if not (event.startswith(self.before) and event.endswith(self.after)):
            return None
        text = event[len(self.before) : -len(self.after)]
        return text if _is_raw(text) else None


def _is_raw(text: str) -> bool:
    """Returns whether a text stands in JSON as it is, without escapes."""
    return text.isprintable() and '"' not in text and "\\" not in text
