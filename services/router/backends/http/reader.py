"""Reads one reply: bytes -> JSON events -> text, reasoning kept apart, within bounds."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

from services.router.backends.http.attempt_failure import AttemptFailedError, status_of_error
from services.router.backends.http.lines import LinesError
from services.router.backends.http.reasoning import ReasoningSplitter
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from services.router.backends.http.exchange import Exchange, Usage

_DECODER = json.JSONDecoder()  # `json.loads` does as much around it as it does itself
_DONE = "[DONE]"
_JSON_SPACE = " \t\n\r"
_CHARACTERS_PER_TOKEN_LIMIT = 32
"""A reply of more characters per allowed token than this is no reply of that model."""


class Decoder(Protocol):
    """Takes events out of bytes."""

    def feed(self, data: bytes) -> list[str]:
        """Takes more bytes and returns the events that they complete; raises `LinesError`."""
        ...


class Reader(ABC):
    """Reads one reply; a dialect says what its events mean."""

    def __init__(self, exchange: Exchange, decoder: Decoder) -> None:
        model = exchange.model
        self.finished = False
        """Whether the backend said why the reply ends."""
        self.done = False
        """Whether the backend said that nothing follows."""
        self.failure: AttemptFailedError | None = None
        """Why no whole reply comes: the backend says so, or is no such backend."""
        self._exchange = exchange
        self._decoder = decoder
        self._splitter = ReasoningSplitter(
            inside=model.starts_in_reasoning and not exchange.partial
        )
        self._reported_reasoning_characters = 0
        self._begun = False
        """Whether text or reasoning has come."""
        self._characters_left = model.max_reply_tokens * _CHARACTERS_PER_TOKEN_LIMIT

    def read(self, data: bytes) -> str:
        """Returns the answer's text in a piece of the stream; notes in the exchange what else it says.

        Text that came before a failure is returned, and the failure noted.
        """
        texts: list[str] = []
        try:
            for event in self._decoder.feed(data):
                if event == _DONE:
                    self.finished = self.done = True
                elif event and not self.done:
                    text = self._event(_parse(event))
                    if text:
                        self._begun = True
                        texts.append(text)
        except LinesError:
            self.failure = AttemptFailedError(CallStatus.MALFORMED)
        except AttemptFailedError as error:
            self.failure = error
        return self._answer("".join(texts))

    def finish(self) -> str:
        """Returns text that was held back and turned out to be the answer's."""
        text = self._splitter.finish()
        self._note_reasoning()
        return text

    @abstractmethod
    def _event(self, value: dict[str, Any]) -> str:
        """Returns the text in an event."""

    def _answer(self, text: str) -> str:
        self._characters_left -= len(text)
        if self._characters_left < 0:
            self.failure = AttemptFailedError(CallStatus.MALFORMED)
        answer = self._splitter.feed(text)
        self._note_reasoning()
        return answer

    def _add_reasoning(self, value: object) -> None:
        """Notes reasoning that came in a field of its own."""
        if isinstance(value, str) and value:
            self._begun = True
            self._reported_reasoning_characters += len(value)
            self._characters_left -= len(value)

    def _note_reasoning(self) -> None:
        self._exchange.reasoning_characters = (
            self._reported_reasoning_characters + self._splitter.reasoning_characters
        )

    def _note_usage(self, usage: Usage | None) -> None:
        """Keeps what the backend said last: counts are totals, and some backends repeat them."""
        if usage is not None:
            self._exchange.usage = usage

    def _fail(self, error: object) -> AttemptFailedError:
        """Returns the failure that an error within the reply means."""
        # What is refused before a word is written costs nothing; afterwards something was used.
        status = CallStatus.BACKEND_ERROR if self._begun else status_of_error(error)
        return AttemptFailedError(status)


def _parse(event: str) -> dict[str, Any]:
    event = event.strip(_JSON_SPACE)
    try:
        value, end = _DECODER.raw_decode(event)
    except (ValueError, RecursionError) as error:
        raise AttemptFailedError(CallStatus.MALFORMED) from error
    if end != len(event) or not isinstance(value, dict):
        raise AttemptFailedError(CallStatus.MALFORMED)
    return value


def text_of(value: object) -> str:
    """Returns a text that may be left out.

    Raises:
        AttemptFailedError: It is something else.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise AttemptFailedError(CallStatus.MALFORMED)
    return value


def count_of(value: object) -> int | None:
    """Returns a count of tokens; None for whatever is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < 1 << 31 else None
