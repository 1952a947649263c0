"""The conversation of a call: what was said, and what of it is the query."""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from services.router.types.tokens import MESSAGE_OVERHEAD_TOKENS, estimate_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.types.tokens import TokenCounter

_HISTORY_CHARACTERS = 1_000
_QUERY_CHARACTERS = 20_000
"""More than any scorer reads; text beyond it is cut from the middle, as the scorer would."""


class Role(enum.StrEnum):
    """Who speaks, as OpenAI-compatible APIs spell it."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn."""

    role: Role
    content: str


def prompt_tokens(messages: Sequence[Message], count: TokenCounter = estimate_tokens) -> int:
    """Returns the tokens of a whole prompt."""
    return sum(count(m.content) + MESSAGE_OVERHEAD_TOKENS for m in messages)


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """Turns, oldest first; system turns come first, and the last turn is the user's."""

    messages: tuple[Message, ...]

    @property
    def system(self) -> str:
        """The caller's system text; empty if there is none."""
        return "\n\n".join(m.content for m in self.messages if m.role is Role.SYSTEM)

    @property
    def turns(self) -> tuple[Message, ...]:
        """Everything but the system text."""
        return tuple(m for m in self.messages if m.role is not Role.SYSTEM)

    @property
    def tokens(self) -> int:
        """The estimate for all of it."""
        return self.count_tokens(estimate_tokens)

    def count_tokens(self, count: TokenCounter) -> int:
        """Returns the tokens of all of it; counted once, as many models are held against it."""
        if count not in self._counts:
            self._counts[count] = prompt_tokens(self.messages, count)
        return self._counts[count]

    @cached_property
    def _counts(self) -> dict[TokenCounter, int]:
        return {}

    @cached_property
    def session(self) -> str | None:
        """What a chat is known by from its second user turn on: its system text and first turn, hashed.

        A backend that has read the chat before still holds it in its cache.
        """
        users = [m.content for m in self.messages if m.role is Role.USER]
        if len(users) < 2:
            return None
        start = f"{self.system}\0{users[0]}"
        return hashlib.blake2b(start.encode("utf-8", "replace"), digest_size=16).hexdigest()

    @property
    def query(self) -> str:
        """What the scorer ranks for: the last user turn, after the start of the user turns before it.

        A turn such as "and in French?" says little by itself; the earlier turns give it its topic. The
        last turn stands at the end, where the scorer's tokenizer never cuts.
        """
        users = [m.content for m in self.messages if m.role is Role.USER]
        history = "\n".join(users[:-1])[:_HISTORY_CHARACTERS]
        query = f"{history}\n{users[-1]}" if history else users[-1]
        if len(query) <= _QUERY_CHARACTERS:
            return query
        half = _QUERY_CHARACTERS // 2
        return query[:half] + query[-half:]
