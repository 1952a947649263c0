"""The request that asks a model a question: its messages, options, size and cost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from services.router.types.conversation import needed_capabilities, prompt_tokens
from services.router.types.messages import Message, Role
from services.router.types.options import Capability, GenerationOptions, JsonFormat, Tool

if TYPE_CHECKING:
    from services.examination.questions.question import Question
    from services.router.pool.model import PoolModel


def messages_of(question: Question) -> tuple[Message, ...]:
    """Returns the messages that ask a question."""
    return (Message(role=Role.USER, content=question.prompt),)


def options_for(model: PoolModel, question: Question) -> GenerationOptions:
    """Returns the options of the call: tools, and a schema if the model can be held to one."""
    draft, form = question.draft, None
    if draft.schema and Capability.JSON_SCHEMA in model.abilities:
        form = JsonFormat(schema_json=json.dumps(draft.schema), name="answer")
    return GenerationOptions(
        temperature=0.0,
        json_format=form,
        tools=tuple(
            Tool(
                name=tool.name,
                description=tool.description,
                parameters_json=json.dumps(tool.parameters),
            )
            for tool in draft.tools
        ),
    )


def tokens_of(model: PoolModel, question: Question) -> int:
    """Returns the tokens of a question's prompt."""
    return prompt_tokens(messages_of(question), model.count_tokens, options_for(model, question))


def can_be_asked(model: PoolModel, question: Question) -> bool:
    """Returns whether a model has room for a question, and the capabilities that it needs."""
    needs = needed_capabilities(messages_of(question), options_for(model, question))
    room = model.context_window_tokens - model.max_reply_tokens
    return needs <= model.abilities and tokens_of(model, question) <= room


def worst_usd(model: PoolModel, question: Question) -> float:
    """Returns the dollars of a question with the longest reply."""
    return model.worst_case(tokens_of(model, question)).usd
