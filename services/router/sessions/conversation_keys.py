"""The keys that a conversation is found by: a session id, or a hash of its beginning."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.types.messages import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.router.types.conversation import Conversation
    from services.router.types.messages import Media, Message

_DIGEST_BYTES = 16
_EDGE_BYTES = 4096
"""Bytes of a medium at its start and its end that tell it from others; hashing all would take long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationKeys:
    """The keys of a conversation at one call. Other tenants have other keys."""

    before: str | None
    """The digest of the messages that the last call had; None if there was no answer yet."""
    now: str
    """The digest of all messages, which will be `before` at the next call."""
    session: str | None
    """A key made of the caller's session id; None without one."""

    @property
    def lookup(self) -> str | None:
        """The key of the state that the last call left; None if there was none."""
        return self.session or self.before

    @property
    def save(self) -> str:
        """The key of the state that this call leaves."""
        return self.session or self.now


def conversation_keys(conversation: Conversation) -> ConversationKeys:
    """Returns the keys of a conversation."""
    messages, options = conversation.messages, conversation.options
    salt = conversation.cache_salt.encode()
    before_count = _messages_before_answer(messages)
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES, key=salt)
    for tool in options.tools:
        _feed(digest, tool.name, tool.description, tool.parameters_json)
    before = None
    for number, message in enumerate(messages):
        if number == before_count:
            before = digest.hexdigest()
        _feed(digest, *_fields(message))
    session = None
    if options.session_id:
        given = options.session_id.encode("utf-8", "replace")
        hashed = hashlib.blake2b(given, digest_size=_DIGEST_BYTES, key=salt)
        session = f"id:{hashed.hexdigest()}"
    return ConversationKeys(before=before, now=digest.hexdigest(), session=session)


def _messages_before_answer(messages: tuple[Message, ...]) -> int | None:
    """Returns the number of messages before the newest answer; None if there is no answer."""
    end = len(messages)
    while end and messages[end - 1].role is not Role.ASSISTANT:
        end -= 1
    if not end:
        return None
    while end and messages[end - 1].role is Role.ASSISTANT:
        end -= 1
    return end


def _fields(message: Message) -> Iterator[str]:
    yield message.role.value
    yield message.content
    yield message.tool_call_id
    for call in message.tool_calls:
        yield from (call.id, call.name, call.arguments_json)
    for medium in message.media:
        yield from _medium(medium)


def _medium(medium: Media) -> Iterator[str]:
    data = medium.data
    edges = hashlib.blake2b(data[:_EDGE_BYTES] + data[-_EDGE_BYTES:]).hexdigest()
    yield from (medium.kind.value, medium.url, str(len(data)), edges)


def _feed(digest: hashlib.blake2b, *texts: str) -> None:
    """Adds texts with their number and lengths, so that no two lists of texts feed the same bytes."""
    whole = "".join([f"{len(texts)};", *[f"{len(text)}:{text}" for text in texts]])
    digest.update(whole.encode("utf-8", "replace"))
