"""Limits of requests for an answer; the contract documents them."""

from __future__ import annotations

MAX_MESSAGES = 256
MAX_CHARACTERS = 1_000_000
"""Characters of all messages, the arguments of calls to tools included."""
MAX_MEDIA_BYTES = 8 * 1024 * 1024
"""Bytes of images, audio and files together."""
MAX_PARTS = 256
MAX_URL_CHARACTERS = 8_192
MAX_NAME_CHARACTERS = 256
"""Of names of files, ids of calls, the end user and the session."""
MAX_TOOLS = 128
MAX_TOOL_CALLS = 128
MAX_TOOL_CHARACTERS = 300_000
"""Characters of the descriptions and schemas of all tools together."""
MAX_DESCRIPTION_CHARACTERS = 10_000
"""Of the description of a response format."""
MAX_STOP_SEQUENCES = 16
MAX_STOP_CHARACTERS = 256
MAX_OUTPUT_TOKENS = 1_000_000
MAX_TOP_LOG_PROBABILITIES = 20
MAX_TAGS = 16
MAX_TAG_NAME_CHARACTERS = 64
MAX_TAG_VALUE_CHARACTERS = 512
MAX_REQUEST_BYTES = 14 * 1024 * 1024
"""Bytes of a request for an answer: media, characters of four bytes, and the frame around them."""
