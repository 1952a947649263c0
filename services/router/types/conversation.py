"""The conversation of a call: its messages, and the query for the scorer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING

from services.router.types.messages import MediaKind, Role
from services.router.types.options import (
    NO_OPTIONS,
    Capability,
    GenerationOptions,
    ToolChoiceMode,
)
from services.router.types.tokens import MESSAGE_OVERHEAD_TOKENS, count_bytes, estimate_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.types.messages import Message
    from services.router.types.tokens import TokenCounter

_HISTORY_CHARACTERS = 1_000
_QUERY_CHARACTERS = 20_000
"""More than any scorer reads; longer queries are cut in the middle, as the scorer does."""
_TOOL_OVERHEAD_TOKENS = 16
"""An upper estimate of the tokens that a chat template puts around a tool, a call or a schema."""
_CAPABILITIES = {
    MediaKind.IMAGE: Capability.IMAGES,
    MediaKind.AUDIO: Capability.AUDIO,
    MediaKind.FILE: Capability.FILES,
}


def leading_system(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Returns the system messages before the first turn."""
    return tuple(takewhile(lambda message: message.role is Role.SYSTEM, messages))


def prompt_tokens(
    messages: Sequence[Message],
    count: TokenCounter = estimate_tokens,
    options: GenerationOptions = NO_OPTIONS,
) -> int:
    """Returns the number of tokens of a whole prompt, with its media, tools and schema."""
    total = options_tokens(options, count) + MESSAGE_OVERHEAD_TOKENS * len(messages)
    for message in messages:
        total += count(message.content)
        if message.parts:
            total += sum(medium.tokens for medium in message.media)
        for call in message.tool_calls:
            total += count(call.name) + count(call.arguments_json) + _TOOL_OVERHEAD_TOKENS
    return total


def options_tokens(options: GenerationOptions, count: TokenCounter) -> int:
    """Returns the number of tokens that tools and the schema of the answer take in a prompt."""
    total = 0
    for tool in options.tools:
        parts = (tool.name, tool.description, tool.parameters_json)
        total += sum(map(count, parts)) + _TOOL_OVERHEAD_TOKENS
    if options.json_format is not None:
        form = options.json_format
        total += count(form.description) + count(form.schema_json) + _TOOL_OVERHEAD_TOKENS
    return total


def needed_capabilities(
    messages: Sequence[Message], options: GenerationOptions
) -> frozenset[Capability]:
    """Returns the capabilities without which a model cannot answer.

    JSON formats and reasoning are none of them: answers are checked whoever wrote them, and a model
    that does not reason answers all the same.
    """
    needs = {_CAPABILITIES[media.kind] for message in messages for media in message.media}
    choice = options.tool_choice
    may_call = bool(options.tools) and (choice is None or choice.mode is not ToolChoiceMode.NONE)
    if may_call or any(message.role is Role.TOOL for message in messages):
        needs.add(Capability.TOOLS)
    if may_call and options.parallel_tool_calls:
        needs.add(Capability.PARALLEL_TOOLS)
    if options.top_log_probabilities is not None:
        needs.add(Capability.LOG_PROBABILITIES)
    return frozenset(needs)


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """Messages, oldest first; the last one but the system's is the user's or the result of a tool."""

    messages: tuple[Message, ...]
    options: GenerationOptions = NO_OPTIONS
    """The caller's wishes for the answer."""
    cache_salt: str = ""
    """Keeps tenants apart in the caches of scorer and backends; empty without tenants."""
    _counts: dict[TokenCounter, int] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def system(self) -> str:
        """The caller's system text before the first turn; empty if there is none."""
        return "\n\n".join(message.content for message in leading_system(self.messages))

    @property
    def turns(self) -> tuple[Message, ...]:
        """All messages from the first turn on, also later ones of the system."""
        return self.messages[len(leading_system(self.messages)) :]

    @property
    def answers_tool(self) -> bool:
        """True if the last message but the system's is the result of a tool."""
        said = (m.role for m in reversed(self.messages) if m.role is not Role.SYSTEM)
        return next(said, None) is Role.TOOL

    @property
    def tokens(self) -> int:
        """The estimated number of tokens of all messages, and of tools and schema."""
        return self.count_tokens(estimate_tokens)

    @cached_property
    def most_tokens(self) -> int:
        """The most tokens that any tokenizer makes of all messages."""
        return prompt_tokens(self.messages, count_bytes, self.options)

    def count_tokens(self, count: TokenCounter) -> int:
        """Returns the number of tokens of all messages; cached, as many models ask for it."""
        if count not in self._counts:
            self._counts[count] = prompt_tokens(self.messages, count, self.options)
        return self._counts[count]

    @cached_property
    def needs(self) -> frozenset[Capability]:
        """The capabilities without which a model cannot answer."""
        return needed_capabilities(self.messages, self.options)

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

    @cached_property
    def thread(self) -> str:
        """A hash of the session id, or else of the system text and the first user message.

        It is the same in every turn. Other tenants have other hashes.
        """
        first = next((m.content for m in self.messages if m.role is Role.USER), "")
        text = self.options.session_id or f"\0{self.system}\0{first}"
        digest = hashlib.blake2b(digest_size=16, key=self.cache_salt.encode())
        digest.update(text.encode("utf-8", "replace"))
        return digest.hexdigest()

    @property
    def query(self) -> str:
        """The text for the scorer: the start of the earlier user messages, then the last one.

        A message such as "and in French?" means little alone; the earlier ones give it its topic. The
        last message stands at the end, because the scorer's tokenizer never cuts there. Messages
        without text are left out; if none has text, the query names the kinds of the media.
        """
        users = [m.content for m in self.messages if m.role is Role.USER and m.content.strip()]
        if not users:
            kinds = {medium.kind.value for m in self.messages for medium in m.media}
            return f"The user sent: {', '.join(sorted(kinds))}"
        history = "\n".join(users[:-1])[:_HISTORY_CHARACTERS]
        query = f"{history}\n{users[-1]}" if history else users[-1]
        if len(query) <= _QUERY_CHARACTERS:
            return query
        half = _QUERY_CHARACTERS // 2
        return query[:half] + query[-half:]
