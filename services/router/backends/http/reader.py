"""Reads one reply: bytes -> JSON events -> text without reasoning, within bounds."""

from __future__ import annotations

import enum
import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

from services.router.backends.http.attempt_failure import AttemptFailedError, status_of_error
from services.router.types.ledger import CallStatus
from services.router.types.tokens import weight

if TYPE_CHECKING:
    from services.router.backends.http.exchange import Exchange
    from services.router.backends.http.usage import Usage

_DECODER = json.JSONDecoder()  # half the cost of `json.loads`
_DONE = "[DONE]"
_JSON_SPACE = " \t\n\r"
_CHARACTERS_PER_TOKEN_LIMIT = 32
"""Characters per allowed token above which a reply is refused as malformed."""
_OPEN = "<think>"
_CLOSE = "</think>"


class Decoder(Protocol):
    """Decodes bytes into events."""

    def feed(self, data: bytes) -> list[str]:
        """Takes more bytes and returns the events that they complete; raises `LinesError`."""
        ...


class Reader(ABC):
    """Reads one reply; each dialect reads its own events."""

    def __init__(self, exchange: Exchange, decoder: Decoder) -> None:
        model = exchange.model
        self.finished = False
        """True once the backend has given a reason for the end."""
        self.done = False
        """True once the backend has said that nothing follows."""
        self.failure: AttemptFailedError | None = None
        """The failure that ended the reply; None while there is none."""
        self._exchange = exchange
        self._decoder = decoder
        self._splitter = ReasoningSplitter(
            inside=model.starts_in_reasoning and not exchange.partial
        )
        self._reported_reasoning_characters = 0
        self._reported_reasoning_weight = 0
        self._begun = False
        """True once text or reasoning has come."""
        self._characters_left = model.max_reply_tokens * _CHARACTERS_PER_TOKEN_LIMIT

    def read(self, data: bytes) -> str:
        """Returns the answer text in a piece of the stream, and records usage and reasoning.

        Text that came before a failure is returned, and `failure` is set.
        """
        texts: list[str] = []
        try:
            for event in self._decoder.feed(data):
                if event == _DONE:
                    self.finished = self.done = True
                elif event and not self.done:
                    value, end = _DECODER.raw_decode(event := event.strip(_JSON_SPACE))
                    if end != len(event) or not isinstance(value, dict):
                        self.failure = AttemptFailedError(CallStatus.MALFORMED)
                        break
                    text = self._event(value)
                    if text:
                        self._begun = True
                        texts.append(text)
        except (ValueError, RecursionError):  # the lines or the JSON of the reply are malformed
            self.failure = AttemptFailedError(CallStatus.MALFORMED)
        except AttemptFailedError as error:
            self.failure = error
        return self._answer("".join(texts))

    def finish(self) -> str:
        """Returns the held text that belongs to the answer."""
        text = self._splitter.finish()
        self._record_reasoning()
        return text

    @abstractmethod
    def _event(self, value: dict[str, Any]) -> str:
        """Returns the text of an event."""

    def _answer(self, text: str) -> str:
        self._characters_left -= len(text)
        if self._characters_left < 0:
            self.failure = AttemptFailedError(CallStatus.MALFORMED)
        answer = self._splitter.feed(text)
        self._record_reasoning()
        return answer

    def _add_reasoning(self, value: object) -> None:
        """Counts reasoning that came in a field of its own."""
        if isinstance(value, str) and value:
            self._begun = True
            self._reported_reasoning_characters += len(value)
            self._reported_reasoning_weight += weight(value)
            self._characters_left -= len(value)

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
        """Returns the failure for an error object within the reply."""
        # A refusal before the first text costs nothing; after it, tokens were used.
        status = CallStatus.BACKEND_ERROR if self._begun else status_of_error(error)
        return AttemptFailedError(status)


class _Where(enum.Enum):
    START = enum.auto()
    REASONING = enum.auto()
    AFTER = enum.auto()
    ANSWER = enum.auto()


class ReasoningSplitter:
    """Removes the reasoning at the start of a reply, however the text is cut into pieces.

    Args:
        inside: True if the reply begins within the reasoning, because a chat template opens it.
    """

    def __init__(self, *, inside: bool = False) -> None:
        self._where = _Where.REASONING if inside else _Where.START
        self._space: list[str] = []
        """White space at the start: part of the answer unless reasoning follows."""
        self._held = ""
        self.reasoning_characters = 0
        self.reasoning_weight = 0

    def feed(self, text: str) -> str:
        """Takes more of the reply and returns the part that belongs to the answer."""
        if self._where is _Where.ANSWER:
            return text
        self._held += text
        if self._where is _Where.START:
            self._start()
        if self._where is _Where.REASONING:
            self._reason()
        if self._where is _Where.AFTER:
            self._held = self._held.lstrip()
            if self._held:
                self._where = _Where.ANSWER
        if self._where is not _Where.ANSWER:
            return ""
        answer, self._held = self._held, ""
        return answer

    def finish(self) -> str:
        """Returns the held text that belongs to the answer."""
        held, self._held = self._held, ""
        if self._where is _Where.REASONING:
            self._drop(held)
        return "".join([*self._space, held]) if self._where is _Where.START and held else ""

    def _start(self) -> None:
        text = self._held.lstrip()
        if len(text) < len(self._held):
            self._space.append(self._held[: len(self._held) - len(text)])
        if text.startswith(_OPEN):
            self._where, self._held = _Where.REASONING, text[len(_OPEN) :]
        elif _OPEN.startswith(text):  # also true while only white space has come
            self._held = text
        else:
            self._where, self._held = _Where.ANSWER, "".join([*self._space, text])

    def _reason(self) -> None:
        reasoning, closed, rest = self._held.partition(_CLOSE)
        if closed:
            self._where, self._held = _Where.AFTER, rest
        else:  # the last characters may be the start of the closing tag
            kept = len(_CLOSE) - 1
            reasoning, self._held = self._held[:-kept], self._held[-kept:]
        self._drop(reasoning)

    def _drop(self, reasoning: str) -> None:
        self.reasoning_characters += len(reasoning)
        self.reasoning_weight += weight(reasoning)


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
