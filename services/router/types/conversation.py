"""The conversation of a call: its messages, and the query for the scorer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from services.router.types.messages import Role
from services.router.types.options import NO_OPTIONS, GenerationOptions
from services.router.types.tokens import MESSAGE_OVERHEAD_TOKENS, count_bytes, estimate_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.types.messages import Message
    from services.router.types.tokens import TokenCounter

_HISTORY_CHARACTERS = 1_000
_QUERY_CHARACTERS = 20_000
"""More than any scorer reads; longer queries are cut in the middle, as the scorer does."""


def prompt_tokens(messages: Sequence[Message], count: TokenCounter = estimate_tokens) -> int:
    """Returns the number of tokens of a whole prompt."""
    texts = [message.content for message in messages]
    return sum(map(count, texts)) + MESSAGE_OVERHEAD_TOKENS * len(texts)


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """Messages, oldest first; system messages come first, and the last message is the user's."""

    messages: tuple[Message, ...]
    options: GenerationOptions = NO_OPTIONS
    """The caller's wishes for the answer."""
    cache_salt: str = ""
    """Keeps tenants apart in the caches of scorer and backends; empty without tenants."""

    @cached_property
    def system(self) -> str:
        """The caller's system text; empty if there is none."""
        return "\n\n".join(m.content for m in self.messages if m.role is Role.SYSTEM)

    @cached_property
    def turns(self) -> tuple[Message, ...]:
        """All messages but those of the system."""
        return tuple(m for m in self.messages if m.role is not Role.SYSTEM)

    @property
    def tokens(self) -> int:
        """The estimated number of tokens of all messages."""
        return self.count_tokens(estimate_tokens)

    @cached_property
    def most_tokens(self) -> int:
        """The most tokens that any tokenizer makes of all messages."""
        return prompt_tokens(self.messages, count_bytes)

    def count_tokens(self, count: TokenCounter) -> int:
        """Returns the number of tokens of all messages; cached, as many models ask for it."""
        if count not in self._counts:
            self._counts[count] = prompt_tokens(self.messages, count)
        return self._counts[count]

    @cached_property
    def _counts(self) -> dict[TokenCounter, int]:
        return {}

    @cached_property
    def session(self) -> str | None:
        """A hash of the caller's session id, or else of the system text and the first user message.

        None in the first turn of a chat, unless there are an id or tools, whose results will come
        back. Results of tools begin another turn. Calls with the same hash prefer the same replica,
        which may have the chat in its cache. Other tenants have other hashes.
        """
        digest = hashlib.blake2b(digest_size=16, key=self.cache_salt.encode())
        if self.options.session_id:
            digest.update(f"\0{self.options.session_id}".encode("utf-8", "replace"))
            return digest.hexdigest()
        asked = [m for m in self.messages if m.role in {Role.USER, Role.TOOL}]
        if not asked or (len(asked) < 2 and not self.options.tools):
            return None
        first = next((m for m in asked if m.role is Role.USER), asked[0])
        digest.update(f"{self.system}\0{first.content}".encode("utf-8", "replace"))
        for medium in first.media:
            digest.update(b"\0" + medium.url.encode("utf-8", "replace") + b"\0" + medium.data)
        return digest.hexdigest()

    @property
    def query(self) -> str:
        """The text for the scorer: the start of the earlier user messages, then the last one.

        A message such as "and in French?" means little alone; the earlier ones give it its topic. The
        last message stands at the end, because the scorer's tokenizer never cuts there.
        """
        users = [m.content for m in self.messages if m.role is Role.USER]
        history = "\n".join(users[:-1])[:_HISTORY_CHARACTERS]
        query = f"{history}\n{users[-1]}" if history else users[-1]
        if len(query) <= _QUERY_CHARACTERS:
            return query
        half = _QUERY_CHARACTERS // 2
        return query[:half] + query[-half:]
