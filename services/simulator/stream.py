"""A reply's text -> word pieces -> server-sent events at a given pace.

Events that are due together are written together, as fast backends do.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from aiohttp import web

_PIECE = re.compile(r"\s*\S{1,6}|\s+")
_WRITE_BYTES = 64 * 1024
_CHARACTERS_PER_TOKEN = 4
"""OpenAI's rule of thumb for English text, since not every model's tokenizer is available."""
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """The writing speed of the models."""

    time_to_first_token_s: float = 0.0
    tokens_per_second: float = 0.0
    """Zero writes everything at once."""
    slow_start_s: float = 2.0
    """Time to the first token of slow calls and of models with the fault ``slow_start``."""
    slow_every: int = 0
    """One call in this many is slow to begin; zero for none."""


def split_pieces(text: str) -> list[str]:
    """Splits text into word pieces, which are the simulator's tokens; joined, they are the text."""
    return _PIECE.findall(text)


def estimate_tokens(text: str) -> int:
    """Estimates how many tokens a prompt text has."""
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWriter:
    """Encodes the events of one streamed reply."""

    completion_id: str
    created: int
    model: str

    def opening(self) -> bytes:
        """Returns the event that names the role."""
        return self._event([_choice({"role": "assistant", "content": ""})])

    def pieces(self, texts: Sequence[str]) -> list[bytes]:
        """Returns the events that add one text each."""
        # The rest is the same in each and encoded once: this is the hot path.
        mark = b'"content":""'
        head, _, tail = self._event([_choice({"content": ""})]).partition(mark)
        head += mark[:-2]
        return [b"%b%b%b" % (head, json.dumps(text).encode(), tail) for text in texts]

    def deltas(self, deltas: Iterable[object]) -> list[bytes]:
        """Returns the events of deltas that are no text."""
        return [self._event([_choice(delta)]) for delta in deltas]

    def likely_pieces(
        self, texts: Sequence[str], log_probabilities: Sequence[object]
    ) -> list[bytes]:
        """Returns the events that add one text each, with its log probabilities."""
        return [
            self._event([_choice({"content": text}) | {"logprobs": {"content": [likely]}}])
            for text, likely in zip(texts, log_probabilities, strict=True)
        ]

    def closing(self, finish_reason: str) -> bytes:
        """Returns the event with the reason of the reply's end."""
        return self._event([_choice({}, finish_reason=finish_reason)])

    def usage(self, usage: dict[str, object]) -> bytes:
        """Returns the event that holds the token counts."""
        return self._event([], usage=usage)

    def whole(
        self, choice: dict[str, object], count: int, usage: dict[str, object]
    ) -> dict[str, object]:
        """Returns the reply as one object with so many like choices, for a caller without a stream."""
        choices: list[object] = [{"index": index, **choice} for index in range(count)]
        return self._object("chat.completion", choices, usage=usage)

    def _event(self, choices: list[object], **fields: object) -> bytes:
        return encode_event(self._object("chat.completion.chunk", choices, **fields))

    def _object(self, kind: str, choices: list[object], **fields: object) -> dict[str, object]:
        return {
            "id": self.completion_id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": "simulated",
            "choices": choices,
            **fields,
        }


def _choice(delta: object, *, finish_reason: str | None = None) -> dict[str, object]:
    return {"index": 0, "delta": delta, "finish_reason": finish_reason}


def encode_event(content: object) -> bytes:
    """Encodes one server-sent event that holds JSON."""
    return b"data: %b\n\n" % json.dumps(content, separators=(",", ":")).encode()


async def write_events(
    response: web.StreamResponse,
    events: Sequence[bytes],
    tokens_per_second: float,
    on_written: Callable[[int], None],
) -> None:
    """Writes the event of each token when it is due; all at once if ``tokens_per_second`` is zero.

    Args:
        response: The response that is written.
        events: One per token.
        tokens_per_second: The pace.
        on_written: Called with the number of events written so far.
    """
    if tokens_per_second <= 0:
        for batch in _batches(events):
            await response.write(batch)
        on_written(len(events))
        return
    loop = asyncio.get_running_loop()
    start_s = loop.time()
    written = 0
    while written < len(events):
        # The schedule is absolute, so that the next write makes up for a late wake-up.
        await asyncio.sleep(start_s + written / tokens_per_second - loop.time())
        due = int((loop.time() - start_s) * tokens_per_second) + 1
        due = max(due, written + 1)
        await response.write(b"".join(events[written:due]))
        written = min(due, len(events))
        on_written(written)


def _batches(events: Sequence[bytes]) -> Iterator[bytes]:
    batch = bytearray()
    for event in events:
        batch += event
        if len(batch) >= _WRITE_BYTES:
            yield bytes(batch)
            batch.clear()
    if batch:
        yield bytes(batch)
