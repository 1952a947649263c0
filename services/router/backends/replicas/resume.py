"""Resumes a broken reply on another replica, and drops the text that is written twice.

A backend that can continue a started answer gets the text so far as a prefix. Any other backend sees
the text as its own turn and is asked to go on; what it repeats of the end is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.router.types.messages import Message, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.router.backends.call import ModelCall
    from services.router.types.options import GenerationOptions
    from services.router.types.pieces import Piece

_GO_ON = (
    "Your answer was cut off. Go on exactly where it stops: do not repeat any of it, do not start "
    "again, and do not mention the interruption."
)
_REPEATED_CHARACTERS = 200
"""Characters of the end that may be repeated."""
_LEAST_REPEATED = 8
"""A shorter match is a coincidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequest:
    """The messages of a resuming attempt, and the filter of its text."""

    messages: tuple[Message, ...]
    options: GenerationOptions
    partial: str
    """Prefix of the reply for a backend that continues it; empty for any other."""
    overlap: OverlapFilter


def resume_request(call: ModelCall, *, exact: bool) -> ResumeRequest:
    """Returns the request that resumes a broken call.

    Args:
        call: The call, with its text so far.
        exact: True if the backend can continue a started answer.
    """
    text = call.text
    options = _options(call, exact=exact)
    if not text:  # what has come is reasoning alone
        overlap = OverlapFilter("", least=1)
        return ResumeRequest(messages=call.messages, options=options, partial="", overlap=overlap)
    if exact:
        # Chat templates strip white space at the end of a turn; the model writes it again.
        partial = text.rstrip()
        overlap = OverlapFilter(text[len(partial) :][-_REPEATED_CHARACTERS:], least=1)
        return ResumeRequest(
            messages=call.messages, options=options, partial=partial, overlap=overlap
        )
    messages = (
        *call.messages,
        Message(role=Role.ASSISTANT, content=text),
        Message(role=Role.USER, content=_GO_ON),
    )
    overlap = OverlapFilter(text[-_REPEATED_CHARACTERS:], least=_LEAST_REPEATED)
    return ResumeRequest(messages=messages, options=options, partial="", overlap=overlap)


def _options(call: ModelCall, *, exact: bool) -> GenerationOptions:
    """Returns the options of the rest: a backend that is held to JSON would begin a new value."""
    options, text = call.options, call.text
    if not text:
        return options
    limit = options.max_output_tokens
    if limit is not None and not exact:  # a dialect subtracts the start of an answer itself
        limit = max(1, limit - call.model.count_tokens(text))
    return replace(options, json_format=None, max_output_tokens=limit)


class OverlapFilter:
    """Drops from the start of a text what repeats the end of the text before.

    Args:
        end: The end of the text before.
        least: Minimum length of a repetition, in characters.
    """

    def __init__(self, end: str, *, least: int) -> None:
        self._end = end
        self._least = least
        self._held = ""
        self._joined = not end

    def feed(self, text: str) -> str:
        """Takes more text and returns the new part; holds text that may still be a repetition."""
        if self._joined:
            return text
        self._held += text
        if self._held in self._end:
            return ""
        return self.finish()

    def feed_piece(self, piece: Piece) -> Iterator[Piece]:
        """Takes the next piece and yields what is new: what is no text comes after all held text."""
        text = self.feed(piece) if isinstance(piece, str) else self.finish()
        if text:
            yield text
        if not isinstance(piece, str):
            yield piece

    def finish(self) -> str:
        """Returns the new part of the held text; no more text follows."""
        held, self._held, self._joined = self._held, "", True
        longest = min(len(held), len(self._end))
        for length in range(longest, self._least - 1, -1):
            if self._end.endswith(held[:length]):
                return held[length:]
        return held
