"""The request of POST /v1/messages -> a request to the router."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from routemoa.v1 import generation_pb2, model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.gateway.extension import FIELD
from services.gateway.fields import Fields
from services.gateway.messages.content import read_messages, text_blocks
from services.gateway.messages.messages_tools import read_tools
from services.gateway.requests.conversation import ConversationBuilder
from services.gateway.requests.extension_options import extend
from services.gateway.requests.json_values import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.gateway.fields import Problems

_EFFORTS = {
    "low": generation_pb2.REASONING_EFFORT_LOW,
    "medium": generation_pb2.REASONING_EFFORT_MEDIUM,
    "high": generation_pb2.REASONING_EFFORT_HIGH,
    "xhigh": generation_pb2.REASONING_EFFORT_HIGH,
    "max": generation_pb2.REASONING_EFFORT_HIGH,
}
_LOW_BUDGET_TOKENS = 4_096
_MEDIUM_BUDGET_TOKENS = 16_384
_REFUSED = {
    "container": "is not supported: no tool runs here",
    "mcp_servers": "is not supported: no tool runs here",
    "top_k": "is not supported; use `top_p`",
}
_IGNORED = {
    "cache_control",
    "context_management",
    "diagnostics",
    "inference_geo",
    "service_tier",
    "speed",
    "user_profile_id",
    "workspace_id",
}
"""Fields that change no answer here. Edits of the context are one: reasoning is never sent back."""
_READ = {
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "output_config",
    "output_format",
    FIELD,
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_p",
}
_KNOWN = _READ | _IGNORED | set(_REFUSED)


def read_request(
    body: Mapping[str, Any], headers: Mapping[str, str], problems: Problems
) -> pb.StreamAnswerRequest:
    """Returns the request to the router; records its problems."""
    fields = Fields(body, "", problems)
    for name in fields.unknown(_KNOWN):
        fields.wrong(name, "is not a known parameter")
    for name, reason in _REFUSED.items():
        if fields.values.get(name):
            fields.wrong(name, reason)
    conversation = ConversationBuilder()
    system = text_blocks(fields, "system")
    if any(system):
        conversation.message(model_pb2.ROLE_SYSTEM, system)
    read_messages(fields, conversation)
    request = pb.StreamAnswerRequest(messages=conversation.messages(), options=_options(fields))
    extend(request, body, headers, problems)
    return request


def _options(fields: Fields) -> generation_pb2.GenerationOptions:
    if not fields.has("max_tokens"):
        fields.wrong("max_tokens", "is required")
    options = generation_pb2.GenerationOptions(
        max_output_token_count=fields.integer("max_tokens"),
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        stop_sequences=fields.texts("stop_sequences"),
    )
    metadata = fields.object("metadata")
    if metadata is not None:
        options.metadata.end_user = metadata.text("user_id") or ""
    config = fields.object("output_config")
    _read_thinking(fields, config, options)
    form = config.object("format") if config is not None else None
    _read_format(form or fields.object("output_format"), options)
    read_tools(fields, options)
    return options


def _read_thinking(
    fields: Fields, config: Fields | None, options: generation_pb2.GenerationOptions
) -> None:
    if config is not None and config.has("effort"):
        options.reasoning_effort = _EFFORTS[config.choice("effort", [*_EFFORTS]) or "medium"]
    thinking = fields.object("thinking")
    if thinking is None:
        return
    kind = (
        thinking.choice("type", ("enabled", "adaptive", "between_tools", "disabled")) or "adaptive"
    )
    if kind == "disabled":
        options.reasoning_effort = generation_pb2.REASONING_EFFORT_NONE
        return
    options.include_reasoning = thinking.text("display") != "omitted"
    if kind == "enabled" and not options.reasoning_effort:
        options.reasoning_effort = _effort(thinking.integer("budget_tokens") or 0)


def _effort(budget_tokens: int) -> generation_pb2.ReasoningEffort.ValueType:
    if budget_tokens < _LOW_BUDGET_TOKENS:
        return generation_pb2.REASONING_EFFORT_LOW
    if budget_tokens < _MEDIUM_BUDGET_TOKENS:
        return generation_pb2.REASONING_EFFORT_MEDIUM
    return generation_pb2.REASONING_EFFORT_HIGH


def _read_format(form: Fields | None, options: generation_pb2.GenerationOptions) -> None:
    if form is None:
        return
    if form.required_text("type") != "json_schema":
        form.wrong("type", "must be `json_schema`")
        return
    schema = options.response_format.json_schema
    schema.name = "answer"
    schema.strict = True
    schema.schema_json = json_text(form, "schema")
    if not schema.schema_json:
        form.wrong("schema", "is required")
