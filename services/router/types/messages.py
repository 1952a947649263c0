"""A message of a conversation: text, media, calls to tools and their results."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace


class Role(enum.StrEnum):
    """The author of a message, as OpenAI-compatible APIs spell it."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class MediaKind(enum.Enum):
    """The kind of a medium."""

    IMAGE = "image"
    AUDIO = "audio"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """An image, a sound or a document: a URL, or the bytes."""

    kind: MediaKind
    url: str = ""
    """Empty if the bytes are given."""
    data: bytes = b""
    media_type: str = ""
    name: str = ""
    detail: str = ""
    """`low` or `high` for images; empty for the model's default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A model's request to call a tool."""

    id: str
    name: str
    arguments_json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation."""

    role: Role
    content: str = ""
    """The text; with `parts`, the text of all of them."""
    parts: tuple[str | Media, ...] = ()
    """Text and media in order; empty if there is text alone."""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    """The call whose result this is; empty except for `Role.TOOL`."""

    @property
    def media(self) -> tuple[Media, ...]:
        """The media, in order."""
        return tuple(part for part in self.parts if isinstance(part, Media))

    def with_text(self, text: str) -> Message:
        """Returns the message with further text at its end."""
        parts = (*self.parts, text) if self.parts else ()
        return replace(self, content=self.content + text, parts=parts)
