"""A message of a conversation: text, media, calls to tools and their results."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

IMAGE_TOKENS = 1_600
"""Of an image as a whole: OpenAI's GPT-4o takes at most 1,445, Anthropic's models about 1,600."""
SMALL_IMAGE_TOKENS = 85
"""Of an image that the model looks at in little detail, by OpenAI's formula."""
AUDIO_BYTES_PER_TOKEN = 100
"""Of compressed sound: 4,000 bytes a second at the least, and at most 32 tokens a second."""
PLAIN_AUDIO_BYTES_PER_TOKEN = 1_000
"""Of sound that is not compressed: 32,000 bytes a second at 16 kHz."""
FILE_BYTES_PER_TOKEN = 3
"""Of text; a PDF of text alone has about as many."""
UNSEEN_TOKENS = 10_000
"""Of a sound or a file behind a URL, which the router does not fetch: five minutes, or some pages."""
_PLAIN_AUDIO = frozenset({"audio/wav", "audio/x-wav", "audio/wave", "audio/l16", "audio/pcm"})


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

    @property
    def tokens(self) -> int:
        """The estimated tokens in a prompt; rather too high than too low.

        Each provider has its own formula, and needs the width of an image or the length of a sound,
        which the router does not read.
        """
        if self.kind is MediaKind.IMAGE:
            return SMALL_IMAGE_TOKENS if self.detail == "low" else IMAGE_TOKENS
        if self.url:
            return UNSEEN_TOKENS
        per_token = FILE_BYTES_PER_TOKEN
        if self.kind is MediaKind.AUDIO:
            is_plain = self.media_type in _PLAIN_AUDIO
            per_token = PLAIN_AUDIO_BYTES_PER_TOKEN if is_plain else AUDIO_BYTES_PER_TOKEN
        return -(-len(self.data) // per_token)


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
