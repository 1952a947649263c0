"""Recalls a conversation before its answer, and remembers it afterwards."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.routing.prompt_caches import PromptCaches
from services.router.sessions.cache_shares import LearntShares
from services.router.sessions.conversation_keys import conversation_keys
from services.router.sessions.session_state import (
    CACHE_TTL_S,
    AnsweredTurn,
    decode_state,
    encode_state,
)
from services.router.types.ledger import CallPurpose, CallStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from services.router.sessions.conversation_keys import ConversationKeys
    from services.router.sessions.session_state import SessionState
    from services.router.types.conversation import Conversation
    from services.router.types.ledger import LedgerEntry
    from services.router.values.values import Values

STATE_TTL_S = 12 * CACHE_TTL_S
"""Time for which a conversation is remembered: its model longer than the caches hold its prompt."""
_READS_CONVERSATION = frozenset({CallPurpose.ANSWER, CallPurpose.AGGREGATION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A conversation as it was recalled at the start of a call."""

    conversation: Conversation
    keys: ConversationKeys
    state: SessionState | None
    caches: PromptCaches

    @property
    def kept_model_id(self) -> str | None:
        """The model that wrote the last answer; None if it is not known."""
        return None if self.state is None else self.state.model_id


class Sessions:
    """All conversations.

    Args:
        values: Keeps their states.
        clock: Returns the time in seconds since 1970, the same for all routers.
    """

    def __init__(self, values: Values, *, clock: Callable[[], float] = time.time) -> None:
        self._values = values
        self._clock = clock
        self.shares = LearntShares()

    async def recall(self, conversation: Conversation) -> Session:
        """Returns what is known of a conversation. Takes a few ms at most, never fails."""
        keys = conversation_keys(conversation)
        state = None
        if keys.lookup is not None:
            data = await self._values.get(keys.lookup)
            state = None if data is None else decode_state(data)
        seen: Mapping[str, int] = {}
        if state is not None and state.digest == keys.before:
            seen = state.seen_tokens(self._clock())  # after a change of the history, none
        caches = PromptCaches(seen_tokens=seen, shares=self.shares.by_model)
        return Session(conversation=conversation, keys=keys, state=state, caches=caches)

    def remember(self, session: Session, model_id: str, entries: Sequence[LedgerEntry]) -> None:
        """Remembers an answer by a model, and learns from the attempts at it."""
        tokens = session.conversation.tokens
        for entry in entries:
            if entry.purpose in _READS_CONVERSATION and tokens:
                seen = min(session.caches.seen_tokens.get(entry.model_id, 0), tokens)
                self.shares.observe(entry, seen_share=seen / tokens)
        turn = AnsweredTurn(
            digest=session.keys.now,
            model_id=model_id,
            seen_tokens={
                replied: tokens + (written if replied == model_id else 0)
                for replied, written in _replies(entries)
            },
            now_s=self._clock(),
        )
        before = session.state if session.caches.seen_tokens else None
        state = encode_state(turn.state_after(before))
        self._values.put(session.keys.save, state, STATE_TTL_S)


def _replies(entries: Iterable[LedgerEntry]) -> Iterable[tuple[str, int]]:
    """Yields each model that read the conversation and replied, with the tokens of its reply."""
    for entry in entries:
        if entry.purpose in _READS_CONVERSATION and entry.status is CallStatus.OK:
            yield entry.model_id, max(0, entry.completion_tokens - entry.reasoning_tokens)
