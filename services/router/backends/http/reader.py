"""Reads one reply: bytes -> JSON events -> text without reasoning, within bounds."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

from services.router.backends.http.attempt_failure import AttemptFailedError, failure_in
from services.router.backends.http.finish_reasons import failure_of, finish_reason_of, reason_word
from services.router.backends.http.reasoning import ReasoningSplitter
from services.router.backends.http.well_formed import WellFormedStream
from services.router.types.ledger import CallStatus, FinishReason
from services.router.types.tokens import weight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.backends.http.exchange import Exchange
    from services.router.backends.http.usage import Usage

_DECODER = json.JSONDecoder()  # half the cost of `json.loads`
_DONE = "[DONE]"
_JSON_SPACE = " \t\n\r"
_CHARACTERS_PER_TOKEN_LIMIT = 32
"""Characters per allowed token above which a reply is refused as malformed."""


class Decoder(Protocol):
    """Decodes bytes into events."""

    def feed(self, data: bytes) -> list[str]:
        """Takes more bytes and returns the events that they complete; raises `LinesError`."""
        ...

    def finish(self) -> list[str]:
        """Returns the event that is pending at the end, if any; raises `LinesError`."""
        ...


class Reader(ABC):
    """Reads one reply; each dialect reads its own events."""

    def __init__(self, exchange: Exchange, decoder: Decoder) -> None:
        model = exchange.model
        self.finished = False
        """True once the backend has given a reason for the end: the reply is whole."""
        self.done = False
        """True once the backend has said that nothing follows."""
        self.failure: AttemptFailedError | None = None
        """The failure that ended the reply; None while there is none."""
        self._exchange = exchange
        self._decoder = decoder
        self._splitter = ReasoningSplitter(
            inside=model.reply_starts_in_reasoning and not exchange.partial
        )
        self._well_formed = WellFormedStream()
        self._reported_reasoning_characters = 0
        self._reported_reasoning_weight = 0
        self._begun = False
        """True once text or reasoning has come."""
        self._refused = False
        """True once the model has begun to refuse."""
        self._characters_left = model.max_reply_tokens * _CHARACTERS_PER_TOKEN_LIMIT

    def read(self, data: bytes) -> str:
        """Returns the answer text in a piece of the stream, and records usage and reasoning.

        Text that came before a failure is returned, and `failure` is set. A failure after a whole
        reply is ignored.
        """
        try:
            events = self._decoder.feed(data)
        except ValueError:  # the lines are malformed
            self._fail_as(AttemptFailedError(CallStatus.MALFORMED))
            return ""
        return self._read(events)

    def end(self) -> str:
        """Returns the text of an event that is pending at the end of the stream."""
        return "" if self.done or self.failure is not None else self._read_pending()

    def finish(self) -> str:
        """Returns the held text that belongs to the answer."""
        text = self._splitter.feed(self._well_formed.finish()) + self._splitter.finish()
        self._record_reasoning()
        return text

    @abstractmethod
    def _event(self, value: dict[str, Any]) -> str:
        """Returns the text of an event."""

    def _read_pending(self) -> str:
        try:
            text = self._read(self._decoder.finish())
        except ValueError:
            return ""
        if self.failure is not None and self.failure.status is CallStatus.MALFORMED:
            self.failure = None  # it breaks off: then the reply is not whole, whatever it was
        return text

    def _read(self, events: Sequence[str]) -> str:
        texts: list[str] = []
        try:
            for event in events:
                if event.startswith(_DONE):
                    self._finish_all()
                elif event and not self.done:
                    value, end = _DECODER.raw_decode(event := event.strip(_JSON_SPACE))
                    if end == len(event) and isinstance(value, dict):
                        text = self._event(value)
                        if text:
                            self._begun = True
                            texts.append(text)
                    else:
                        self._take_all(event, texts)
        except (ValueError, RecursionError):  # the JSON of the reply is malformed
            self._fail_as(AttemptFailedError(CallStatus.MALFORMED))
        except AttemptFailedError as error:
            self._fail_as(error)
        return self._answer("".join(texts))

    def _take_all(self, event: str, texts: list[str]) -> None:
        """Reads an event of several objects: some servers leave the blank lines between them out."""
        at = 0
        while at < len(event):
            if event.startswith(_DONE, at):
                self._finish_all()
                return
            value, at = _DECODER.raw_decode(event, at)
            texts.append(self._event(_object_of(value)))
            self._begun = self._begun or bool(texts[-1])
            while at < len(event) and event[at] in _JSON_SPACE:
                at += 1

    def _finish_all(self) -> None:
        self._finish("")
        self.finished = self.done = True

    def _answer(self, text: str) -> str:
        self._characters_left -= len(text)
        if self._characters_left < 0:
            self._fail_as(AttemptFailedError(CallStatus.MALFORMED))
        if not text.isascii() or "\0" in text or self._well_formed.held:
            text = self._well_formed.feed(text)
        if self._splitter.is_past_reasoning:  # by far the most frequent case
            return text
        answer = self._splitter.feed(text)
        self._record_reasoning()
        return answer

    def _fail_as(self, error: AttemptFailedError) -> None:
        """Ends the reply with a failure, or without one if it is whole already."""
        if self.finished and self._begun:
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
        if self._refused and found in {None, FinishReason.STOP}:
            found = FinishReason.REFUSAL
        self._exchange.finish_reason = found
        if word:
            self.finished = True

    def _add_refusal(self, text: str) -> str:
        """Returns the text of a refusal, which is the answer."""
        self._refused = self._refused or bool(text)
        return text

    def _add_reasoning(self, value: object) -> None:
        """Counts reasoning that came in a field of its own."""
        if isinstance(value, str) and value:
            self._begun = True
            self._splitter.reasoning_is_apart()
            self._reported_reasoning_characters += len(value)
            self._reported_reasoning_weight += weight(value)
            self._characters_left -= len(value)
            self._record_reasoning()

    def _record_reasoning(self) -> None:
        self._exchange.reasoning_characters = (
            self._reported_reasoning_characters + self._splitter.reasoning_characters
        )
        self._exchange.reasoning_weight = (
            self._reported_reasoning_weight + self._splitter.reasoning_weight
        )

    def _record_usage(self, usage: Usage) -> None:
        """Keeps the last counts: they are totals, and some backends repeat them."""
        self._exchange.reported = usage.after(self._exchange.reported)

    def _fail(self, error: object) -> AttemptFailedError:
        """Returns the failure for an error within the reply, in any form."""
        return failure_in(error, begun=self._begun)


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
