"""Fits what a model is to read into its context window, before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.prompts.prompts import Reference
from services.router.types.tokens import count_bytes, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.pool.pool import PoolModel
    from services.router.types.conversation import Conversation
    from services.router.types.tokens import TokenCounter

INSTRUCTION_TOKENS = 300
"""Room for the router's own instruction and marks."""
REFERENCE_OVERHEAD_TOKENS = 40
"""What the marks around a reference take by any tokenizer in use, the example of its grade included."""
_MIN_REFERENCE_TOKENS = 64
"""A reference cut shorter than this is left out."""


def room_tokens(model: PoolModel, conversation: Conversation) -> int:
    """Returns what is left for references beside the conversation and a reply of full length."""
    return _room_tokens(model, conversation, model.count_tokens)


def fits(model: PoolModel, conversation: Conversation) -> bool:
    """Says whether the model can hold the conversation and a reply of full length."""
    # No text has more tokens than bytes: what fits by its bytes need not be counted.
    return (
        _room_tokens(model, conversation, count_bytes) >= 0 or room_tokens(model, conversation) >= 0
    )


def _room_tokens(model: PoolModel, conversation: Conversation, count: TokenCounter) -> int:
    taken = conversation.count_tokens(count) + INSTRUCTION_TOKENS
    return model.context_window_tokens - model.max_reply_tokens - taken


def fit_references(
    model: PoolModel, conversation: Conversation, answers: Sequence[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """Returns the answers that fit, best first; the lowest-scored are dropped first.

    Args:
        model: Who is to read them.
        conversation: What stands in the prompt already.
        answers: Pairs of model id and text, best first.
    """
    room = room_tokens(model, conversation)
    kept: list[tuple[str, str]] = []
    for model_id, text in answers:
        text_tokens = model.count_tokens(text) + REFERENCE_OVERHEAD_TOKENS
        if text_tokens > room:
            left = room - REFERENCE_OVERHEAD_TOKENS
            if left >= _MIN_REFERENCE_TOKENS:
                kept.append((model_id, shorten(text, left, model.count_tokens)))
            break
        kept.append((model_id, text))
        room -= text_tokens
    return tuple(kept)


def labelled(answers: Sequence[tuple[str, str]]) -> tuple[Reference, ...]:
    """Returns the answers as references R1, R2, ... in the order given."""
    return tuple(
        Reference(label=f"R{number}", model_id=model_id, text=text)
        for number, (model_id, text) in enumerate(answers, start=1)
    )
