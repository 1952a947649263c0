"""What of the texts of a call goes into its record."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.decision_records.record import QueryNote

if TYPE_CHECKING:
    from services.router.types.conversation import Conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """The operator's choice; without any, a record holds lengths alone."""

    key: bytes | None = field(default=None, repr=False)
    """Makes equal queries recognizable to whoever has it, and to nobody else."""
    keep_text: bool = False

    def query(self, conversation: Conversation) -> QueryNote:
        """Returns what is kept of the query that was ranked for."""
        text = conversation.query
        return QueryNote(
            keyed_hash=None if self.key is None else self._hash(self.key, text),
            character_count=len(text),
            estimated_token_count=conversation.tokens,
            message_count=len(conversation.messages),
            text=self.text(text),
        )

    def text(self, text: str | None) -> str | None:
        """Returns an answer's or a query's text if it is kept."""
        return text if self.keep_text else None

    @staticmethod
    def _hash(key: bytes, text: str) -> str:
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
