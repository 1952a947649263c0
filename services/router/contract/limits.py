"""Limits of requests for an answer; the contract documents them."""

from __future__ import annotations

MAX_MESSAGES = 256
MAX_CHARACTERS = 1_000_000
MAX_MEDIA_BYTES = 20 * 1024 * 1024
"""Bytes of images, audio and files together."""
MAX_TOOLS = 128
