"""Queries, options and answers as a record holds them: lengths, and texts only if asked for. Pure."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.decision_records.record import (
    AnswerEntry,
    InvalidAnswerEntry,
    MediaEntry,
    OptionsEntry,
    QueryEntry,
    ToolCallEntry,
)
from services.router.types.options import in_order

if TYPE_CHECKING:
    import enum
    from collections.abc import Sequence

    from services.router.engine.run import InvalidAnswer
    from services.router.routing.events import Answer
    from services.router.types.conversation import Conversation
    from services.router.types.messages import Media, ToolCall
    from services.router.types.options import GenerationOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """The operator's choice of texts in records; by default there are only lengths."""

    key: bytes | None = field(default=None, repr=False)
    """The key of the hash of queries: only its owner can recognize equal queries."""
    keep_text: bool

    def query(self, conversation: Conversation) -> QueryEntry:
        """Returns the entry of a conversation's query."""
        text = conversation.query
        return QueryEntry(
            keyed_hash=None if self.key is None else self._hash(self.key, text),
            character_count=len(text),
            estimated_token_count=conversation.tokens,
            message_count=len(conversation.messages),
            answers_tool=conversation.answers_tool,
            media=tuple(_media(m) for message in conversation.messages for m in message.media),
            needs=tuple(need.name for need in in_order(conversation.needs)),
            text=self.text(text),
        )

    def options(self, options: GenerationOptions) -> OptionsEntry:
        """Returns the entry of the caller's options."""
        form, choice = options.json_format, options.tool_choice
        return OptionsEntry(
            max_output_tokens=options.max_output_tokens,
            temperature=options.temperature,
            top_p=options.top_p,
            seed=options.seed,
            reasoning_effort=_name(options.reasoning_effort),
            json_format=None if form is None else "SCHEMA" if form.schema_json else "OBJECT",
            json_schema=None if form is None else self.text(form.schema_json or None),
            tool_count=len(options.tools),
            tool_names=tuple(tool.name for tool in options.tools) if self.keep_text else None,
            tool_choice=None if choice is None else choice.mode.name,
            parallel_tool_calls=options.parallel_tool_calls,
            top_log_probabilities=options.top_log_probabilities,
        )

    def answer(self, answer: Answer, *, agrees: bool | None = None) -> AnswerEntry:
        """Returns the entry of an answer, and whether it agrees with the final one."""
        return AnswerEntry(
            model_id=answer.model_id,
            self_score=answer.self_score,
            grades=dict(answer.grades),
            finish_reason=_name(answer.finish_reason),
            character_count=len(answer.text),
            text=self.text(answer.text),
            tool_calls=self.tool_calls(answer.tool_calls),
            refused=bool(answer.refusal),
            refusal=self.text(answer.refusal or None),
            agrees=agrees,
        )

    def invalid(self, invalid: InvalidAnswer) -> InvalidAnswerEntry:
        """Returns the entry of an answer that breaks the form of the request."""
        return InvalidAnswerEntry(
            model_id=invalid.answer.model_id,
            problem_count=len(invalid.problems),
            problems=invalid.problems if self.keep_text else None,
        )

    def tool_calls(self, calls: Sequence[ToolCall]) -> tuple[ToolCallEntry, ...]:
        """Returns the entries of calls to tools."""
        return tuple(
            ToolCallEntry(
                name=self.text(call.name),
                character_count=len(call.arguments_json),
                arguments_json=self.text(call.arguments_json),
            )
            for call in calls
        )

    def text(self, text: str | None) -> str | None:
        """Returns a text if records hold texts, else None."""
        return text if self.keep_text else None

    @staticmethod
    def _hash(key: bytes, text: str) -> str:
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _media(media: Media) -> MediaEntry:
    return MediaEntry(
        kind=media.kind.name,
        media_type=media.media_type,
        byte_count=None if media.url else len(media.data),
    )


def _name(value: enum.Enum | None) -> str | None:
    return None if value is None else value.name
