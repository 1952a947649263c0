"""Estimates the tokens that a medium takes in a prompt; rather too high than too low.

Each provider has its own formula, and needs the width of an image or the length of a sound, which the
router does not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.types.messages import MediaKind

if TYPE_CHECKING:
    from services.router.types.messages import Media

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


def media_tokens(media: Media) -> int:
    """Returns the estimated tokens of a medium."""
    if media.kind is MediaKind.IMAGE:
        return SMALL_IMAGE_TOKENS if media.detail == "low" else IMAGE_TOKENS
    if media.url:
        return UNSEEN_TOKENS
    per_token = FILE_BYTES_PER_TOKEN
    if media.kind is MediaKind.AUDIO:
        is_plain = media.media_type in _PLAIN_AUDIO
        per_token = PLAIN_AUDIO_BYTES_PER_TOKEN if is_plain else AUDIO_BYTES_PER_TOKEN
    return -(-len(media.data) // per_token)
