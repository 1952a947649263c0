"""Fits prompts into context windows: which models can read one, and which answers fit into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.router.prompts.prompts import Reference
from services.router.types.tokens import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.pool.model import PoolModel
    from services.router.pool.pool import Booleans, ModelSet
    from services.router.types.conversation import Conversation

INSTRUCTION_TOKENS = 300
"""Upper estimate for the router's own instruction and marks."""
REFERENCE_OVERHEAD_TOKENS = 50
"""Upper estimate for the marks around a reference and the example of its grade, by any tokenizer."""
_MIN_REFERENCE_TOKENS = 64
"""A reference that would be cut shorter than this is omitted."""


def overhead_tokens(reference_count: int) -> int:
    """Returns an upper estimate for the router's own text in a prompt with references."""
    return INSTRUCTION_TOKENS + REFERENCE_OVERHEAD_TOKENS * reference_count


def room_tokens(model: PoolModel, conversation: Conversation) -> int:
    """Returns the tokens that the conversation and a reply of full length leave for references."""
    return _room_tokens(model, conversation) - conversation.count_tokens(model.count_tokens)


def fits(model: PoolModel, conversation: Conversation) -> bool:
    """Returns whether the conversation and a reply of full length fit into the context window."""
    # If even the most tokens fit, none need be counted.
    room = _room_tokens(model, conversation)
    return conversation.most_tokens <= room or conversation.count_tokens(model.count_tokens) <= room


def all_fit(models: ModelSet, conversation: Conversation) -> bool:
    """Returns whether the conversation surely fits into every model, without a look at each."""
    room = models.least_room(conversation.options.max_output_tokens)
    return conversation.most_tokens <= room - INSTRUCTION_TOKENS


def fitting(models: ModelSet, conversation: Conversation) -> Booleans:
    """Returns which models the conversation and a reply of full length fit into."""
    room = models.context_window_tokens - INSTRUCTION_TOKENS
    room -= models.reply_limits(conversation.options.max_output_tokens)
    fitting = conversation.most_tokens <= room
    for index in np.flatnonzero(~fitting).tolist():
        fitting[index] = fits(models[index], conversation)
    return fitting


def _room_tokens(model: PoolModel, conversation: Conversation) -> int:
    """Returns the tokens that the router's instruction and the longest reply leave."""
    reply_tokens = model.reply_limit(conversation.options.max_output_tokens)
    return model.context_window_tokens - reply_tokens - INSTRUCTION_TOKENS


def fit_references(
    model: PoolModel, conversation: Conversation, answers: Sequence[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """Returns the answers that fit, best first; the last ones are dropped first.

    Args:
        model: The model that reads them.
        conversation: The conversation, which is in the prompt already.
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
