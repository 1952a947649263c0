"""Reads one reply: bytes -> JSON events -> pieces without reasoning, within bounds."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

from pydantic_core import from_json

from services.router.backends.http.attempt_failure import AttemptFailedError, failure_in
from services.router.backends.http.finish_reasons import failure_of, finish_reason_of, reason_word
from services.router.backends.http.reply_pieces import ReplyPieces
from services.router.backends.http.text_frame import TextFrame
from services.router.types.ledger import CallStatus, FinishReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.backends.http.exchange import Exchange
    from services.router.backends.http.usage import Usage
    from services.router.types.pieces import Piece

_DECODER = json.JSONDecoder()  # half the cost of `json.loads`
_DONE = "[DONE]"
_JSON_SPACE = " \t\n\r"
_MAX_FRAMES = 32
"""Frames that are looked for in one reply: some backends have another one in every event."""


class Decoder(Protocol):
    """Decodes bytes into events."""

    def feed(self, data: bytes) -> list[str]:
        """Takes more bytes and returns the events that they complete; raises `LinesError`."""
        ...

    def finish(self) -> list[str]:
        """Returns the event that is pending at the end, if any; raises `LinesError`."""
        ...


class Reader(ABC):
    """Reads one reply; each dialect reads its own events.

    Args:
        exchange: The exchange; its usage and finish reason are recorded.
        decoder: Decodes the bytes.
        cut_at: Stop sequences that the backend does not know.
    """

    def __init__(self, exchange: Exchange, decoder: Decoder, cut_at: Sequence[str] = ()) -> None:
        self.finished = False
        """True once the backend has given a reason for the end: the reply is whole."""
        self.done = False
        """True once nothing follows."""
        self.failure: AttemptFailedError | None = None
        """The failure that ended the reply; None while there is none."""
        self._exchange = exchange
        self._decoder = decoder
        model = exchange.model
        self._reply = ReplyPieces(
            exchange.options,
            max_tokens=model.max_reply_tokens,
            starts_in_reasoning=model.reply_starts_in_reasoning and not exchange.partial,
            cut_at=cut_at,
        )
        self._reads_log_probabilities = exchange.options.top_log_probabilities is not None
        self._frame: TextFrame | None = None
        """The frame of the last text event that was parsed; None if it has none."""
        self._frames_left = _MAX_FRAMES

    def read(self, data: bytes) -> list[Piece]:
        """Returns the pieces in bytes of the stream, and records usage and reasoning.

        What came before a failure is returned, and `failure` is set. A failure after a whole reply is
        ignored.
        """
        try:
            events = self._decoder.feed(data)
        except ValueError:  # the lines are malformed
            self._fail_as(AttemptFailedError(CallStatus.MALFORMED))
            return []
        return self._read(events)

    def end(self) -> list[Piece]:
        """Returns the pieces in an event that is pending at the end of the stream."""
        return [] if self.done or self.failure is not None else self._read_pending()

    def finish(self) -> list[Piece]:
        """Returns the held text that belongs to the answer."""
        pieces = self._reply.finish()
        self._record_reasoning()
        return pieces

    @abstractmethod
    def _event(self, value: dict[str, Any]) -> str:
        """Returns the text of an event, and adds its other parts to the reply."""

    def _text_holder(self, value: dict[str, Any]) -> dict[str, Any] | None:
        """Returns the object that holds an event's text at `content`; None if there is more to read."""
        del value
        return None

    def _read_pending(self) -> list[Piece]:
        try:
            pieces = self._read(self._decoder.finish())
        except ValueError:
            return []
        if self.failure is not None and self.failure.status is CallStatus.MALFORMED:
            self.failure = None  # it breaks off: then the reply is not whole, whatever it was
        return pieces

    def _read(self, events: Sequence[str]) -> list[Piece]:
        texts = self._reply.texts
        try:
            for event in events:
                framed = None if self._frame is None else self._frame.text_in(event)
                if event.startswith(_DONE):
                    self._finish_all()
                elif event and not self.done:
                    text = self._parsed(event) if framed is None else framed
                    if text:
                        texts.append(text)
        except (ValueError, RecursionError):  # the JSON of the reply is malformed
            self._fail_as(AttemptFailedError(CallStatus.MALFORMED))
        except AttemptFailedError as error:
            self._fail_as(error)
        pieces = self._reply.take()
        if self._reply.reasoning_characters:
            self._record_reasoning()
        if self._reply.is_over:
            self._end_early()
        return pieces

    def _parsed(self, event: str) -> str:
        """Returns the text of an event, and adds its other parts to the reply."""
        value = _object_in(event)
        if value is None:
            self._take_all(event.strip(_JSON_SPACE))
            return ""
        text = self._event(value)
        if text and self._frames_left and (holder := self._text_holder(value)) is not None:
            self._frames_left -= 1
            self._frame = TextFrame.of(event, value, holder)
        return text

    def _record_reasoning(self) -> None:
        self._exchange.reasoning_characters = self._reply.reasoning_characters
        self._exchange.reasoning_weight = self._reply.reasoning_weight

    def _end_early(self) -> None:
        """Ends a reply that is too long, or that has come to a stop sequence."""
        if self._reply.is_too_long:
            self._fail_as(AttemptFailedError(CallStatus.MALFORMED))
        elif not self.done:
            self._exchange.finish_reason = FinishReason.STOP
            self.finished = self.done = True

    def _take_all(self, event: str) -> None:
        """Reads an event of several objects: some servers leave the blank lines between them out."""
        at = 0
        while at < len(event):
            if event.startswith(_DONE, at):
                self._finish_all()
                return
            value, at = _DECODER.raw_decode(event, at)
            self._reply.add_text(self._event(_object_of(value)))
            while at < len(event) and event[at] in _JSON_SPACE:
                at += 1

    def _finish_all(self) -> None:
        self._finish("")
        self.finished = self.done = True

    def _fail_as(self, error: AttemptFailedError) -> None:
        """Ends the reply with a failure, or without one if it is whole already."""
        if self.finished and self._reply.begun:
            self.done = True
        else:
            self.failure = error

    def _finish(self, reason: object, error: object = None) -> None:
        """Records the finish reason, if the value is one.

        Args:
            reason: The value of the backend's field.
            error: The error that came with it, if any.

        Raises:
            AttemptFailedError: The reason is a failure.
        """
        word = reason_word(reason)
        status = failure_of(word)
        if status is CallStatus.BACKEND_ERROR:
            raise self._fail(error)
        if status is not None:
            raise AttemptFailedError(status, words=word)
        found = finish_reason_of(word) or self._exchange.finish_reason
        if found in {None, FinishReason.STOP}:  # some backends give no other reason
            if self._reply.has_tool_calls:
                found = FinishReason.TOOL_CALLS
            elif self._reply.refused:
                found = FinishReason.REFUSAL
        self._exchange.finish_reason = found
        if word:
            self.finished = True

    def _add_reasoning(self, value: object) -> None:
        """Adds the value of a field of reasoning, if it is text."""
        if isinstance(value, str) and value:
            self._reply.add_reasoning(value)

    def _record_usage(self, usage: Usage) -> None:
        """Keeps the last counts: they are totals, and some backends repeat them."""
        self._exchange.reported = usage.after(self._exchange.reported)

    def _fail(self, error: object) -> AttemptFailedError:
        """Returns the failure for an error within the reply, in any form."""
        return failure_in(error, begun=self._reply.begun)


def _object_in(event: str) -> dict[str, Any] | None:
    """Returns the object that an event is; None if it is anything else, e.g. several objects."""
    try:
        value = from_json(event, cache_strings="keys")  # half the cost of `json`, but stricter
    except ValueError:
        return None
    return value if type(value) is dict else None


def _object_of(value: object) -> dict[str, Any]:
    """Returns an object, or the only one in a list, the form in which some gateways report errors.

    Raises:
        AttemptFailedError: The value is something else.
    """
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        raise AttemptFailedError(CallStatus.MALFORMED)
    return value


def text_of(value: object) -> str:
    """Returns a text; an absent one is empty.

    Raises:
        AttemptFailedError: The value is no text.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise AttemptFailedError(CallStatus.MALFORMED)
    return value
